"""One family of cost laws solved on walk costs, what the data do not identify fixed and said so."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from models.impact.book.quasi_score import QuasiScore
from models.impact.book.root import Root, solve_scores
from models.impact.book.two_way import apart
from models.impact.book.walks import Cells
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LARGEST_EXPONENT_ERROR = 0.25
LEAST_WITHIN = 0.02  # of a state's variance: below it days tell more of it than their periods
SQUARE_ROOT = 1.5  # the exponent of total cost that the square-root law of impact fixes


class Family(Enum):
    """Which part of the cost is modelled and whether its exponent is estimated."""

    SPREAD_POWER = "spread_power"  # half spread, plus a power law of the excess
    SPREAD_SQRT = "spread_sqrt"  # the same with k = 1.5
    POWER = "power"  # the total cost a power law
    SQUARE_ROOT = "square_root"  # the same with k = 1.5
    LINEAR = "linear"  # the same with k = 1

    @property
    def fixed_k(self) -> float | None:
        """Return the exponent where the family fixes it."""
        return _FIXED.get(self)

    @property
    def has_spread(self) -> bool:
        """Tell whether the half spread stands beside the law, which is then of the excess over the
        best price.
        """
        return self in (Family.SPREAD_POWER, Family.SPREAD_SQRT)


_FIXED = {Family.SPREAD_SQRT: SQUARE_ROOT, Family.SQUARE_ROOT: SQUARE_ROOT, Family.LINEAR: 1.0}


@dataclass(frozen=True, eq=False)
class FamilyFit:
    """A family's solution. index: (n,) which of the cells were used; family as solved."""

    family: Family
    used: Cells
    index: Ints
    solution: Root
    caveats: tuple[Caveat, ...]

    @property
    def observed(self) -> Floats:
        """Return what the family models, (n,) currency."""
        return self.solution.score.cost

    @property
    def mean(self) -> Floats:
        """Return its fitted value, (n,) currency."""
        return self.solution.score.mean(self.solution.point)

    @property
    def spread(self) -> Floats:
        """Return the cost that stands beside it, (n,) currency."""
        return self.used.half_spread * self.used.size * self.family.has_spread


def attempt(cells: Cells, family: Family) -> FamilyFit | str:
    """Solve a family, or return why the data do not determine its exponent.

    beta or theta that are negative or cannot be told from zero become 0, with a caveat.
    Raises: ValueError naming the argument when nothing can be fitted.
    """
    costly = np.unique(cells.size[cells.excess > 0])
    if len(costly) < {Family.SPREAD_POWER: 2, Family.SPREAD_SQRT: 1}.get(family, 0):
        return (
            f"walks go beyond the best price at {len(costly)} of {len(np.unique(cells.size))} sizes"
        )
    if family.fixed_k is None and len(np.unique(cells.size)) < 2:
        return "there is one size"
    found = _admissible(cells, family)
    k, error = found.solution.value("k"), found.solution.standard_error("k")
    if family.fixed_k is None and not (
        found.solution.converged and error <= LARGEST_EXPONENT_ERROR
    ):
        return f"the exponent is {k:.3g} with standard error {error:.2g}"
    if not found.solution.converged:
        raise ValueError(
            "cells: the estimating equations have no root; look for outliers among the walk costs"
        )
    return found


def _admissible(cells: Cells, family: Family) -> FamilyFit:
    """Solve, fixing the weakest inadmissible coefficient at 0 and solving again until none
    is left.
    """
    index, used, costs = _usable(cells, family)
    levelled, caveats = _levelled(used, costs)
    fixed = {} if family.fixed_k is None else {"k": family.fixed_k}
    for name, value in (("beta", used.volatility), ("theta", used.thinness)):
        if np.ptp(value) <= 1e-9 * np.abs(value).max():
            fixed[name] = 0.0
            caveats.append(
                Caveat(f"{name}_not_identified", f"its state does not vary: {name} is set to 0")
            )
    while True:
        try:
            solution = solve_scores(_quasi_score(used, costs, fixed, levelled))
        except np.linalg.LinAlgError:
            message = (
                "cells: buckets and states cannot be told apart; use fewer buckets or more periods"
            )
            raise ValueError(message) from None
        if solution.proportional:
            fixed["beta"] = solution.value("beta")
            message = (
                "cost rises at least in proportion to volatility: beta is held at "
                f"{fixed['beta']:.3g}"
            )
            caveats.append(Caveat("beta_at_bound", message))
            continue
        name = _weakest(solution)
        if not name:
            return FamilyFit(family, used, index, solution, tuple(caveats))
        code = "negative" if solution.value(name) < 0 else "not_identified"
        found = (
            f"estimate {solution.value(name):.3g}, standard error "
            f"{solution.standard_error(name):.2g}"
        )
        caveats.append(Caveat(f"{name}_{code}", f"{found}: {name} is set to 0"))
        fixed[name] = 0.0


def _levelled(used: Cells, costs: Floats) -> tuple[bool, list[Caveat]]:
    """Tell whether days may have levels of their own, and say where several days share theirs."""
    if used.day is None or not (used.day != used.day[0]).any():
        return False, []
    reason = ""
    code = np.unique(used.day, return_inverse=True)[1]
    if not np.bincount(code, costs).all():
        reason = "a day has no walk with any cost"
    seen = np.zeros((code.max() + 1, used.bucket.max() + 1))
    seen[code, used.bucket] = 1.0
    if connected_components(seen.T @ seen)[0] > np.sum(~seen.any(axis=0)) + 1:
        reason = "days have no time of day in common"
    for name, value in (("volatility", used.volatility), ("volume", used.thinness)):
        weight, state = np.ones(len(value)), np.log(value)
        within, all_ = (
            float((apart(state, weight, used.bucket, day) ** 2).sum()) for day in (code, None)
        )
        if within < LEAST_WITHIN * all_:
            reason = f"{within / all_:.1%} of what moves {name} is within days"
    if not reason:
        return True, []
    message = f"{reason}: days share their level, beta and theta are told by how days differ too"
    return False, [Caveat("days_share_level", message)]


def _weakest(solution: Root) -> str:
    strength = {
        name: solution.strength(name) for name in ("beta", "theta") if name in solution.score.free
    }
    weak = [
        name
        for name, t in strength.items()
        if not (t >= solution.least_strength(name) and solution.converged)
    ]
    if not weak:
        return ""
    # without a root the ratios mean nothing: beta goes first, what is left without it is log-linear
    return min(weak, key=lambda name: strength[name]) if solution.converged else weak[0]


def _usable(cells: Cells, family: Family) -> tuple[Ints, Cells, Floats]:
    """Return the cells with any time, in buckets with any cost, and their costs; thin buckets as
    `_shared` has them.
    """
    costs = cells.cost(spread=not family.has_spread)
    known = np.isfinite(costs) & np.isfinite(cells.half_spread)
    total = np.where(known, costs, 0.0)
    some = np.bincount(cells.bucket, total) > 0
    if not some.any():
        raise ValueError("cells: no walk of the book has any cost, there is nothing to fit")
    index = np.flatnonzero(known & some[cells.bucket])
    used = cells.take(index)
    return index, replace(used, bucket=_shared(used.bucket, used.cluster)), costs[index]


def _shared(bucket: Ints, cluster: Ints) -> Ints:
    """Return each cell's bucket, or the nearest of several clusters: one cluster cannot tell its
    level's error.
    """
    any_ = np.zeros(bucket.max() + 1, dtype=np.int64)
    any_[bucket] = cluster
    several = np.flatnonzero(np.bincount(bucket, cluster != any_[bucket]))
    if not len(several):
        return np.zeros_like(bucket)
    nearest = np.abs(several - np.arange(len(any_))[:, None]).argmin(axis=1)
    return np.asarray(several[nearest][bucket])


def _quasi_score(
    used: Cells, costs: Floats, fixed: dict[str, float], levelled: bool = False
) -> QuasiScore:
    change = np.zeros(len(used.size), dtype=bool)
    for state in (used.bucket, used.volatility, used.thinness, used.cluster):
        change[1:] |= state[1:] != state[:-1]
    starts = np.flatnonzero(change | (np.arange(len(change)) == 0))
    labels, bucket = np.unique(used.bucket[starts], return_inverse=True)
    return QuasiScore(
        log_size=np.log(used.size),
        cost=costs,
        starts=starts,
        bucket=bucket,
        levels=len(labels),
        volatility=used.volatility[starts],
        log_thinness=np.log(used.thinness[starts]),
        cluster=used.cluster[starts],
        day=None if used.day is None else used.day[starts],
        fixed=dict(fixed),
        levelled=levelled,
        weight=None if used.weight is None else used.weight[starts],
    )
