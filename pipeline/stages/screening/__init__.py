"""Screening: what a day of tape supports of its rows, its days and the forecasts made of them."""
