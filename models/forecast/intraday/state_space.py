"""Intraday forecasts of a positive measurement: time-of-day profile x daily level x within-day
state.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from models.forecast.daily.har import fit_har
from models.forecast.daily.measures import Measures
from models.forecast.daily.model import DailyModel
from models.forecast.intraday.dynamics import Dynamics, fit_dynamics, variogram_dynamics
from models.forecast.intraday.profile import shrinkage
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
WINDOW_DAYS = 60  # of profile and dynamics
HAR_DAYS = 60
LEVEL_WINDOW = 1000  # days of a daily model
FIRST_DAY_BLOCK = 30  # periods
DIFFUSE = 1e4  # variance of a level of which nothing is known
EWMA_WEIGHTS = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
DEFAULT_WEIGHT, WEIGHT_DAYS = 0.5, 10
LEVEL_VARIANCE, LEVEL_DAYS = (
    0.1,
    2,
)  # one-step variance of a daily log level, and the days it weighs as much as


@dataclass(frozen=True)
class IntradayState:
    """What is known of the day's level and of the deviation from it, before the next period:
    Gaussian, in logs.
    """

    level: float
    deviation: float
    level_variance: float
    covariance: float
    deviation_variance: float


@dataclass(frozen=True, eq=False)
class PeriodForecast:
    """Predicted measurements, lognormal. Shapes: all equal; NaN before anything was ever observed.

    log_mean; state_variance: of what is measured, in logs; noise_variance: of the measurement
    beside it.
    """

    log_mean: Floats
    state_variance: Floats
    noise_variance: Floats

    @property
    def log_variance(self) -> Floats:
        """Return the variance of the measurement's logarithm."""
        return self.state_variance + self.noise_variance

    @property
    def mean(self) -> Floats:
        """Return the mean of the measurement itself."""
        return np.exp(self.log_mean + self.log_variance / 2)

    @property
    def variance(self) -> Floats:
        """Return the variance of the measurement itself."""
        return self.mean**2 * np.expm1(self.log_variance)

    def __getitem__(self, index: int | slice) -> "PeriodForecast":
        """Return a part along the first axis."""
        return PeriodForecast(*(getattr(self, each.name)[index] for each in fields(self)))

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return the quantiles of the measurement, shape (len(probabilities), horizon)."""
        return np.exp(
            self.log_mean + np.sqrt(self.log_variance) * ndtri(np.asarray(probabilities))[:, None]
        )


@dataclass(frozen=True, eq=False)
class IntradayFit:
    """y_{d,i} = profile_i + level_d + a_{d,i} + e: a is a stationary AR(1) that starts afresh each
    day.

    profile: (N,), mean 0; dynamics of a and e; level_model: "har", "ewma" (with its weight), a
    daily model's name or "none"; state before period `position`; days used; missing: share of their
    periods without a measurement; clip: standard deviations at which a surprise counts no more.
    """

    profile: Floats
    dynamics: Dynamics
    level_model: str
    state: IntradayState
    position: int
    days: int
    missing: float
    clip: float
    warnings: tuple[Caveat, ...]

    def update(self, observations: Floats) -> "IntradayFit":
        """Return the fit conditioned on the day's next logs, (m,), NaN where missing.

        Raises: ValueError when they reach beyond the profile.
        """
        return self._advance(observations)[0]

    def forecast(self, horizon: int) -> PeriodForecast:
        """Return the forecast of the next `horizon` periods of the day.

        Raises: ValueError when they reach beyond the profile.
        """
        ahead = self._ahead(horizon, "horizon")
        decay = self.dynamics.phi ** np.arange(horizon)
        state = self.state
        settled = self.dynamics.state_variance * (1 - decay**2)
        variance = (
            state.level_variance
            + 2 * decay * state.covariance
            + decay**2 * state.deviation_variance
        )
        mean = ahead + state.level + decay * state.deviation
        known = state.level_variance < DIFFUSE / 2
        return PeriodForecast(
            np.where(known, mean, np.nan),
            np.where(known, variance + settled, np.nan),
            np.full(horizon, self.dynamics.noise_variance if known else np.nan),
        )

    def one_step(self, today: Floats, companions: tuple[Floats, ...] = ()) -> PeriodForecast:
        """Return for every observation the forecast made just before it, from those before it; no
        companion is used.
        """
        return self._advance(today)[1]

    def summary(self) -> str:
        """Return the fit as text."""
        dynamics, level, error = self.dynamics, self.state.level, self.state.level_variance**0.5
        lines = [
            f"Intraday model  days {self.days}  missing {self.missing:.1%}  level by "
            f"{self.level_model}",
            f"profile {np.ptp(self.profile):.3g} high to low  level {level:.4g} +- {error:.2g}",
            f"phi {dynamics.phi:.3f}  state s.d. {dynamics.state_variance**0.5:.3g}"
            f"  noise s.d. {dynamics.noise_variance**0.5:.3g}",
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])

    def _ahead(self, count: int, name: str) -> Floats:
        rest = len(self.profile) - self.position
        if not 0 <= count <= rest:
            raise ValueError(f"{name}: {count} periods, the day has {rest} left")
        return self.profile[self.position : self.position + count]

    def _advance(self, observations: Floats) -> tuple["IntradayFit", PeriodForecast]:
        """Filter the observations.

        Source: the Kalman filter with state (level, a), e.g. Durbin, Koopman 2012, section 4.3,
        written out; Masreliez, Martin 1977, "Robust Bayesian estimation for the linear model and
        robustifying the Kalman filter", for the clip.
        """
        ahead = self._ahead(len(observations), "observations")
        phi, noise = self.dynamics.phi, self.dynamics.noise_variance
        shock = self.dynamics.state_variance * (1 - phi**2)
        state = self.state
        level, deviation = state.level, state.deviation
        p_level, p_both, p_deviation = (
            state.level_variance,
            state.covariance,
            state.deviation_variance,
        )
        means, states, noises = [], [], []
        for value, base in zip((observations - ahead).tolist(), ahead.tolist(), strict=True):
            mean, variance = level + deviation, p_level + 2 * p_both + p_deviation + noise
            known = p_level < DIFFUSE / 2
            means.append(mean + base if known else math.nan)
            states.append(variance - noise if known else math.nan)
            noises.append(noise if known else math.nan)
            if not math.isnan(value):
                to_level, to_deviation = (
                    (p_level + p_both) / variance,
                    (p_both + p_deviation) / variance,
                )
                reach = self.clip * math.sqrt(variance)
                surprise = min(max(value - mean, -reach), reach)
                level += to_level * surprise
                deviation += to_deviation * surprise
                p_level -= to_level**2 * variance
                p_both -= to_level * to_deviation * variance
                p_deviation -= to_deviation**2 * variance
            deviation, p_both, p_deviation = (
                phi * deviation,
                phi * p_both,
                phi**2 * p_deviation + shock,
            )
        after = IntradayState(level, deviation, p_level, p_both, p_deviation)
        fit = replace(self, state=after, position=self.position + len(ahead))
        return fit, PeriodForecast(np.array(means), np.array(states), np.array(noises))


def fit_intraday(
    history: Floats,
    kinds: NDArray[np.int_] | None = None,
    clip: float = math.inf,
    daily: DailyModel | None = None,
) -> IntradayFit:
    """Fit profile, dynamics and daily level to the logs of past days, ready to forecast the next
    one.

    history: (D, N), NaN where missing; shorter days end in NaN; D = 0 gives the defaults and an
    unknown level. kinds: (D + 1,) the kind of each day and of the next (say weekday 0, weekend 1),
    whose levels differ by a constant; None when all are alike. clip: see IntradayFit; daily:
    forecasts the daily level.
    Raises: ValueError from `daily`, when the history is too short for it.
    Source: Chen, Feng, Palomar 2016, "Forecasting intraday trading volume: a Kalman filter
    approach", for the structure; moments in place of their EM.
    """
    recent = history[-WINDOW_DAYS:]
    dynamics, profile = fit_dynamics(recent)
    levels = _daily_levels(history, profile)
    offsets = np.zeros(len(history) + 1) if kinds is None else _kind_offsets(levels, kinds)
    level_model, level, variance = _next_level(levels - offsets[:-1], daily)
    level += float(offsets[-1])
    caveats = []
    if len(recent) < 2:
        message = f"{len(recent)} past days: profile, daily level and dynamics rest on defaults"
        caveats.append(Caveat("short_history", message))
    state = IntradayState(level, 0.0, variance, 0.0, dynamics.state_variance)
    missing = float(np.isnan(history).mean()) if history.size else 0.0
    return IntradayFit(
        profile, dynamics, level_model, state, 0, len(history), missing, clip, tuple(caveats)
    )


def one_step(history: Floats) -> PeriodForecast:
    """Return the forecast of every measurement made just before it, shapes (D, N); NaN before the
    first one.

    history: (D, N), logs. Day d is filtered by what was fitted to the days before it, so nothing
    depends on later values; a row of NaN is a day-ahead forecast. The first day has only itself:
    its dynamics are measured again every FIRST_DAY_BLOCK periods from what it has shown by then.
    """
    days = [
        fit_intraday(history[:day]).one_step(row) if day else _first_day(row)
        for day, row in enumerate(history)
    ]
    return _joined(days, np.stack)


def _first_day(row: Floats) -> PeriodForecast:
    fit = fit_intraday(np.empty((0, len(row))))
    blocks = []
    for begin in range(0, len(row), FIRST_DAY_BLOCK):
        seen, block = row[:begin], row[begin : begin + FIRST_DAY_BLOCK]
        dynamics = variogram_dynamics(seen[None, :], 1.0)
        start = replace(fit.state, deviation_variance=dynamics.state_variance)
        blocks.append(replace(fit, dynamics=dynamics, state=start).update(seen).one_step(block))
    return _joined(blocks, np.concatenate)


def _joined(parts: list[PeriodForecast], join: Callable[[list[Floats]], Floats]) -> PeriodForecast:
    return PeriodForecast(
        *(join([getattr(part, field.name) for part in parts]) for field in fields(PeriodForecast))
    )


def _daily_levels(history: Floats, profile: Floats) -> Floats:
    known = np.isfinite(history)
    total = np.where(known, history - profile, 0.0).sum(axis=1)
    count = known.sum(axis=1)
    return np.divide(total, count, out=np.full(len(history), np.nan), where=count > 0)


def _kind_offsets(levels: Floats, kinds: NDArray[np.int_]) -> Floats:
    """Return for every day, (D + 1,), how far its kind's mean level lies from the mean, shrunk by
    its error.

    Source: Efron, Morris 1973 for the shrinkage, by the noise of a mean against its squared
    distance.
    """
    known = np.isfinite(levels)
    offsets = np.zeros(len(kinds))
    if not known.any():
        return offsets
    mean = levels[known].mean()
    groups = [levels[known & (kinds[:-1] == kind)] for kind in np.unique(kinds)]
    free = max(int(known.sum()) - sum(len(group) > 0 for group in groups), 1)
    within = (
        sum(float(((group - group.mean()) ** 2).sum()) for group in groups if len(group)) / free
    )
    for kind, group in zip(np.unique(kinds), groups, strict=True):
        if len(group) > 1:
            apart = float(group.mean() - mean)
            offsets[kinds == kind] = shrinkage(apart**2, within / len(group)) * apart
    return offsets


def _next_level(levels: Floats, daily: DailyModel | None) -> tuple[str, float, float]:
    """Return the level model's name, its forecast of the next day and the variance of that."""
    known = levels[np.isfinite(levels)]
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


def _ewma(levels: Floats, weight: float) -> tuple[float, Floats]:
    """Return the average after the last level and the one-step errors on the way."""
    level, misses = float(levels[0]), []
    for value in levels[1:].tolist():
        misses.append(value - level)
        level += weight * (value - level)
    return level, np.array(misses)
