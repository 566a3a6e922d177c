"""The pages of a book of costs: one for the book, one for each of its dearest orders."""
