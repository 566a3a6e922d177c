"""What the shape of the day's forecast has been worth on past days, for the parameter file."""

import numpy as np
import pandas as pd

from models.forecast.evaluation.shape import joint_moments, shape_slope
from pipeline.engine.tables import Calibration, Forecast
from pipeline.parameters.sections import ShapeSection, ShapeState
from solver.planning.shape import STATES

SERIES = {"volatility": "volatility", "liquidity": "volume", "spread": "half_spread"}


def shape_section(
    forecast: Forecast, calibration: Calibration, periods: pd.DataFrame, has_spread: bool
) -> ShapeSection:
    """Return slopes, weights and flat levels of the states that the law uses.

    periods: the file's, a column a state. Liquidity is scored as volume is, its log turned over and
    times theta; alpha by the levels of days, of which each is forecast by those before it.
    """
    theta = float(calibration.parameters.set_index("name").loc["theta", "value"])
    dates = np.unique(forecast.shape["date"].to_numpy(dtype=str))
    places = forecast.horizon["period"].to_numpy()
    told, came = np.full((2, len(STATES), len(dates), len(places)), np.nan)
    for row, state in enumerate(STATES):
        if state == "alpha":
            told[row], came[row] = _levels(calibration.without, dates, places, forecast)
        elif state != "spread" or has_spread:
            factor = -theta if state == "liquidity" else 1.0
            table = forecast.shape[forecast.shape["series"] == SERIES[state]]
            told[row], came[row] = (
                factor * _logs(table, column, dates, places) for column in ("forecast", "realized")
            )
    states = {state: _state(told[row], came[row]) for row, state in enumerate(STATES)}
    flat = {state: float(periods[state].mean()) for state in STATES}
    if has_spread:  # its periods are medians
        flat["spread"] = float(forecast.horizon["half_spread_mean"].mean())
    return ShapeSection(
        days=len(dates),
        joint=tuple(tuple(map(tuple, day)) for day in joint_moments(told, came).tolist()),
        **{state: ShapeState(flat=flat[state], **states[state]) for state in STATES},
    )


def _state(told: np.ndarray, came: np.ndarray) -> dict[str, float | None]:
    found = shape_slope(told, came)
    error = found.standard_error
    return {
        "weight": found.weight,
        "slope": found.slope,
        "standard_error": error if np.isfinite(error) else None,
    }


def _logs(table: pd.DataFrame, column: str, dates: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return logs by date and period, (D, H), NaN where nothing positive is known."""
    wide = table.pivot(index="date", columns="period", values=column)
    values = wide.reindex(index=dates, columns=places).to_numpy(dtype=float)
    return np.log(np.where(values > 0, values, np.nan))


def _levels(
    without: pd.DataFrame, dates: np.ndarray, places: np.ndarray, forecast: Forecast
) -> tuple[np.ndarray, np.ndarray]:
    """Return alpha's logs by date and period, (D, H): the mean of the days before, and the day's.

    A day's own levels are the jackknife's pseudo-values: of D days, D - 1 times what leaving it out
    moves. Less the estimate of all days, which is the same for all.
    Source: Tukey 1958; Miller 1974, "The jackknife - a review".
    """
    buckets = [name for name in without.columns if name.startswith("log_alpha_")]
    known = without.sort_values("date").set_index("date")[buckets].astype(float)
    own = -(len(known) - 1) * known
    before = own.expanding().mean().shift(1)
    count = int(forecast.states["period"].max()) + 1 if len(forecast.states) else 0
    periods = max(count, int(places.max()) + 1)
    bucket = places * len(buckets) // periods
    told, came = (each.reindex(dates).to_numpy(dtype=float)[:, bucket] for each in (before, own))
    return told, came
