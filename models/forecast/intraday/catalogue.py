"""The forecasters within the day by name, one interface for whatever is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.catalogue import MODELS
from models.forecast.daily.combination import Combination
from models.forecast.intraday.averaged import AveragedFit, fit_averaged
from models.forecast.intraday.moving import fit_moving, fit_profile_mean
from models.forecast.intraday.period_forecast import (
    CandidateFit,
    PeriodForecast,
    stack_forecasts,
    unknown_forecast,
)
from models.forecast.intraday.sparse.zeros import ZeroAugmentedFit, first_day, fit_zeros, positive
from models.forecast.intraday.state_space import fit_intraday

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
CLIP = 2.0  # standard deviations
LEVELS = Combination("combined level", (MODELS["log_har"], MODELS["ewma"], MODELS["random_walk"]))
FIRST_FITTED_DAY = (
    1  # the first day has nothing before it: only the state space can start within it
)


@dataclass(frozen=True, eq=False)
class PastDays:
    """Days in order: logs (D, N); a shorter day ends in NaN.

    NaN where nothing was measured, -inf where zero was.

    kinds: (D + 1,) kind of every day and of the next, None when they are alike; companions: each
    (D, N), logs of what else was measured.
    """

    logs: Floats
    kinds: Ints | None = None
    companions: tuple[Floats, ...] = ()

    @property
    def periods(self) -> int:
        """Return the number of periods of a day."""
        return self.logs.shape[1]

    def until(self, day: int) -> "PastDays":
        """Return the days before `day`, which is then the next."""
        kinds = None if self.kinds is None else self.kinds[: day + 1]
        return PastDays(self.logs[:day], kinds, tuple(each[:day] for each in self.companions))


# From past days and an earlier fit, whose costly parts may be kept.
FitCandidate = Callable[[PastDays, CandidateFit | None], CandidateFit]


def _state_space(
    past: PastDays, earlier: CandidateFit | None, clip: float = np.inf
) -> CandidateFit:
    return fit_intraday(past.logs, past.kinds, clip)


def _daily_level(past: PastDays, earlier: CandidateFit | None) -> CandidateFit:
    try:
        return fit_intraday(past.logs, past.kinds, daily=LEVELS)
    except ValueError:  # too few days for the daily models
        return fit_intraday(past.logs, past.kinds)


def _averaged(past: PastDays, earlier: CandidateFit | None) -> CandidateFit:
    before = earlier if isinstance(earlier, AveragedFit) else None
    return fit_averaged(past.logs, past.kinds, past.companions, before)


def _profile(past: PastDays, earlier: CandidateFit | None) -> CandidateFit:
    return fit_profile_mean(past.logs)


def _moving(
    past: PastDays, earlier: CandidateFit | None, width: int, half_life: float | None = None
) -> CandidateFit:
    return fit_moving(past.logs, width, half_life)


DEFAULT_CANDIDATE, BASELINE_CANDIDATE = "state_space", "profile"
SIZES: dict[str, FitCandidate] = {
    DEFAULT_CANDIDATE: _state_space,
    "robust_state_space": partial(_state_space, clip=CLIP),
    "combined_level": _daily_level,
    "averaged": _averaged,
    BASELINE_CANDIDATE: _profile,
    "rolling_mean": partial(_moving, width=20),
    "ewma": partial(_moving, width=0, half_life=8.0),
}


def _with_zeros(past: PastDays, earlier: CandidateFit | None, sizes: FitCandidate) -> CandidateFit:
    before = earlier.size if isinstance(earlier, ZeroAugmentedFit) else None
    others = tuple(positive(each) for each in past.companions)
    fitted = sizes(PastDays(positive(past.logs), past.kinds, others), before)
    return ZeroAugmentedFit(fitted, fit_zeros(past.logs))


CANDIDATES: dict[str, FitCandidate] = {
    name: partial(_with_zeros, sizes=sizes) for name, sizes in SIZES.items()
}


@dataclass(frozen=True, eq=False)
class CandidateTrack:
    """What a candidate said of past periods, (D, N): just before each, and before its day."""

    next_period: PeriodForecast
    day_ahead: PeriodForecast

    def until(self, day: int) -> "CandidateTrack":
        """Return what was said of the days before `day`."""
        return CandidateTrack(self.next_period[:day], self.day_ahead[:day])


def track_candidate(name: str, past: PastDays) -> CandidateTrack:
    """Fit before every day to the days before it, and forecast it period by period and as a whole.

    The first day is the state-space model's, whichever is asked for. Its day-ahead forecast is NaN.
    """
    steps, aheads = [], []
    fitted: CandidateFit | None = None
    for day, row in enumerate(past.logs):
        if day < FIRST_FITTED_DAY:
            steps.append(first_day(row))
            aheads.append(unknown_forecast(len(row)))
            continue
        fitted = CANDIDATES[name](past.until(day), fitted)
        steps.append(fitted.one_step(row, tuple(each[day] for each in past.companions)))
        aheads.append(fitted.forecast(len(row)))
    return CandidateTrack(stack_forecasts(steps), stack_forecasts(aheads))
