"""Series with zeros: the chance of a trade or a move, its size, and what the periods add up to."""
