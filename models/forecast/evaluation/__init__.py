"""Which forecasts are better: rolling origins, loss comparisons and the choice among them."""

from models.forecast.evaluation.choice import Choice, choose, choose_before, chosen_forecast
from models.forecast.evaluation.comparison import (
    DailyScore,
    compare,
    confidence_set,
    diebold_mariano,
)
from models.forecast.evaluation.contest import (
    ContestEntry,
    interval,
    judge,
    loss_name,
    losses,
    standard_errors,
)
from models.forecast.evaluation.rolling_origin import BacktestProtocol, DailyTrack, track_model

__all__ = [
    "BacktestProtocol",
    "Choice",
    "ContestEntry",
    "DailyScore",
    "DailyTrack",
    "choose",
    "choose_before",
    "chosen_forecast",
    "compare",
    "confidence_set",
    "diebold_mariano",
    "interval",
    "judge",
    "loss_name",
    "losses",
    "standard_errors",
    "track_model",
]
