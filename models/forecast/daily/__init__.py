"""Forecasters of a daily level, such as a realized variance or a volume."""

from models.forecast.daily.catalogue import BASELINE, MODELS
from models.forecast.daily.har import HARFit, fit_har
from models.forecast.daily.measures import Measures
from models.forecast.daily.model import DailyFit, DailyForecast, DailyModel

__all__ = [
    "BASELINE",
    "MODELS",
    "DailyFit",
    "DailyForecast",
    "DailyModel",
    "HARFit",
    "Measures",
    "fit_har",
]
