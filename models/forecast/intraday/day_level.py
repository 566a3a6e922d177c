"""The daily level that an intraday forecast starts from: past levels, and the next day's."""

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.har import fit_har
from models.forecast.daily.measures import Measures
from models.forecast.daily.model import DailyModel
from models.forecast.intraday.profile import is_sparse, shrinkage

Floats = NDArray[np.float64]
DIFFUSE = 1e4  # variance of a level of which nothing is known
HAR_DAYS = 60
LEVEL_WINDOW = 1000  # days of a daily model
EWMA_WEIGHTS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
DEFAULT_WEIGHT, WEIGHT_DAYS = 0.5, 10
LEVEL_VARIANCE = 0.1  # one-step variance of a daily log level before any day has shown it
LEVEL_DAYS = 2  # that it weighs as much as
DOUBTFUL = 0.25  # of the levels' variance: from here on their own errors are told from their moves


def day_levels(history: Floats, profile: Floats) -> Floats:
    """Return every day's mean deviation from the profile, (D,), NaN where nothing was measured."""
    known = np.isfinite(history)
    total = np.where(known, history - profile, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.divide(total, count, out=np.full(len(history), np.nan), where=count > 0)


def kind_offsets(levels: Floats, kinds: NDArray[np.int_]) -> Floats:
    """Return how far each day's kind lies from the mean level, (D + 1,), shrunk by its error.

    Source: Efron, Morris 1973 for the shrinkage, by the noise of a mean against its squared
    distance.
    """
    known = np.isfinite(levels)
    offsets = np.zeros(len(kinds))
    if not known.any():
        return offsets
    mean = levels[known].mean()
    groups = [levels[known & (kinds[:-1] == kind)] for kind in np.unique(kinds)]
    present = [group for group in groups if len(group)]
    free = max(int(known.sum()) - len(present), 1)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in present) / free
    for kind, group in zip(np.unique(kinds), groups, strict=True):
        if len(group) > 1:
            apart = float(group.mean() - mean)
            offsets[kinds == kind] = shrinkage(apart**2, within / len(group)) * apart
    return offsets


def sampling_variances(history: Floats, noise: float) -> Floats | None:
    """Return the squared error of every day's level, (D,), of days mostly empty; else None."""
    if not is_sparse(history):
        return None
    return noise / np.maximum(np.isfinite(history).sum(axis=1), 1)


def next_level(
    levels: Floats, daily: DailyModel | None, doubt: Floats | None = None
) -> tuple[str, float, float]:
    """Return the level model's name, its forecast of the next day and the variance of that.

    doubt: (D,) squared errors of the levels, None where they are measured well.
    """
    known = levels[np.isfinite(levels)]
    if doubt is not None and len(known):
        doubt = doubt[np.isfinite(levels)]
        if len(known) < 2 or doubt.mean() > DOUBTFUL * known.var(ddof=1):
            return _doubtful_level(known, doubt)
    if daily is not None:
        ahead = daily.fit(Measures(np.exp(known)), LEVEL_WINDOW).forecast(1)
        miss = np.log(ahead.ratios[np.isfinite(ahead.ratios)])
        return daily.name, float(np.log(ahead.mean[0]) + miss.mean()), float(miss.var(ddof=1))
    if len(known) == 0:
        return "none", 0.0, DIFFUSE
    if len(known) >= HAR_DAYS:
        har = fit_har(known)
        return "har", har.forecast(known), har.residual_variance
    errors = {weight: _ewma(known, weight) for weight in EWMA_WEIGHTS}
    weight = DEFAULT_WEIGHT
    if len(known) >= WEIGHT_DAYS:
        weight = min(errors, key=lambda each: float((errors[each][1] ** 2).sum()))
    level, miss = errors[weight]
    variance = (LEVEL_DAYS * LEVEL_VARIANCE + (miss**2).sum()) / (LEVEL_DAYS + len(miss))
    return f"ewma({weight:g})", level, float(variance)


def _doubtful_level(levels: Floats, doubt: Floats) -> tuple[str, float, float]:
    """Return the mean of levels that chance moves more than the market does.

    Source: DerSimonian, Laird 1986, "Meta-analysis in clinical trials", for the moments.
    """
    beyond = max(0.0, float(levels.var(ddof=1) - doubt.mean())) if len(levels) > 1 else 0.0
    days = LEVEL_DAYS + len(levels) - 1
    between = (LEVEL_DAYS * LEVEL_VARIANCE + (len(levels) - 1) * beyond) / days
    weights = 1 / (between + doubt)
    mean = float(np.average(levels, weights=weights))
    return "mean", mean, between + float(1 / weights.sum())


def _ewma(levels: Floats, weight: float) -> tuple[float, Floats]:
    """Return the average after the last level and the one-step errors on the way."""
    level, misses = float(levels[0]), []
    for value in levels[1:].tolist():
        misses.append(value - level)
        level += weight * (value - level)
    return level, np.array(misses)
