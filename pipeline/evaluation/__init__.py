"""Every candidate on tape that its parameters have not seen: what it would have cost."""
