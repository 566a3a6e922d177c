"""Intraday forecasts: time-of-day profile x daily level x a state that moves within the day."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.model import DailyModel
from models.forecast.intraday.day_level import (
    DIFFUSE,
    day_levels,
    kind_offsets,
    next_level,
    sampling_variances,
)
from models.forecast.intraday.dynamics import Dynamics, first_dynamics, fit_dynamics
from models.forecast.intraday.period_forecast import (
    PeriodForecast,
    concatenate_forecasts,
    stack_forecasts,
)
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
WINDOW_DAYS = 60  # of profile and dynamics
FIRST_DAY_BLOCK = 30  # periods


@dataclass(frozen=True)
class IntradayState:
    """What is known of level and deviation before the next period: Gaussian, in logs."""

    level: float
    deviation: float
    level_variance: float
    covariance: float
    deviation_variance: float


@dataclass(frozen=True, eq=False)
class IntradayFit:
    """y_{d,i} = profile_i + level_d + a_{d,i} + e.

    a: a stationary AR(1) that starts afresh each day.
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
        """Return the forecast of every period made just before it; no companion is used."""
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
        """Return the fit after the observations, and what was expected just before each."""
        ahead = self._ahead(len(observations), "observations")
        after, mean, variance = _filtered(
            self.state, self.dynamics, self.clip, (observations - ahead).tolist()
        )
        noise = np.where(np.isfinite(variance), self.dynamics.noise_variance, np.nan)
        fit = replace(self, state=after, position=self.position + len(ahead))
        return fit, PeriodForecast(mean + ahead, variance, noise)


def fit_intraday(
    history: Floats,
    kinds: NDArray[np.int_] | None = None,
    clip: float = math.inf,
    daily: DailyModel | None = None,
) -> IntradayFit:
    """Fit profile, dynamics and daily level to the logs of past days.

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
    levels = day_levels(history, profile)
    offsets = np.zeros(len(history) + 1) if kinds is None else kind_offsets(levels, kinds)
    doubt = sampling_variances(history, dynamics.noise_variance)
    level_model, level, variance = next_level(levels - offsets[:-1], daily, doubt)
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
    """Return the forecast of every measurement made just before it, shapes (D, N).

    NaN before the first measurement.
    history: (D, N), logs. Day d is filtered by what was fitted to the days before it, so nothing
    depends on later values; a row of NaN is a day-ahead forecast. The first day has only itself:
    its dynamics are measured again every FIRST_DAY_BLOCK periods from what it has shown by then.
    """
    days = [
        fit_intraday(history[:day]).one_step(row) if day else _first_day(row)
        for day, row in enumerate(history)
    ]
    return stack_forecasts(days)


def _first_day(row: Floats) -> PeriodForecast:
    fit = fit_intraday(np.empty((0, len(row))))
    blocks = []
    for begin in range(0, len(row), FIRST_DAY_BLOCK):
        seen, block = row[:begin], row[begin : begin + FIRST_DAY_BLOCK]
        dynamics = first_dynamics(seen)
        start = replace(fit.state, deviation_variance=dynamics.state_variance)
        blocks.append(replace(fit, dynamics=dynamics, state=start).update(seen).one_step(block))
    return concatenate_forecasts(blocks)


def _filtered(
    state: IntradayState, dynamics: Dynamics, clip: float, deviations: list[float]
) -> tuple[IntradayState, Floats, Floats]:
    """Return the state after the deviations from the profile, and what was expected before each.

    The expectations are means and variances, the noise left out, NaN while the level is unknown.
    Source: the Kalman filter with state (level, a), e.g. Durbin, Koopman 2012, section 4.3, written
    out; Masreliez, Martin 1977, "Robust Bayesian estimation for the linear model and robustifying
    the Kalman filter", for the clip.
    """
    phi, noise = dynamics.phi, dynamics.noise_variance
    shock = dynamics.state_variance * (1 - phi**2)
    level, deviation = state.level, state.deviation
    p_level, p_both, p_deviation = state.level_variance, state.covariance, state.deviation_variance
    means, variances = [], []
    for value in deviations:
        mean, variance = level + deviation, p_level + 2 * p_both + p_deviation + noise
        known = p_level < DIFFUSE / 2
        means.append(mean if known else math.nan)
        variances.append(variance - noise if known else math.nan)
        if not math.isnan(value):
            to_level = (p_level + p_both) / variance
            to_deviation = (p_both + p_deviation) / variance
            reach = clip * math.sqrt(variance)
            surprise = min(max(value - mean, -reach), reach)
            level += to_level * surprise
            deviation += to_deviation * surprise
            p_level -= to_level**2 * variance
            p_both -= to_level * to_deviation * variance
            p_deviation -= to_deviation**2 * variance
        deviation, p_both = phi * deviation, phi * p_both
        p_deviation = phi**2 * p_deviation + shock
    after = IntradayState(level, deviation, p_level, p_both, p_deviation)
    return after, np.array(means), np.array(variances)
