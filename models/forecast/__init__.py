"""Forecasts of markets: daily levels, measurements within the day, and which to trust."""
