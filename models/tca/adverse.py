"""Whether a policy's fills foretell the mid more than a yardstick's: markouts and their null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tca.runs import Run
from models.tca.shortfall import BPS

Floats = NDArray[np.float64]
MidAt = Callable[[Floats], Floats]  # trading seconds of any shape to mids, NaN where not known
BOUND_LEVEL = 0.95
FEWEST = 20  # shifts: fewer cannot come below 5 %
SLIP = 1e-9  # bps of rounding: where buys and sells are filled together, all markouts cancel


@dataclass(frozen=True)
class Shifts:
    """Circular shifts of fill times within an order's start (included) and end (excluded).

    start, end: trading seconds; lags: seconds after a fill; count: how many shifts.

    Raises: ValueError for an empty time, or fewer than `FEWEST` shifts.
    """

    start: float
    end: float
    lags: tuple[float, ...] = (1.0, 5.0, 30.0)
    count: int = 400

    def __post_init__(self) -> None:
        if not self.end > self.start or self.count < FEWEST:
            raise ValueError(f"{self.count} shifts from {self.start:g} to {self.end:g} s")

    def moved(self, time: Floats, by: Floats) -> Floats:
        """Return the times moved by each of some seconds, (k, n); the end goes on at the start."""
        length = self.end - self.start
        return self.start + np.mod(time - self.start + by[:, None], length)


@dataclass(frozen=True, eq=False)
class AdverseMarkouts:
    """Markouts of a policy and a yardstick, and the policy's at shifted times, by lag; bps.

    Shapes: (L,), null (K, L). Markouts are positive where the price went the order's way; what is
    adverse has the other sign. saving: the policy's in cost over mid, bps. NaN where no mid is
    known.
    """

    lags: Floats
    policy: Floats
    yardstick: Floats
    null: Floats
    saving: float

    @property
    def adverse(self) -> Floats:
        """Yardstick less policy: above 0 the price went against the policy's fills, (L,)."""
        return self.yardstick - self.policy

    @property
    def error(self) -> Floats:
        """The standard deviation of `adverse` over the shifts, (L,)."""
        return self.null.std(axis=0, ddof=1)

    def quantiles(self, levels: Sequence[float]) -> Floats:
        """Return quantiles of `adverse` over the shifts, (len(levels), L)."""
        return np.quantile(self.yardstick - self.null, levels, axis=0)

    @property
    def p_value(self) -> Floats:
        """How likely fills at times without meaning are at least as adverse, (L,)."""
        below = (self.null <= self.policy + SLIP).sum(axis=0)
        known = np.isfinite(self.policy) & np.isfinite(self.null).all(axis=0)
        return np.where(known, (1 + below) / (1 + len(self.null)), np.nan)

    @property
    def bound(self) -> Floats:
        """The most that may be adverse, one-sided 95 %, (L,).

        The largest cost that the test does not reject: `adverse` less the 5 % quantile of its null.
        The yardstick's own markout is in both and drops out.
        """
        return np.quantile(self.null, BOUND_LEVEL, axis=0, method="higher") - self.policy

    @property
    def bound_share(self) -> Floats:
        """The bound as a share of the saving, (L,); NaN where nothing is saved."""
        return self.bound / self.saving if self.saving > 0 else np.full(len(self.lags), np.nan)


def adverse_markouts(
    policy: Sequence[Run],
    yardstick: Sequence[Run],
    mid_at: MidAt,
    shifts: Shifts,
    rng: np.random.Generator,
) -> AdverseMarkouts:
    """Hold a policy's markouts against a yardstick's, and against its own at shifted times.

    Runs (phases, and buys as often as sells, so that the drift of the mid cancels) are averaged and
    moved together. A shift keeps the fills' shares and distances and breaks what they know of the
    mid. Under the null the mid moves after the policy's fills as it does at any time; a policy that
    trades when the mid is more volatile than at other times would be rejected too often.

    Raises: ValueError for no runs, or fills outside start and end.

    Source: Davison, Hinkley (1997), "Bootstrap methods and their application", 4.3 (the p-value).
    """
    if not policy or not yardstick:
        raise ValueError("markouts need at least one run of either policy")
    for run in policy:
        if run.time.min() < shifts.start or run.time.max() >= shifts.end:
            raise ValueError(f"fills outside {shifts.start:g} to {shifts.end:g} s of trading")
    by = rng.uniform(0.0, shifts.end - shifts.start, shifts.count)
    lags = np.array(shifts.lags)
    own, other = (
        _mean([_markouts(run, run.time[None], lags, mid_at) for run in runs])[0]
        for runs in (policy, yardstick)
    )
    null = _mean([_markouts(run, shifts.moved(run.time, by), lags, mid_at) for run in policy])
    cost, dear = (float(np.mean([run.cost for run in runs])) for runs in (policy, yardstick))
    return AdverseMarkouts(lags, own, other, null, dear - cost)


def _markouts(run: Run, times: Floats, lags: Floats, mid_at: MidAt) -> Floats:
    """Return a run's markouts as if filled at each row of times (K, n), bps, (K, L)."""
    now, found = mid_at(times), np.empty((len(times), len(lags)))
    for column, lag in enumerate(lags):
        moved = mid_at(times + lag) - now
        known = np.isfinite(moved)
        shares = known @ run.shares
        total = np.where(known, moved, 0.0) @ run.shares
        found[:, column] = np.divide(
            total, shares, out=np.full(len(times), np.nan), where=shares > 0
        )
    return BPS * run.sign / abs(run.arrival) * found


def _mean(runs: list[Floats]) -> Floats:
    """Return the mean over runs of those that are known, NaN where none is."""
    every = np.stack(runs)
    known = np.isfinite(every)
    number = known.sum(axis=0)
    total = np.where(known, every, 0.0).sum(axis=0)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
