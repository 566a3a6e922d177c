"""The plain forecasts within the day that better ones have to beat: profile and averages."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.forecast.intraday.dynamics import sparse_dynamics
from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.profile import additive_means, is_sparse
from models.forecast.intraday.state_space import WINDOW_DAYS

Floats = NDArray[np.float64]
TAIL = 240  # measurements that a moving average remembers
LEAST_VARIANCE = 1e-9  # of a measurement that never changes


@dataclass(frozen=True, eq=False)
class ProfileMeanFit:
    """Every period's mean over the past days, whatever today brings.

    profile: (N,); position: the next period.
    noise_variance: mean squared error of every day by the mean of those before it.
    """

    profile: Floats
    noise_variance: float
    position: int = 0

    def one_step(self, today: Floats, companions: tuple[Floats, ...] = ()) -> PeriodForecast:
        """Return the forecast of every period of the day, shapes (N,)."""
        return _flat_variance(self.profile, self.noise_variance)

    def update(self, observations: Floats) -> "ProfileMeanFit":
        """Return the same from a later period on."""
        return replace(self, position=self.position + len(observations))

    def forecast(self, horizon: int) -> PeriodForecast:
        """Return the forecast of the next `horizon` periods."""
        return _flat_variance(
            self.profile[self.position : self.position + horizon], self.noise_variance
        )


@dataclass(frozen=True, eq=False)
class MovingFit:
    """An average of the last known logs, across midnight.

    half_life: in known logs, None for an even average of `width`.
    tail: known ones only, so that no halt is long enough to empty it.
    """

    tail: Floats
    width: int
    half_life: float | None
    noise_variance: float

    def one_step(self, today: Floats, companions: tuple[Floats, ...] = ()) -> PeriodForecast:
        """Return the forecast of every period made just before it, shapes (N,)."""
        return _flat_variance(
            _moving_average_before(np.concatenate([self.tail, today]), self.width, self.half_life)[
                len(self.tail) :
            ],
            self.noise_variance,
        )

    def update(self, observations: Floats) -> "MovingFit":
        """Return the average after the day's next logs."""
        return replace(self, tail=_known(np.concatenate([self.tail, observations]))[-TAIL:])

    def forecast(self, horizon: int) -> PeriodForecast:
        """Return the average for each of the next `horizon` periods."""
        last = self.one_step(np.full(1, np.nan)).log_mean
        return _flat_variance(np.repeat(last, horizon), self.noise_variance)


def fit_profile_mean(history: Floats) -> ProfileMeanFit:
    """Average the logs of the last 60 days, (D, N), period by period.

    A period without any takes the mean of all. Where a tenth of the periods or more is empty, they
    share a smooth profile.
    """
    recent = history[-WINDOW_DAYS:]
    known = np.isfinite(recent)
    if is_sparse(recent):
        profile = float(recent[known].mean()) + sparse_dynamics(recent, *additive_means(recent))[1]
        return ProfileMeanFit(profile, _spread(recent - profile))
    count = known.sum(axis=0)
    overall = float(recent[known].mean()) if known.any() else np.nan
    mean = np.divide(
        np.where(known, recent, 0.0).sum(axis=0),
        count,
        out=np.full(recent.shape[1], overall),
        where=count > 0,
    )
    return ProfileMeanFit(mean, _spread(recent - seasonal_baseline(recent)))


def seasonal_baseline(history: Floats) -> Floats:
    """Return each period's mean over the days before; the first day's, its mean so far.

    history: (D, N), NaN where missing; the result too, where nothing came before.
    """
    known = np.isfinite(history)
    filled = np.where(known, history, 0.0)
    before = np.zeros(history.shape)
    count = np.zeros(history.shape)
    before[1:], count[1:] = filled.cumsum(axis=0)[:-1], known.cumsum(axis=0)[:-1]
    before[0, 1:], count[0, 1:] = filled[0].cumsum()[:-1], known[0].cumsum()[:-1]
    return np.divide(before, count, out=np.full(history.shape, np.nan), where=count > 0)


def fit_moving(history: Floats, width: int, half_life: float | None = None) -> MovingFit:
    """Take the last logs of past days, (D, N), and measure how far the average errs."""
    flat = history[-WINDOW_DAYS:].ravel()
    return MovingFit(
        _known(flat)[-TAIL:],
        width,
        half_life,
        _spread(flat - _moving_average_before(flat, width, half_life)),
    )


def _moving_average_before(logs: Floats, width: int, half_life: float | None) -> Floats:
    from pandas import Series

    known = Series(logs).dropna()
    means = (
        known.rolling(width, min_periods=1).mean()
        if half_life is None
        else known.ewm(halflife=half_life).mean()
    )
    return np.asarray(means.reindex(range(len(logs))).ffill().shift(1), dtype=np.float64)


def _spread(errors: Floats) -> float:
    known = _known(errors)
    return max(float((known**2).mean()), LEAST_VARIANCE) if len(known) else LEAST_VARIANCE


def _known(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _flat_variance(log_mean: Floats, variance: float) -> PeriodForecast:
    known = np.isfinite(log_mean)
    return PeriodForecast(log_mean, np.where(known, 0.0, np.nan), np.where(known, variance, np.nan))
