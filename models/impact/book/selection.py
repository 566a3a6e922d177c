"""Which family of cost laws the walks of the book support: all of them side by side, on the same
total costs.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.book.cost_law import identified_family
from models.impact.book.families import Family, FamilyFit, attempt
from models.impact.book.identification import Contrast
from models.impact.book.walks import Cells
from models.inference.caveat import ONE_SIDED, Caveat
from models.inference.covariance import jackknifed
from models.losses import gamma_deviance

Floats = NDArray[np.float64]
LINEAR_WITHIN = 0.01  # an exponent this near 1 leaves no cost of size


@dataclass(frozen=True)
class FamilyScore:
    """One family beside the others.

    k and k_error (0 where fixed); deviance: mean unit Gamma deviance of the compared total costs;
    penalty: what its estimation gained in-sample on the sum of deviances; criterion: sum of
    deviances + penalty, smaller is better; restriction: what it assumes of the wider families,
    p_value: of the test of that; note: why it has no fit. NaN where there is none.
    """

    family: Family
    k: float
    k_error: float
    deviance: float
    penalty: float
    criterion: float
    restriction: str
    p_value: float
    note: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """The families' scores, in the order of `Family`, and the one selected; n compared cells."""

    scores: tuple[FamilyScore, ...]
    selected: Family
    n: int

    def summary(self) -> str:
        """Return the comparison as a text table."""
        lines = [
            f"{'family':<14}{'k':>8}{'s.e.':>8}{'deviance':>12}{'criterion':>12}  restriction, p"
        ]
        for one in self.scores:
            mark = " *" if one.family is self.selected else ""
            tested = (
                f"{one.restriction}, {one.p_value:.2g}" if np.isfinite(one.p_value) else one.note
            )
            lines.append(
                f"{one.family.value:<14}{one.k:>8.4g}{one.k_error:>8.2g}{one.deviance:>12.5g}"
                f"{one.criterion:>12.6g}  {tested}{mark}"
            )
        return "\n".join(lines)


def compare_families(cells: Cells) -> Comparison:
    """Fit every family and compare them on total cost over mid.

    The criterion is the sum of unit Gamma deviances plus twice the optimism of each family's
    estimates, which is a trace and not a count because the estimating equations are not the
    deviance's and the cells are dependent within clusters. Selected is the lower criterion of the
    two families that estimate k: an exponent that the data determine is not rounded to a textbook
    value, so that its error stays in the result. A power law of total cost whose exponent cannot be
    told from 1 is linear. Only where no exponent is identified do the fixed ones compete.
    Raises: ValueError when nothing can be fitted.
    Source: Konishi, Kitagawa 1996, "Generalised information criteria in model selection", eq.
    (2.8); for the quasi-likelihood's case Takeuchi 1976 and Pan 2001.
    """
    tried = {family: attempt(cells, family) for family in Family}
    found = {family: each for family, each in tried.items() if isinstance(each, FamilyFit)}
    total = cells.cost(spread=True)
    compared = _compared(total, found)
    scores = tuple(_score(family, tried[family], found, total, compared) for family in Family)
    return Comparison(
        scores, _selected({score.family: score for score in scores}, found), int(compared.sum())
    )


def fit_selected(cells: Cells, comparison: Comparison) -> FamilyFit:
    """Return the selected family solved, with a caveat where that is for want of an exponent.

    Raises: ValueError naming the argument when nothing can be fitted.
    """
    found = identified_family(cells, comparison.selected)
    if comparison.selected.fixed_k is None:
        return found
    widest, power = (
        next(score for score in comparison.scores if score.family is family)
        for family in (Family.SPREAD_POWER, Family.POWER)
    )
    reason = (
        widest.note
        or power.note
        or f"the exponent of total cost is {power.k:.4g} ± {power.k_error:.2g}"
    )
    caveat = Caveat(
        "k_not_identified",
        f"{reason}: the law is {comparison.selected.value}, the exponent not estimated",
    )
    return replace(found, caveats=(caveat, *found.caveats))


def _compared(total: Floats, found: dict[Family, FamilyFit]) -> NDArray[np.bool_]:
    """Mark the cells with a cost that every family was fitted on."""
    known = np.isfinite(total) & (total > 0)
    for each in found.values():
        used = np.zeros(len(known), dtype=bool)
        used[each.index] = True
        known &= used
    return known


def _score(
    family: Family,
    tried: FamilyFit | str,
    found: dict[Family, FamilyFit],
    total: Floats,
    compared: NDArray[np.bool_],
) -> FamilyScore:
    restriction, p_value = _test(family, found, total, compared)
    if isinstance(tried, str):
        nan = float("nan")
        return FamilyScore(family, nan, nan, nan, nan, nan, restriction, p_value, tried)
    fitted, residual, weight = _residual(tried, total, compared)
    deviance = gamma_deviance(total[tried.index], fitted)[compared[tried.index]]
    marginal, influence = _by_cluster(tried, residual * weight)
    penalty = 2 * float((marginal * influence).sum())
    return FamilyScore(
        family=family,
        k=tried.solution.value("k"),
        k_error=tried.solution.standard_error("k"),
        deviance=float(deviance.mean()),
        penalty=penalty,
        criterion=float(deviance.sum()) + penalty,
        restriction=restriction,
        p_value=p_value,
        note="",
    )


def _residual(
    found: FamilyFit, total: Floats, compared: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """Return fitted total cost, its relative error where compared, and the share of it that the law
    makes, (m,).
    """
    fitted = found.mean + found.spread
    error = np.where(compared[found.index], total[found.index] / fitted - 1, 0.0)
    return fitted, error, found.mean / fitted


def _by_cluster(found: FamilyFit, residual: Floats) -> tuple[Floats, Floats]:
    """Return by cluster the score of residuals in the parameters and the influence on their
    estimates, (G, p).
    """
    solution = found.solution
    code = np.searchsorted(solution.sums.labels, solution.score.cluster)
    marginal = solution.score.gathered(solution.point, residual, code, len(solution.sums.labels))
    return marginal, solution.moves


def _test(
    family: Family, found: dict[Family, FamilyFit], total: Floats, compared: NDArray[np.bool_]
) -> tuple[str, float]:
    """Return what a family restricts and the p of its clustered test: Wald's of k, Rao's of the
    spread's share.
    """
    wider = Family.SPREAD_POWER if family.has_spread else Family.POWER
    if family.fixed_k is None:
        restriction = "spread coefficient is 1" if family.has_spread else "spread coefficient is 0"
        return restriction, _spread_test(
            found[family], total, compared
        ) if family in found else float("nan")
    restriction = f"k is {family.fixed_k:g}"
    if wider not in found:
        return restriction, float("nan")
    solution = found[wider].solution
    place = solution.score.place("k")
    influence = jackknifed(solution.sums, solution.equations.to_point[place : place + 1])
    error = float(np.linalg.norm(influence.values))
    return restriction, Contrast(
        solution.value("k"), error, float(influence.dof[0]), family.fixed_k
    ).p_value


def _spread_test(found: FamilyFit, total: Floats, compared: NDArray[np.bool_]) -> float:
    """Return the p of Rao's test that total cost has no more and no less of the half spread than
    the family says.

    Source: Boos 1992, "On generalized score tests", eq. (8), with the cluster as the unit.
    """
    fitted, residual, weight = _residual(found, total, compared)
    tilt = found.used.half_spread * found.used.size / fitted
    labels, code = np.unique(found.used.cluster, return_inverse=True)
    own = np.bincount(code, residual * tilt, len(labels))
    cross, influence = _by_cluster(found, -tilt * weight * compared[found.index])
    adjusted = own + influence @ cross.sum(axis=0)
    error = float(np.sqrt((adjusted**2).sum() * len(labels) / (len(labels) - 1)))
    return Contrast(float(own.sum()), error, len(labels) - 1).p_value


def _selected(scores: dict[Family, FamilyScore], found: dict[Family, FamilyFit]) -> Family:
    free = [family for family in found if family.fixed_k is None]
    if Family.POWER in free and _is_linear(scores[Family.POWER]):
        free.remove(Family.POWER)
        if all(scores[Family.LINEAR].criterion <= scores[family].criterion for family in free):
            return Family.LINEAR
    return min(free or found, key=lambda family: scores[family].criterion)


def _is_linear(power: FamilyScore) -> bool:
    return power.k - 1 <= max(LINEAR_WITHIN, ONE_SIDED * power.k_error)
