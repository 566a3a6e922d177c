"""Which forecasters within the day to use, and how far each is to be believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.evaluation.contest import LEAST_DAYS, ContestEntry, Horizon, judge
from models.forecast.intraday.catalogue import (
    BASELINE_CANDIDATE,
    DEFAULT_CANDIDATE,
    CandidateTrack,
)
from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts
from models.forecast.intraday.sparse.zeros import bears_zeros

Floats = NDArray[np.float64]
SIMPLEST_SHARE = 0.5  # of belief that the profile holds before any day is scored
LEAST_WEIGHT = 0.05  # a forecaster with less is left out
ZEROS_SCALE = 0.5  # of log h + RV / h, half the loss of an exponential variable


@dataclass(frozen=True)
class Choice:
    """The forecasters to average, their weights, why, and what was found of each.

    entries: best first, none without a day to score; tested: whether there were three.
    """

    members: tuple[str, ...]
    weights: tuple[float, ...]
    reason: str
    entries: tuple[ContestEntry, ...]
    tested: bool

    @property
    def shares(self) -> dict[str, float]:
        """Return the weight of every member."""
        return dict(zip(self.members, self.weights, strict=True))


def choose_before(
    tracks: dict[str, CandidateTrack],
    logs: Floats,
    variance: bool,
    horizon: Horizon,
    day: int,
    tests: bool = True,
) -> Choice:
    """Choose by the days before `day`, the first third left out: it is too little to fit to."""
    early = {name: each.until(day) for name, each in tracks.items()}
    return choose(early, logs[:day], variance, horizon, max(1, day // 3), tests)


def choose(
    tracks: dict[str, CandidateTrack],
    logs: Floats,
    variance: bool,
    horizon: Horizon,
    first: int,
    tests: bool = True,
) -> Choice:
    """Choose by the cumulative losses of day `first` and later ones.

    A forecaster weighs as likely as its losses are, blocks of 30 periods taken for independent
    normal errors of the least mean loss, times its share before any was scored: half for the
    profile, the rest for all others alike. So the profile stands until days speak against it, and
    the average narrows to the best as they grow. Without a day to score the state space stands: it
    alone can start within a day. tests: whether entries carry p values, which weigh nothing.
    Source: Buckland, Burnham, Augustin 1997, "Model selection: an integral part of inference", for
    the weights; Vovk 1990, "Aggregating strategies", for their cumulation.
    """
    entries = judge(
        {name: getattr(each, horizon) for name, each in tracks.items()},
        logs,
        variance,
        first,
        tests,
    )
    if not entries:
        reason = f"no day to score: the {DEFAULT_CANDIDATE} model stands"
        return Choice((DEFAULT_CANDIDATE,), (1.0,), reason, (), False)
    days = len(logs) - first
    scale = ZEROS_SCALE if variance and bears_zeros(logs) else entries[0].loss
    weights = _weights(entries, scale)
    kept = np.flatnonzero(weights >= LEAST_WEIGHT)
    shares = weights[kept] / weights[kept].sum()
    told = ", ".join(
        f"{entries[place].candidate} {share:.0%}" for place, share in zip(kept, shares, strict=True)
    )
    over = f"{days} {'day' if days == 1 else 'days'}"
    return Choice(
        tuple(entries[place].names[0] for place in kept),
        tuple(float(share) for share in shares),
        f"cumulative loss over {over}, weighed against the {BASELINE_CANDIDATE}: {told}",
        entries,
        days >= LEAST_DAYS,
    )


def chosen_forecast(
    tracks: dict[str, CandidateTrack], choice: Choice, horizon: Horizon
) -> PeriodForecast:
    """Return the weighted average of the chosen forecasters, shapes (D, N)."""
    parts = [getattr(tracks[name], horizon) for name in choice.members]
    return average_forecasts(parts, choice.weights)


def _weights(entries: tuple[ContestEntry, ...], scale: float) -> Floats:
    """Return each record's weight, summing to 1."""
    simple = np.array([BASELINE_CANDIDATE in entry.names for entry in entries])
    others = max(int((~simple).sum()), 1)
    prior = np.where(simple, SIMPLEST_SHARE, (1 - SIMPLEST_SHARE) / others)
    behind = np.array([entry.loss - entries[0].loss for entry in entries])
    evidence = np.log(prior)
    if scale > 0:
        evidence = evidence - entries[0].blocks / 2 * behind / scale
    weights = np.exp(evidence - evidence.max())
    return np.asarray(weights / weights.sum())
