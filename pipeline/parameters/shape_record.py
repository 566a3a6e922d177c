"""What the shape of the day's forecast has been worth on past days, for the parameter file."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.forecast.evaluation.shape import joint_moments, shape_slope
from models.impact.book.cost_law import LEVEL
from pipeline.engine.tables import Calibration, Forecast
from pipeline.parameters.sections import ShapeSection, ShapeState
from solver.planning.shape import STATES

SERIES = {"volatility": "volatility", "liquidity": "volume", "spread": "half_spread"}


@dataclass(frozen=True, eq=False)
class PastShapes:
    """What past days' forecasts said of the periods to be traded, and what came.

    told: as `Forecast.shape`; levels: (D, B) logs of alpha, each day's own by bucket, its dates the
    index; places: (H,) periods to be traded; periods: of the session; theta: of liquidity;
    has_spread: whether the law knows the spread apart.
    """

    told: pd.DataFrame
    levels: pd.DataFrame
    places: np.ndarray
    periods: int
    theta: float
    has_spread: bool

    def logs(self) -> tuple[np.ndarray, np.ndarray]:
        """Return logs of forecasts and outcomes, (4, D, H), of a state the law knows, else NaN.

        Liquidity is scored as volume is, its log turned over and times theta; alpha by the levels
        of days, of which each is forecast by the mean of those before it.
        """
        dates = np.unique(self.told["date"].to_numpy(dtype=str))
        told, came = np.full((2, len(STATES), len(dates), len(self.places)), np.nan)
        bucket = self.places * self.levels.shape[1] // self.periods
        for row, state in enumerate(STATES):
            if state == "alpha":
                before = self.levels.expanding().mean().shift(1)
                told[row], came[row] = (
                    each.reindex(dates).to_numpy(dtype=float)[:, bucket]
                    for each in (before, self.levels)
                )
            elif state != "spread" or self.has_spread:
                factor = -self.theta if state == "liquidity" else 1.0
                table = self.told[self.told["series"] == SERIES[state]]
                told[row], came[row] = (
                    factor * _logs(table, column, dates, self.places)
                    for column in ("forecast", "realized")
                )
        return told, came


def shape_section(
    forecast: Forecast, calibration: Calibration, periods: pd.DataFrame, has_spread: bool
) -> ShapeSection:
    """Return slopes, weights and flat levels of the states that the law uses.

    periods: the file's, a column a state.
    """
    places = forecast.horizon["period"].to_numpy()
    count = int(forecast.states["period"].max()) + 1 if len(forecast.states) else 0
    told, came = PastShapes(
        told=forecast.shape,
        levels=_levels(calibration),
        places=places,
        periods=max(count, int(places.max()) + 1),
        theta=float(calibration.parameters.set_index("name").loc["theta", "value"]),
        has_spread=has_spread,
    ).logs()
    states = {state: _state(told[row], came[row]) for row, state in enumerate(STATES)}
    flat = {state: float(periods[state].mean()) for state in STATES}
    if has_spread:  # its periods are medians
        flat["spread"] = float(forecast.horizon["half_spread_mean"].mean())
    return ShapeSection(
        days=told.shape[1],
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


def _levels(calibration: Calibration) -> pd.DataFrame:
    """Return every day's own levels of alpha by bucket, (D, B) logs, dates the index.

    They are the jackknife's pseudo-values: the estimate less D - 1 times what leaving a day of D
    out moves.
    Source: Tukey 1958; Miller 1974, "The jackknife - a review".
    """
    known = calibration.without.sort_values("date").set_index("date")
    buckets = [name for name in known.columns if name.startswith(LEVEL)]
    whole = calibration.parameters.set_index("name").loc[buckets, "value"]
    return whole - (len(known) - 1) * known[buckets].astype(float)
