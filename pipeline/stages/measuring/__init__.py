"""What a day of tape measures: features by period, walks of the book, stretches, depth, refill."""
