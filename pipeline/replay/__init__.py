"""An order replayed on a tape: moments, books known and filled at, fills and what they cost."""
