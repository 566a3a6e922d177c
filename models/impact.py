"""The book route: a cost law fitted to measured walks of the book, with the censored part of the walk imputed."""

from dataclasses import dataclass
from enum import Enum
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.caveat import Caveat
from models.cells import Cells, completed, completed_excess
from models.covariance import Covariance
from models.quasi import SHAPE, Problem, Solution, solve
from models.scores import gamma_deviance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ONE_SIDED = 1.645  # the 5 % point of a normal: below it a coefficient cannot be told from zero
LARGEST_EXPONENT_ERROR = 0.25
FEW_CLUSTERS = 10


class Family(Enum):
    """Which part of the cost is modelled and whether its exponent is estimated."""

    SPREAD_POWER = "spread_power"  # half spread, plus a power law of the excess
    SPREAD_SQRT = "spread_sqrt"  # the same with k = 1.5
    LINEAR = "linear"  # the total cost, k = 1

    @property
    def fixed_k(self) -> float | None:
        """Return the exponent where the family fixes it."""
        return {Family.SPREAD_SQRT: 1.5, Family.LINEAR: 1.0}.get(self)


@dataclass(frozen=True, eq=False)
class LawFit:
    """g(x) = alpha_b x^k (1 + beta v) thinness^theta, beside the half spread unless the family is linear.

    values and covariance: log_alpha_b for every bucket b, k, beta, theta; a fixed parameter has zeros for
    covariance. n cells used, n_excluded without any time or in a bucket without any cost; clusters;
    deviance: mean unit Gamma deviance of total cost over mid, its censored part completed at the fitted k;
    pseudo_r2: its reduction from that of one cost per share; censored_share: mean over cells of the time
    displayed depth did not suffice.
    """

    family: Family
    values: Floats
    covariance: Covariance
    n: int
    n_excluded: int
    clusters: int
    deviance: float
    pseudo_r2: float
    censored_share: float
    warnings: tuple[Caveat, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the parameters' names, in the order of values and covariance."""
        return self.covariance.names

    @property
    def k(self) -> float:
        """Return the exponent of total cost."""
        return float(self.values[-3])

    @property
    def beta(self) -> float:
        """Return the sensitivity to volatility."""
        return float(self.values[-2])

    @property
    def theta(self) -> float:
        """Return the liquidity elasticity: L = thinness^theta."""
        return float(self.values[-1])

    @property
    def alpha(self) -> Floats:
        """Return each bucket's level, currency / share^k."""
        return np.exp(self.values[:-3])

    def predict(self, size: Floats, bucket: Ints, volatility: Floats, thinness: Floats) -> Floats:
        """Return what the family models, currency: the excess over the half spread; the total cost if linear."""
        return self.alpha[bucket] * self._state(volatility, thinness) * size**self.k

    def cost(self, size: Floats, half_spread: Floats, bucket: Ints, volatility: Floats, thinness: Floats) -> Floats:
        """Return the total cost over mid, currency."""
        return self.predict(size, bucket, volatility, thinness) + self._spread(half_spread) * size

    def _state(self, volatility: Floats, thinness: Floats) -> Floats:
        return (1 + self.beta * volatility) * thinness**self.theta

    def _spread(self, half_spread: Floats) -> Floats:
        return np.zeros_like(half_spread) if self.family is Family.LINEAR else half_spread

    def summary(self) -> str:
        """Return the fit as a text table."""
        lines = [
            f"Cost law by the book route, family {self.family.value}",
            f"cells {self.n}  excluded {self.n_excluded}  clusters {self.clusters}  censored {self.censored_share:.1%}",
            f"Gamma deviance {self.deviance:.4g}  pseudo R2 {self.pseudo_r2:.3f}",
            f"{'':<14}{'estimate':>12}{'s.e.':>10}{'95 % interval':>24}",
        ]
        for name, value, error in zip(self.names, self.values, self.covariance.standard_errors, strict=True):
            interval = f"{value - 1.96 * error:.4g} .. {value + 1.96 * error:.4g}" if error else "fixed"
            lines.append(f"{name:<14}{value:>12.4g}{error:>10.2g}{interval:>24}")
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_law(cells: Cells, family: Family, buckets: int) -> LawFit:
    """Fit the law by Gamma quasi-likelihood with a log link, errors clustered.

    The mean of cost is modelled, not of its logarithm, and zeros are data. A cell's censored time enters
    with its cost extrapolated at the fitted exponent, so it is never dropped. What the data do not identify
    is fixed and said so: beta or theta that are negative or cannot be told from zero become 0, and without
    an identified k the family becomes linear. A bucket without any cost borrows its neighbour's level.
    Raises: ValueError naming the argument when nothing can be fitted.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", ch. 8-9.
    """
    if cells.bucket.max(initial=-1) >= buckets:
        raise ValueError(f"buckets: {buckets}, but cells have bucket {cells.bucket.max()}")
    caveats: list[Caveat] = []
    reason = _flat_excess(cells, family)
    if not reason:
        used, solution, caveats = _admissible(cells, family)
        reason = _imprecise_exponent(solution)
    if reason:
        family = Family.LINEAR
        used, solution, caveats = _admissible(cells, family)
        caveats.insert(0, Caveat("k_not_identified", f"{reason}: total cost is taken as linear in size"))
    if not solution.converged:
        raise ValueError("cells: the estimating equations have no root; look for outliers among the walk costs")
    if len(np.unique(used.cluster)) < FEW_CLUSTERS:
        message = f"{len(np.unique(used.cluster))} clusters are few: standard errors are rough, likely too small"
        caveats.append(Caveat("few_clusters", message))
    values, covariance, borrowed = _expanded(solution, np.unique(used.bucket), buckets)
    cost = used.half_spread * used.size + completed_excess(used, solution.value("k"))
    fitted = solution.mean.copy()
    fitted += 0.0 if family is Family.LINEAR else used.half_spread * used.size
    deviance = float(np.nanmean(gamma_deviance(cost, fitted)))
    flat = float(np.nanmean(gamma_deviance(cost, (cost / used.size).mean() * used.size)))
    return LawFit(
        family=family, values=values, covariance=covariance, n=len(used.size),
        n_excluded=len(cells.size) - len(used.size), clusters=len(np.unique(used.cluster)), deviance=deviance,
        pseudo_r2=1 - deviance / flat, censored_share=float(used.censored.mean()),
        warnings=(*caveats, *borrowed))


def _flat_excess(cells: Cells, family: Family) -> str:
    needed = {Family.SPREAD_POWER: 2, Family.SPREAD_SQRT: 1, Family.LINEAR: 0}[family]
    costly = np.unique(cells.size[completed_excess(cells, 1.0) > 0])
    if len(costly) >= needed:
        return ""
    return f"walks go beyond the best price at {len(costly)} of {len(np.unique(cells.size))} sizes"


def _imprecise_exponent(solution: Solution) -> str:
    if "k" not in solution.problem.free:
        return ""
    error = solution.standard_error("k")
    if solution.converged and error <= LARGEST_EXPONENT_ERROR:
        return ""
    return f"the exponent is {solution.value('k'):.3g} with standard error {error:.2g}"


def _costs(cells: Cells, family: Family, k: float) -> tuple[Floats, Floats]:
    """Return what the family models in each cell, completed at k, and its derivative in k."""
    excess, slope = completed(cells, k)
    if family is not Family.LINEAR:
        return excess, slope
    return cells.half_spread * cells.size + completed_excess(cells, 1.0), np.zeros_like(slope)


def _admissible(cells: Cells, family: Family) -> tuple[Cells, Solution, list[Caveat]]:
    """Solve, fixing the weakest inadmissible coefficient at 0 and solving again until none is left."""
    used = _usable(cells, family)
    fixed = {} if family.fixed_k is None else {"k": family.fixed_k}
    caveats = []
    for name, value in (("beta", used.volatility), ("theta", used.thinness)):
        if np.ptp(value) <= 1e-9 * np.abs(value).max():
            fixed[name] = 0.0
            caveats.append(Caveat(f"{name}_not_identified", f"its state does not vary: {name} is set to 0"))
    while True:
        try:
            solution = solve(_problem(used, family, fixed))
        except np.linalg.LinAlgError:
            message = "cells: buckets and states cannot be told apart; use fewer buckets or more periods"
            raise ValueError(message) from None
        if solution.proportional:
            fixed["beta"] = solution.value("beta")
            message = f"cost rises at least in proportion to volatility: beta is held at {fixed['beta']:.3g}"
            caveats.append(Caveat("beta_at_bound", message))
            continue
        strength = {name: solution.strength(name) for name in ("beta", "theta") if name not in fixed}
        weak = [name for name, t in strength.items() if not (t >= ONE_SIDED and solution.converged)]
        if not weak:
            return used, solution, caveats
        # without a root the ratios mean nothing: beta goes first, what is left without it is log-linear
        name = min(weak, key=lambda name: strength[name]) if solution.converged else weak[0]
        code = "negative" if solution.value(name) < 0 else "not_identified"
        found = f"estimate {solution.value(name):.3g}, standard error {solution.standard_error(name):.2g}"
        caveats.append(Caveat(f"{name}_{code}", f"{found}: {name} is set to 0"))
        fixed[name] = 0.0


def _usable(cells: Cells, family: Family) -> Cells:
    """Return the cells with any time, in buckets with any cost."""
    known = cells.take(np.isfinite(completed_excess(cells, 1.0)) & np.isfinite(cells.half_spread))
    some = np.bincount(known.bucket, _costs(known, family, 1.0)[0]) > 0
    if not some.any():
        raise ValueError("cells: no walk of the book has any cost, there is nothing to fit")
    return known.take(some[known.bucket])


def _problem(used: Cells, family: Family, fixed: dict[str, float]) -> Problem:
    labels, bucket = np.unique(used.bucket, return_inverse=True)
    return Problem(
        bucket=bucket, levels=len(labels), log_size=np.log(used.size), volatility=used.volatility,
        log_thinness=np.log(used.thinness), cluster=used.cluster, target=partial(_costs, used, family),
        fixed=dict(fixed))


def _expanded(solution: Solution, labels: Ints, buckets: int) -> tuple[Floats, Covariance, tuple[Caveat, ...]]:
    """Return estimates and covariance of all parameters, fixed ones and buckets without cells included."""
    names = (*(f"log_alpha_{bucket}" for bucket in range(buckets)), *SHAPE)
    nearest = np.abs(labels - np.arange(buckets)[:, None]).argmin(axis=1)
    expand = np.zeros((len(names), len(solution.natural)))
    expand[np.arange(buckets), nearest] = 1.0
    values = expand @ solution.natural
    for place, name in enumerate(SHAPE, buckets):
        values[place] = solution.value(name)
        if name in solution.problem.free:
            expand[place, len(labels) + solution.problem.free.index(name)] = 1.0
    covariance = Covariance(names, expand @ solution.covariance @ expand.T)
    missing = sorted(set(range(buckets)) - set(labels.tolist()))
    message = f"no walk has any cost in buckets {missing}: they borrow the nearest bucket's level"
    return values, covariance, (Caveat("bucket_borrowed", message),) if missing else ()
