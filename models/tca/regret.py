"""Candidates' costs on held-out tape against a yardstick and against who knew all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.tca.paired import Blocks, added_by_block
from models.tca.runs import Run

Floats = NDArray[np.float64]
LEVEL = 0.95
FAMILY = 0.05  # chance of any false verdict among all that are told together
LEAST_GAP = 1e-9  # of the yardstick's cost: below it there is nothing to win


@dataclass(frozen=True, eq=False)
class Costs:
    """Mean costs of candidates, and what each cluster adds to them.

    cost: by name, bps of notional; added: by name, (G,), of mean 0: the cluster's part of the cost
    less its mean, so that a difference's variance is G / (G - 1) times the sum of squares.

    Raises: ValueError for parts of different length.
    """

    cost: Mapping[str, float]
    added: Mapping[str, Floats]

    def __post_init__(self) -> None:
        if len({len(part) for part in self.added.values()}) != 1:
            raise ValueError("every candidate needs the same clusters")

    @classmethod
    def by_day(cls, cost: Mapping[str, Floats]) -> Costs:
        """Clusters are days. cost: (G,), sides, sizes and symbols of a day averaged before."""
        mean = {name: float(np.mean(each)) for name, each in cost.items()}
        added = {name: (each - mean[name]) / len(each) for name, each in cost.items()}
        return cls(mean, added)

    @classmethod
    def by_block(cls, runs: Mapping[str, Sequence[Run]], blocks: Blocks) -> Costs:
        """Clusters are the blocks of one day, all runs of a candidate averaged."""
        mean = {name: float(np.mean([run.cost for run in each])) for name, each in runs.items()}
        parts = {name: added_by_block(each, blocks) for name, each in runs.items()}
        return cls(mean, {name: each - each.mean() for name, each in parts.items()})

    @property
    def clusters(self) -> int:
        """How many clusters there are."""
        return len(next(iter(self.added.values())))

    def error(self, weights: Mapping[str, float], fewest: int = 2) -> float:
        """Standard error of a weighted sum of costs; NaN below `fewest` clusters."""
        count = self.clusters
        if count < fewest:
            return float("nan")
        total = np.sum([weight * self.added[name] for name, weight in weights.items()], axis=0)
        return float(np.sqrt(count / (count - 1) * np.sum(total**2)))


@dataclass(frozen=True)
class Judged:
    """A candidate on held-out tape, bps of notional.

    regret: cost above who knew all books; saving: yardstick less candidate, with error, 95 %
    interval by Student's t with clusters - 1 degrees of freedom, and two-sided p; share: part of
    the yardstick's regret that is saved, a ratio of sums, with its error. NaN where there is none.
    """

    name: str
    cost: float
    cost_error: float
    regret: float
    regret_error: float
    saving: float
    error: float
    lower: float
    upper: float
    p: float
    share: float
    share_error: float
    clusters: int

    def verdict(self, p: float) -> str:
        """Return saves, costs or undecided; p: the candidate's, adjusted for all told with it."""
        if not p < FAMILY:
            return "undecided"
        return "saves" if self.saving > 0 else "costs"


def judge(costs: Costs, yardstick: str, known: str, fewest: int = 2) -> list[Judged]:
    """Hold candidates against a yardstick and against the one who knew all books, `known`.

    fewest: clusters that an error is told from, of blocks more than of days.

    Source: t by clusters: Ibragimov, Mueller (2010); the error of a ratio of sums: Cochran (1977),
    "Sampling techniques", 6.4.
    """
    reach = float(stats.t.ppf((1 + LEVEL) / 2, max(costs.clusters - 1, 1)))
    gap = costs.cost[yardstick] - costs.cost[known]
    found = []
    for name, cost in costs.cost.items():
        saving = costs.cost[yardstick] - cost
        same = name == yardstick
        error = np.nan if same else costs.error({yardstick: 1.0, name: -1.0}, fewest)
        p = float(2 * stats.t.sf(abs(saving) / error, costs.clusters - 1)) if error > 0 else np.nan
        share = saving / gap if gap > LEAST_GAP * costs.cost[yardstick] else np.nan
        parts = {yardstick: 1.0 - share, known: share}
        parts[name] = parts.get(name, 0.0) - 1.0
        against = {known: -1.0, name: 1.0} if name != known else {known: 0.0}
        found.append(
            Judged(
                name=name,
                cost=cost,
                cost_error=costs.error({name: 1.0}, fewest),
                regret=cost - costs.cost[known],
                regret_error=costs.error(against, fewest),
                saving=saving,
                error=error,
                lower=saving - reach * error,
                upper=saving + reach * error,
                p=p,
                share=share,
                share_error=abs(costs.error(parts, fewest) / gap) if np.isfinite(share) else np.nan,
                clusters=costs.clusters,
            )
        )
    return found


def holm(p: Sequence[float]) -> list[float]:
    """Return p adjusted so that any false verdict among all has at most the level's chance.

    NaN stays NaN and counts for nothing. Source: Holm (1979), Scandinavian J. Statistics 6, 65-70.
    """
    known = np.isfinite(p)
    values = np.asarray(p, dtype=np.float64)[known]
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(np.arange(len(values), 0, -1) * values[order])
    adjusted, found = np.full(len(p), np.nan), np.empty(len(values))
    found[order] = np.minimum(steps, 1.0)
    adjusted[known] = found
    return [float(each) for each in adjusted]
