"""Forecasts of a daily level that is flat ahead: random walk, EWMA, local level."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.signal import lfilter

from models.forecast.daily.measures import Measures, positive_log
from models.forecast.daily.model import DailyForecast, check_known, known_ratios, usable_forecast
from models.losses import qlike

Floats = NDArray[np.float64]
WEIGHTS = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7)
LOG_RATIOS = (-10.0, 4.0)
LEAST_VARIANCE = 1e-12  # of logs
SETTLING = 22  # known days of a window whose forecasts rest on too little


@dataclass(frozen=True, eq=False)
class FlatFit:
    """One number for all days ahead.

    fitted: (n,) what it was before each of the window's days; detail: parameters.
    """

    model: "RandomWalk | Ewma | LocalLevel"
    window: int
    recent: Measures
    ahead: float
    fitted: Floats
    detail: dict[str, float]

    def update(self, observation: Measures) -> "FlatFit":
        """Return the model fitted again to the window that ends with the observed days."""
        return self.model.fit(self.recent.followed_by(observation), self.window)

    def forecast(self, horizon: int) -> DailyForecast:
        """Return the next `horizon` days."""
        level = self.recent.level[-len(self.fitted) :]
        ratios = np.full((horizon, len(level)), np.nan)
        for step in range(min(horizon, len(level))):
            ratios[step, : len(level) - step] = known_ratios(
                level[step:], self.fitted[: len(level) - step]
            )
        return usable_forecast(np.full(horizon, self.ahead), ratios, level)

    def summary(self) -> str:
        """Return the fit as text."""
        detail = "  ".join(f"{name} {value:.4g}" for name, value in self.detail.items())
        return f"{self.model.name}  n {len(self.fitted)}  {detail}"


@dataclass(frozen=True)
class RandomWalk:
    """Tomorrow is the last known day."""

    name: str = "random_walk"

    def fit(self, history: Measures, window: int) -> FlatFit:
        """Fit to the last `window` days; raises ValueError when fewer than 20 are known."""
        check_known(history.level[-window:], self.name)
        recent = history[-window:]
        last = _carried(recent.level)
        return FlatFit(
            self, window, recent, float(last[-1]), np.concatenate([[np.nan], last[:-1]]), {}
        )


@dataclass(frozen=True)
class Ewma:
    """An exponentially weighted mean of past levels, by the weight of least QLIKE in the window."""

    name: str = "ewma"

    def fit(self, history: Measures, window: int) -> FlatFit:
        """Fit to the last `window` days; raises ValueError when fewer than 20 are known."""
        check_known(history.level[-window:], self.name)
        recent = history[-window:]
        paths = _ewma_paths(recent.level, np.array(WEIGHTS))
        settled = min(SETTLING, len(recent) // 2)
        losses = [qlike(recent.level[settled:], path[settled:-1]) for path in paths]
        best = int(np.argmin(losses))
        return FlatFit(
            self,
            window,
            recent,
            float(paths[best, -1]),
            paths[best, :-1],
            {"weight": WEIGHTS[best]},
        )


@dataclass(frozen=True)
class LocalLevel:
    """log level = random walk + noise, by maximum likelihood.

    A zero or missing day is skipped by the filter.
    Source: Durbin, Koopman 2012, "Time Series Analysis by State Space Methods", chapter 2; Duan
    1983 for the smearing.
    """

    name: str = "local_level"

    def fit(self, history: Measures, window: int) -> FlatFit:
        """Fit to the last `window` days; raises ValueError when fewer than 20 are known."""
        check_known(history.level[-window:], self.name)
        recent = history[-window:]
        logs = positive_log(recent.level)
        if np.nanvar(logs) < LEAST_VARIANCE:  # a constant has no likelihood
            constant = float(np.exp(np.nanmean(logs)))
            return FlatFit(self, window, recent, constant, np.full(len(recent), constant), {})
        fitted, ahead, ratio = _local_level(logs)
        known = np.flatnonzero(np.isfinite(logs))
        fitted[: known[min(SETTLING, len(known) // 2)]] = np.nan
        smearing = float(np.nanmean(np.exp(logs - fitted)))
        return FlatFit(
            self,
            window,
            recent,
            np.exp(ahead) * smearing,
            np.exp(fitted) * smearing,
            {"ratio": ratio},
        )


def _local_level(logs: Floats) -> tuple[Floats, float, float]:
    """Return the log level before every day, the one ahead, and the variance ratio.

    The ratio is that of the walk's variance to the noise's.
    The scale is concentrated out, which leaves one parameter to search.
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents  # seconds to import

    model = UnobservedComponents(logs, "llevel")
    model.ssm.filter_concentrated = True
    found = minimize_scalar(
        lambda ratio: -model.loglike([1.0, math.exp(ratio)]),
        bounds=LOG_RATIOS,
        method="bounded",
        options={"xatol": 0.01},
    )
    model.update([1.0, math.exp(found.x)])
    result = model.ssm.filter()
    predicted = result.predicted_state[0]
    return np.array(predicted[:-1]), float(predicted[-1]), math.exp(float(found.x))


def _carried(level: Floats) -> Floats:
    """Return the last positive level up to each day, NaN before the first."""
    last = np.maximum.accumulate(np.where(level > 0, np.arange(len(level)), -1))
    return np.where(last >= 0, level[last], np.nan)


def _ewma_paths(level: Floats, weights: Floats) -> Floats:
    """Return the mean before every day and after the last, (len(weights), n + 1).

    Days that are zero or missing change nothing.
    """
    present = level > 0
    known = level[present]
    after = [
        lfilter([weight], [1, weight - 1], known, zi=[(1 - weight) * known[0]])[0]
        for weight in weights
    ]
    before = np.concatenate([np.full((len(weights), 1), known[0]), np.array(after)], axis=1)
    return np.asarray(before[:, np.concatenate([[0], present.cumsum()])])
