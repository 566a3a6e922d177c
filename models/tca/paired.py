"""Whether one policy costs less than another on the same tape, with an error by blocks of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.tca.runs import Run
from models.tca.shortfall import BPS

Floats = NDArray[np.float64]
LEVEL = 0.95
FEWEST = 5  # blocks that an error is told from
SLACKS = 1.5  # of the band in a block: what is put off mostly stays in it; 2 leave too few blocks
SHORTEST = 900.0  # seconds: spreads remember minutes


@dataclass(frozen=True)
class Blocks:
    """Blocks of equal trading time between an order's start and end, trading seconds.

    Raises: ValueError when there is no block, or no time.
    """

    start: float
    end: float
    count: int

    def __post_init__(self) -> None:
        if self.count < 1 or not self.end > self.start:
            raise ValueError(f"{self.count} blocks from {self.start:g} to {self.end:g} s")

    @classmethod
    def within(cls, start: float, end: float, slack: float) -> Blocks:
        """Return as many blocks as a band leaves; slack: of the band, a share of the order."""
        return cls(start, end, block_count(end - start, slack))

    def sums(self, time: Floats, amount: Floats) -> Floats:
        """Return the amounts summed up by block, (count,).

        Raises: ValueError when a time lies outside.
        """
        place = np.floor((time - self.start) / (self.end - self.start) * self.count)
        place = np.where(time == self.end, self.count - 1, place)
        if len(time) and not (place.min() >= 0 and place.max() < self.count):
            raise ValueError(f"fills outside {self.start:g} to {self.end:g} s of trading")
        return np.bincount(place.astype(np.int64), amount, self.count).astype(np.float64)


def block_count(horizon: float, slack: float) -> int:
    """Return how many blocks a horizon holds that are longer than a band's slack, at least 1.

    horizon: trading seconds; slack: share of the order that a policy may be ahead of or behind an
    even pace, so that slack x horizon is how long it may put shares off. A block is `SLACKS` times
    as long, and at least `SHORTEST`. `benchmarks/paired.py` measures what such blocks cover.
    """
    shortest = max(SLACKS * slack * horizon, SHORTEST)
    return max(1, int(np.floor(horizon / shortest + 1e-9)))


@dataclass(frozen=True)
class PairedDifference:
    """A policy's cost less a yardstick's on one tape, bps of notional, and its error by blocks.

    error: NaN below `FEWEST` blocks; lower, upper: 95 % by Student's t with blocks - 1 degrees of
    freedom.
    """

    policy: float
    yardstick: float
    error: float
    blocks: int

    @property
    def difference(self) -> float:
        """Policy less yardstick; below 0 the policy saves."""
        return self.policy - self.yardstick

    @property
    def reach(self) -> float:
        """Half the width of the 95 % interval."""
        return float(stats.t.ppf((1 + LEVEL) / 2, self.blocks - 1)) * self.error

    @property
    def lower(self) -> float:
        """The lower end of the 95 % interval."""
        return self.difference - self.reach

    @property
    def upper(self) -> float:
        """The upper end of the 95 % interval."""
        return self.difference + self.reach

    @property
    def verdict(self) -> Literal["saves", "costs", "undecided"]:
        """What the interval says of the policy; an error that is not known decides nothing."""
        if self.upper < 0:
            return "saves"
        return "costs" if self.lower > 0 else "undecided"


def paired_difference(
    policy: Sequence[Run], yardstick: Sequence[Run], blocks: Blocks
) -> PairedDifference:
    """Return the difference in mean cost of two policies' runs (phases, sides), with its error.

    A policy may trade more or fewer shares than the yardstick in a block, so costs by block are no
    pairs; what each block adds to the linearised ratios of cost to shares is,
    d_b = mean over runs of (c_b - r s_b) / S, policy less yardstick, with r = C / S. Runs share the
    tape, so they are averaged before the variance is taken: V = G / (G - 1) sum (d_b - mean)^2.

    Raises: ValueError for no runs, or fills outside the blocks.

    Source: Cochran (1977), "Sampling techniques", 6.4 (the linearised ratio); Ibragimov, Mueller
    (2010), "t-statistic based correlation and heterogeneity robust inference" (t by few blocks).
    """
    if not policy or not yardstick:
        raise ValueError("a paired difference needs at least one run of either policy")
    added = added_by_block(policy, blocks) - added_by_block(yardstick, blocks)
    count = blocks.count
    error = np.nan
    if count >= FEWEST:
        error = float(np.sqrt(count / (count - 1) * np.sum((added - added.mean()) ** 2)))
    own, other = (float(np.mean([run.cost for run in runs])) for runs in (policy, yardstick))
    return PairedDifference(own, other, error, count)


def added_by_block(runs: Sequence[Run], blocks: Blocks) -> Floats:
    """Return what each block adds to the runs' mean cost a share beyond its mean, bps, (count,)."""
    return np.asarray(np.mean([_added(run, blocks) for run in runs], axis=0), dtype=np.float64)


def _added(run: Run, blocks: Blocks) -> Floats:
    """Return what each block adds to a run's cost a share beyond its mean, bps, (count,)."""
    shares = run.shares.sum()
    excess = run.over_mid - run.shares * (run.over_mid.sum() / shares)
    return BPS / abs(run.arrival) * blocks.sums(run.time, excess) / shares
