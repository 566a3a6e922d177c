"""Forecasters within the day of positive measurements: volatility, volume, spread, depth."""

from models.forecast.intraday.averaged import AveragedFit, fit_averaged
from models.forecast.intraday.catalogue import (
    BASELINE_CANDIDATE,
    CANDIDATES,
    DEFAULT_CANDIDATE,
    CandidateTrack,
    PastDays,
    track_candidate,
)
from models.forecast.intraday.moving import (
    MovingFit,
    ProfileMeanFit,
    fit_moving,
    fit_profile_mean,
    seasonal_baseline,
)
from models.forecast.intraday.period_forecast import CandidateFit, PeriodForecast, average_forecasts
from models.forecast.intraday.rest_of_day import RestOfDay, forecast_rest_of_day
from models.forecast.intraday.sparse.totals import liquidity_volume, total_interval
from models.forecast.intraday.sparse.zeros import bears_zeros, level_ratio
from models.forecast.intraday.state_space import IntradayFit, fit_intraday, one_step
from models.forecast.intraday.volume_curve import expected_volume_curve

__all__ = [
    "BASELINE_CANDIDATE",
    "CANDIDATES",
    "DEFAULT_CANDIDATE",
    "AveragedFit",
    "CandidateFit",
    "CandidateTrack",
    "IntradayFit",
    "MovingFit",
    "PastDays",
    "PeriodForecast",
    "ProfileMeanFit",
    "RestOfDay",
    "average_forecasts",
    "bears_zeros",
    "expected_volume_curve",
    "fit_averaged",
    "fit_intraday",
    "fit_moving",
    "fit_profile_mean",
    "forecast_rest_of_day",
    "level_ratio",
    "liquidity_volume",
    "one_step",
    "seasonal_baseline",
    "total_interval",
    "track_candidate",
]
