"""The book route: a cost law fitted to measured walks of the book."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.book.families import Family, FamilyFit, attempt
from models.impact.book.quasi_score import SHAPE
from models.impact.book.walks import Cells
from models.inference.caveat import Caveat
from models.inference.covariance import ClusterSums, Covariance, Influence, jackknifed
from models.losses import gamma_deviance
from solver.problem.impact_law import ImpactLaw

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEW_CLUSTERS = 10
LEVEL = "log_alpha_"  # and the bucket's number: the name of its level


def is_level(names: Sequence[str]) -> NDArray[np.bool_]:
    """Mark which of a fit's parameters are levels of alpha, (p,)."""
    return np.array([name.startswith(LEVEL) for name in names])


@dataclass(frozen=True, eq=False)
class CostLawFit:
    """g(x) = alpha_b x^k (1 + beta v) thinness^theta, beside the half spread where the family has
    one.

    values and covariance: log_alpha_b for every bucket b, k, beta, theta; a fixed parameter has
    zeros for covariance. influence: of each cluster on the values, its cross product is the
    covariance. sums: the estimating equations by cluster, and transform, (p, q), from their
    parameters to the values. n cells used, n_excluded without any time or in a bucket without any
    cost; clusters; deviance: mean unit Gamma deviance of total cost over mid; pseudo_r2: its
    reduction from that of one cost per share; censored_share: mean over cells of the time displayed
    depth did not suffice.
    """

    family: Family
    values: Floats
    covariance: Covariance
    influence: Influence
    sums: ClusterSums
    transform: Floats
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

    def value(self, name: str) -> float:
        """Return one parameter's estimate, or the value that it is fixed at."""
        return float(self.values[self.names.index(name)])

    def standard_error(self, name: str) -> float:
        """Return one parameter's standard error, 0 where it is fixed."""
        return float(self.covariance.standard_errors[self.names.index(name)])

    @property
    def k(self) -> float:
        """Return the exponent of total cost."""
        return self.value("k")

    @property
    def beta(self) -> float:
        """Return the sensitivity to volatility."""
        return self.value("beta")

    @property
    def theta(self) -> float:
        """Return the liquidity elasticity: L = thinness^theta."""
        return self.value("theta")

    @property
    def alpha(self) -> Floats:
        """Return each bucket's level, currency / share^k."""
        return np.exp(self.values[is_level(self.names)])

    def at(self, bucket: Ints, volatility: Floats, thinness: Floats) -> ImpactLaw:
        """Return what the family models, the excess over the half spread or the total cost, as the
        law in these states; shapes (n,).
        """
        return ImpactLaw(
            alpha=self.alpha[bucket],
            k=self.k,
            beta=self.beta,
            volatility=volatility,
            liquidity=thinness**self.theta,
        )

    def cost(
        self, size: Floats, half_spread: Floats, bucket: Ints, volatility: Floats, thinness: Floats
    ) -> Floats:
        """Return the total cost over mid, currency."""
        law = self.at(bucket, volatility, thinness)
        return replace(law, spread=half_spread * self.family.has_spread).cost(size)

    def summary(self) -> str:
        """Return the fit as a text table."""
        lines = [
            f"Cost law by the book route, family {self.family.value}",
            f"cells {self.n}  excluded {self.n_excluded}  clusters {self.clusters}  censored "
            f"{self.censored_share:.1%}",
            f"Gamma deviance {self.deviance:.4g}  pseudo R2 {self.pseudo_r2:.3f}",
            f"{'':<14}{'estimate':>12}{'s.e.':>10}{'95 % interval (t)':>24}",
        ]
        rows = zip(
            self.names,
            self.values,
            self.covariance.standard_errors,
            self.covariance.reach(),
            strict=True,
        )
        for name, value, error, reach in rows:
            interval = f"{value - reach:.4g} .. {value + reach:.4g}" if error else "fixed"
            lines.append(f"{name:<14}{value:>12.4g}{error:>10.2g}{interval:>24}")
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_law(cells: Cells, family: Family, buckets: int) -> CostLawFit:
    """Fit the law by Gamma quasi-likelihood with a log link, errors clustered.

    The mean of cost is modelled, not of its logarithm, and zeros are data. What the data do not
    identify is fixed and said so: beta or theta that are negative or cannot be told from zero
    become 0, and without an identified k the family becomes linear. A bucket whose costs come from
    fewer than two clusters shares its neighbour's level. Weighted cells weigh in the estimating
    equations, whose sandwich bears it; degrees of freedom take weights for information.
    Raises: ValueError naming the argument when nothing can be fitted.
    Source: McCullagh, Nelder 1989, "Generalized Linear Models", ch. 8-9; the errors:
    `models.inference.covariance.jackknifed`.
    """
    return cost_law(identified_family(cells, family), len(cells.size), buckets)


def identified_family(cells: Cells, family: Family) -> FamilyFit:
    """Return the family solved, or the linear one, with a caveat, where its exponent is not
    identified.

    Raises: ValueError naming the argument when nothing can be fitted.
    """
    found = attempt(cells, family)
    if isinstance(found, FamilyFit):
        return found
    caveat = Caveat("k_not_identified", f"{found}: total cost is taken as linear in size")
    linear = attempt(cells, Family.LINEAR)
    assert isinstance(linear, FamilyFit)  # its exponent is fixed
    return replace(linear, caveats=(caveat, *linear.caveats))


def cost_law(found: FamilyFit, cells: int, buckets: int) -> CostLawFit:
    """Return a solved family as the law of all buckets; cells: how many there were.

    Raises: ValueError when a cell lies in none of the buckets.
    """
    if found.used.bucket.max() >= buckets:
        raise ValueError(f"buckets: {buckets}, but cells have bucket {found.used.bucket.max()}")
    solution, used = found.solution, found.used
    clusters = len(solution.sums.labels)
    caveats = _few(solution.sums)
    expand, missing = _expanded(solution.score.free, np.unique(used.bucket), buckets)
    values = expand @ solution.natural
    values[-len(SHAPE) :] = [solution.value(name) for name in SHAPE]
    transform = expand @ solution.jacobian
    influence = jackknifed(solution.sums, transform)
    names = (*(f"{LEVEL}{bucket}" for bucket in range(buckets)), *SHAPE)
    borrowed = (
        f"fewer than 2 clusters have walks with a cost in buckets {missing}: they share the "
        "nearest one's level"
    )
    caveats += [Caveat("bucket_borrowed", borrowed)] if missing else []
    cost = found.observed + found.spread
    deviance = float(np.nanmean(gamma_deviance(cost, found.mean + found.spread)))
    flat = float(np.nanmean(gamma_deviance(cost, (cost / used.size).mean() * used.size)))
    return CostLawFit(
        family=found.family,
        values=values,
        covariance=Covariance(names, influence.covariance, influence.dof),
        influence=influence,
        sums=solution.sums,
        transform=transform,
        n=len(used.size),
        n_excluded=cells - len(used.size),
        clusters=clusters,
        deviance=deviance,
        pseudo_r2=1 - deviance / flat,
        censored_share=float(used.censored.mean()),
        warnings=(*found.caveats, *caveats),
    )


def _few(sums: ClusterSums) -> list[Caveat]:
    """Say where clusters, or the days that they are parts of, are few or one."""
    days = sums.days
    if days is not None and not days.several:
        message = (
            "one day of history cannot show what moves from day to day: the errors are those "
            "within it, too small for another day"
        )
        return [Caveat("one_day", message)]
    number, what = len(sums.labels), "clusters"
    if days is not None:
        number, what = len(np.unique(days.day)), "days"
    if number >= FEW_CLUSTERS:
        return []
    message = f"{number} {what} are few: the intervals rest on as few degrees of freedom"
    return [Caveat("few_clusters", message)]


def _expanded(free: tuple[str, ...], labels: Ints, buckets: int) -> tuple[Floats, list[int]]:
    """Return the matrix from solved parameters to all, buckets without cells from the nearest, and
    those buckets.
    """
    nearest = np.abs(labels - np.arange(buckets)[:, None]).argmin(axis=1)
    expand = np.zeros((buckets + len(SHAPE), len(labels) + len(free)))
    expand[np.arange(buckets), nearest] = 1.0
    for place, name in enumerate(SHAPE, buckets):
        if name in free:
            expand[place, len(labels) + free.index(name)] = 1.0
    return expand, sorted(set(range(buckets)) - set(labels.tolist()))
