"""What the shape of forecasts within the day was worth: slopes of outcomes on them, by day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FLAT = 1e-9  # of a log, below which a forecast has no shape
LEAST_DAYS = 3  # scored days, below which a shape has no weight


@dataclass(frozen=True)
class ShapeSlope:
    """The slope of log outcomes on log forecasts, both less their day's mean.

    standard_error: clustered by day, NaN of one day; days: scored; weight: how far a forecast's
    deviation from flat is believed, 0 to 1.
    """

    slope: float
    standard_error: float
    days: int

    @property
    def weight(self) -> float:
        """Return the slope times its share of signal, within 0 and 1; 0 of fewer than three days.

        Source: Efron, Morris 1973, "Stein's estimation rule and its competitors".
        """
        if self.days < LEAST_DAYS or not self.slope > 0:
            return 0.0
        signal = max(0.0, 1 - (self.standard_error / self.slope) ** 2)
        return min(self.slope * signal, 1.0)


def shape_slope(forecast: Floats, outcome: Floats) -> ShapeSlope:
    """Return the slope over days, (D, N) logs, NaN or infinite where nothing is known.

    Source: Mincer, Zarnowitz 1969, "The evaluation of economic forecasts"; Liang, Zeger 1986 for
    the error, with D / (D - 1).
    """
    told, came = demeaned(forecast, outcome)
    scored = (np.abs(told) > FLAT).any(axis=1)
    square = (told**2).sum(axis=1)
    total, days = float(square.sum()), int(scored.sum())
    if not total > 0:
        return ShapeSlope(0.0, np.nan, days)
    slope = float((told * came).sum()) / total
    scores = (told * (came - slope * told)).sum(axis=1)[scored]
    if days < 2:
        return ShapeSlope(slope, np.nan, days)
    error = float(np.sqrt((scores**2).sum() * days / (days - 1))) / total
    return ShapeSlope(slope, error, days)


def joint_moments(forecast: Floats, outcome: Floats) -> Floats:
    """Return of every day the covariance over its periods of forecasts (rows) and outcomes.

    forecast, outcome: (S, D, N) logs of S states, (D, S, S); a period not known of a state counts
    as its day's mean there.
    """
    pairs = [demeaned(told, came) for told, came in zip(forecast, outcome, strict=True)]
    told, came = (np.stack(each) for each in zip(*pairs, strict=True))
    return np.asarray(np.einsum("idn,jdn->dij", told, came) / forecast.shape[2])


def demeaned(forecast: Floats, outcome: Floats) -> tuple[Floats, Floats]:
    """Return both less their day's mean over the periods known of both, 0 elsewhere."""
    known = np.isfinite(forecast) & np.isfinite(outcome)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)

    def less_mean(values: Floats) -> Floats:
        filled = np.where(known, values, 0.0)
        return np.where(known, filled - filled.sum(axis=1, keepdims=True) / count, 0.0)

    return less_mean(forecast), less_mean(outcome)
