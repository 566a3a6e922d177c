"""Forecasts of the session to come, their record and what there is to say of them."""
