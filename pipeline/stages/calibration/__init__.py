"""The law of impact fitted to a symbol's history, its errors, and what symbols lend each other."""
