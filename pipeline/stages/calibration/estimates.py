"""The estimates that are exported: alpha at average liquidity, gamma beside it, one covariance."""

from dataclasses import dataclass, replace

import numpy as np

from models.impact.book.cost_law import CostLawFit, is_level
from models.impact.book.identification import Range
from models.impact.book.quasi_score import SHAPE
from models.impact.flow.bounded import BoundedImpact
from models.impact.slicing.refill import RefillFit
from models.inference.caveat import Caveat
from models.inference.covariance import Covariance, Influence
from models.inference.joint import joined, one_step_bootstrap

BESIDE = ((0, 0), (0, 0), (0, 1))  # gamma, which the days of the law do not move
REPETITIONS, SEED = 499, 0  # of the bootstrap, whose standard errors then have an error of 3 %


@dataclass(frozen=True, eq=False)
class SymbolFit:
    """What was fitted to one symbol: the cost law, permanent impact, the refill of the book.

    flow_influence: of each cluster on the slope of mid changes on flow.
    """

    law: CostLawFit
    permanent: BoundedImpact
    flow_influence: Influence
    refill: RefillFit


@dataclass(frozen=True, eq=False)
class ExportedEstimates:
    """The law's parameters and gamma as exported, shapes (p,): log_alpha_b, k, beta, theta, gamma.

    bootstrap_errors: NaN where there are none; ranges: what the profile criterion does not refuse;
    gamma_range: its interval within the bound; day_responses: (D, r, p), to a unit of each day's
    shift, where days are no clusters.
    """

    values: np.ndarray
    covariance: Covariance
    bootstrap_errors: np.ndarray
    ranges: tuple[Range, ...]
    gamma_range: tuple[float, float]
    warnings: tuple[Caveat, ...]
    day_responses: np.ndarray | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the parameters' names."""
        return self.covariance.names


def exported_estimates(
    fit: SymbolFit, thinness: np.ndarray, ranges: tuple[Range, ...]
) -> ExportedEstimates:
    """Return the estimates with alpha at average liquidity, their errors carried along.

    thinness: of the history's periods, (t,).
    """
    shift, jacobian = _averaged(fit, thinness)
    values = fit.law.values + shift
    errors, warnings = _bootstrapped(values, fit.law, jacobian)
    responses = fit.law.influence.responses
    return ExportedEstimates(
        values=np.append(values, fit.permanent.gamma),
        covariance=_covariance(fit, jacobian),
        bootstrap_errors=np.append(errors, np.nan),
        ranges=ranges,
        gamma_range=(fit.permanent.low, fit.permanent.high),
        warnings=tuple(warnings),
        day_responses=None if responses is None else np.pad(responses @ jacobian.T, BESIDE),
    )


def _averaged(fit: SymbolFit, thinness: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what moves the mean of thinness^theta into the levels, (q,), and the derivative of the
    moved parameters in the fitted ones, (q, q).
    """
    names, levels = fit.law.names, is_level(fit.law.names)
    liquidity = thinness**fit.law.theta
    shift, jacobian = np.zeros(len(names)), np.eye(len(names))
    shift[levels] = np.log(liquidity.mean())
    slope = (liquidity * np.log(thinness)).mean() / liquidity.mean()
    jacobian[levels, names.index("theta")] += slope
    return shift, jacobian


def _covariance(fit: SymbolFit, jacobian: np.ndarray) -> Covariance:
    """Return the covariance of the moved parameters and gamma.

    Gamma's correlations are those of the long-run slope, as far as its error is the slope's.
    """
    law = fit.law
    moved = replace(law.influence, values=law.influence.values @ jacobian.T)
    own = Covariance(law.names, law.covariance.delta(jacobian), law.covariance.dof)
    full = joined(own, moved, "gamma", fit.flow_influence, fit.permanent.standard_error)
    full.matrix[-1, :-1] *= fit.permanent.carried
    full.matrix[:-1, -1] *= fit.permanent.carried
    return full


def _bootstrapped(
    values: np.ndarray, found: CostLawFit, jacobian: np.ndarray
) -> tuple[np.ndarray, list[Caveat]]:
    """Return the errors by resampled clusters, NaN where most samples lack a whole bucket, and say
    how many do.
    """
    try:
        drawn = one_step_bootstrap(
            values,
            found.sums,
            jacobian @ found.transform,
            REPETITIONS,
            SEED,
            found.influence.between @ jacobian.T,
        )
    except ValueError as error:
        message = (
            f"no bootstrap errors: clusters are too few for {len(values) - len(SHAPE)} "
            f"buckets ({error})"
        )
        return np.full(len(values), np.nan), [Caveat("bootstrap_failed", message)]
    if not drawn.failed:
        return drawn.standard_errors, []
    message = (
        f"{drawn.failed} of {REPETITIONS} resamples of clusters lack a whole bucket and are "
        "left out"
    )
    return drawn.standard_errors, [Caveat("bootstrap_incomplete", message)]
