"""Which forecasters within the day to use: those the model confidence set keeps."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.forecast.evaluation.comparison import (
    MCS_SIZE,
    confidence_set,
    diebold_mariano,
    first_alike,
)
from models.forecast.intraday.catalogue import (
    BASELINE_CANDIDATE,
    DEFAULT_CANDIDATE,
    CandidateTrack,
)
from models.forecast.intraday.period_forecast import PeriodForecast, average_forecasts

Floats = NDArray[np.float64]
Horizon = Literal["next_period", "day_ahead"]
BLOCK = 30  # periods whose losses are averaged before they are compared
LEAST_DAYS = 3  # scored days, below which nothing is tested
LEAST_ERRORS, LEAST_INTERVAL_DAYS = 200, 5  # below either intervals are Gaussian
SEED = 0  # of the confidence set's bootstrap


@dataclass(frozen=True)
class ContestEntry:
    """One forecaster's record.

    alike: the first forecaster with the same losses; loss: mean; dm_p: Diebold-Mariano against the
    profile; mcs_p: in the model confidence set; n periods.
    """

    candidate: str
    alike: str
    loss: float
    dm_p: float
    mcs_p: float
    n: int


@dataclass(frozen=True)
class Choice:
    """The forecasters to average, why, and what was found of each.

    entries: best first, none with too few days.
    """

    members: tuple[str, ...]
    reason: str
    entries: tuple[ContestEntry, ...]
    tested: bool


def losses(forecast: PeriodForecast, logs: Floats, variance: bool) -> Floats:
    """Return the loss of every period, (D, N): QLIKE for a variance, else squared log error.

    QLIKE is that of the forecast's mean. NaN where either is missing.
    Source: Patton 2011, eq. (24).
    """
    if not variance:
        return np.asarray((logs - forecast.log_mean) ** 2)
    log_ratio = np.asarray(logs - np.log(forecast.mean))
    return np.exp(log_ratio) - log_ratio - 1


def judge(
    forecasts: dict[str, PeriodForecast], logs: Floats, variance: bool, first: int
) -> tuple[ContestEntry, ...]:
    """Return every forecaster's record from day `first` on, least loss first.

    Only periods that all of them forecast count.
    forecasts: one of them the profile's; they and the logs are (D, N). Losses of 30 periods are one
    observation. Empty with fewer than three days to score.
    Source: Hansen, Lunde, Nason 2011; Diebold, Mariano 1995.
    """
    found = {name: losses(forecast, logs, variance)[first:] for name, forecast in forecasts.items()}
    known = np.all([np.isfinite(loss) for loss in found.values()], axis=0)
    if known.any(axis=1).sum() < LEAST_DAYS:
        return ()
    blocks = {name: _block_means(loss, known) for name, loss in found.items()}
    of_a_day = -(-logs.shape[1] // BLOCK)  # errors are dependent within the day
    p, alike = confidence_set(blocks, SEED, of_a_day), first_alike(blocks)
    entries = [
        ContestEntry(
            name,
            alike[name],
            float(loss[known].mean()),
            diebold_mariano(blocks[name] - blocks[BASELINE_CANDIDATE], of_a_day + 1)[1],
            p[name],
            int(known.sum()),
        )
        for name, loss in found.items()
    ]
    return tuple(sorted(entries, key=lambda entry: entry.loss))


def choose_before(
    tracks: dict[str, CandidateTrack], logs: Floats, variance: bool, horizon: Horizon, day: int
) -> Choice:
    """Choose by the days before `day`, the first third left out: it is too little to fit to."""
    early = {name: each.until(day) for name, each in tracks.items()}
    return choose(early, logs[:day], variance, horizon, max(1, day // 3))


def choose(
    tracks: dict[str, CandidateTrack], logs: Floats, variance: bool, horizon: Horizon, first: int
) -> Choice:
    """Choose by the losses of day `first` and later ones.

    The survivors of the 90 % confidence set are averaged, those that say the same counted once,
    unless their average does worse than the best of them. With too few days or blocks to test, the
    state space stands.
    Source: Hansen, Lunde, Nason 2011; Timmermann 2006 for the average.
    """
    forecasts = {name: getattr(each, horizon) for name, each in tracks.items()}
    entries = judge(forecasts, logs, variance, first)
    days = len(logs) - first
    apart = len({entry.alike for entry in entries})
    if not entries or (apart > 1 and all(np.isnan(entry.mcs_p) for entry in entries)):
        reason = f"{days} days to score are too few to test: the {DEFAULT_CANDIDATE} model stands"
        return Choice((DEFAULT_CANDIDATE,), reason, entries, False)
    members = tuple(dict.fromkeys(entry.alike for entry in entries if not entry.mcs_p <= MCS_SIZE))
    if len(members) == 1:
        return Choice(members, f"alone in the 90 % confidence set over {days} days", entries, True)
    joint = losses(average_forecasts([forecasts[name] for name in members]), logs, variance)[first:]
    best = losses(forecasts[members[0]], logs, variance)[first:]
    both = np.isfinite(joint) & np.isfinite(best)
    if joint[both].mean() > best[both].mean():
        reason = (
            f"least loss over {days} days; the {len(members)} in the 90 % confidence set do "
            "worse averaged"
        )
        return Choice(members[:1], reason, entries, True)
    return Choice(
        members,
        f"the {len(members)} in the 90 % confidence set over {days} days, averaged",
        entries,
        True,
    )


def chosen_forecast(
    tracks: dict[str, CandidateTrack], choice: Choice, horizon: Horizon
) -> PeriodForecast:
    """Return the average of the chosen forecasters, shapes (D, N)."""
    return average_forecasts([getattr(tracks[name], horizon) for name in choice.members])


def standard_errors(forecast: PeriodForecast, logs: Floats) -> Floats:
    """Return known past errors of logs over the standard deviations they were expected to have.

    None of fewer than five days: errors of a day share its level, and so few levels say nothing of
    their spread.
    """
    errors = (logs - forecast.log_mean) / np.sqrt(forecast.log_variance)
    known = np.isfinite(errors)
    enough = known.any(axis=1).sum() >= LEAST_INTERVAL_DAYS
    return np.asarray(errors[known]) if enough else np.array([])


def interval(forecast: PeriodForecast, errors: Floats, coverage: float) -> tuple[Floats, Floats]:
    """Return the interval that a measurement falls into with probability `coverage`.

    Low and high have the forecast's shape.
    errors: standardised past ones, whose quantiles replace the Gaussian's once there are 200.
    Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive
    inference for regression", section 5.2 (locally weighted split conformal).
    """
    from scipy.special import ndtri

    tails = np.array([1 - coverage, 1 + coverage]) / 2
    low, high = np.quantile(errors, tails) if len(errors) >= LEAST_ERRORS else ndtri(tails)
    spread = np.sqrt(forecast.log_variance)
    return np.exp(forecast.log_mean + low * spread), np.exp(forecast.log_mean + high * spread)


def _block_means(loss: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return the mean known loss of every block of periods, days in order, empty ones left out."""
    starts = np.arange(0, loss.shape[1], BLOCK)
    total = np.add.reduceat(np.where(known, loss, 0.0), starts, axis=1).ravel()
    count = np.add.reduceat(known, starts, axis=1, dtype=np.int64).ravel()
    return np.asarray(total[count > 0] / count[count > 0])
