"""The permanent impact to plan with: the long-run response, or else Kyle's slope."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.flow.hasbrouck import HasbrouckFit, fit_hasbrouck
from models.impact.flow.kyle import FlowFit, fit_permanent
from models.inference.caveat import Caveat
from models.inference.joint import slope_influence

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_SHARE = 0.5  # of what gamma is estimated from, in one period


@dataclass(frozen=True, eq=False)
class PermanentImpact:
    """Gamma, currency / share^2, with its error and its estimator, "hasbrouck" or "kyle".

    gamma: what to use, not negative; estimate: as estimated; kyle, response: both fits, response
    None where the sample has no vector autoregression; influence: of every period on the estimate,
    (n,), to first order.
    """

    gamma: float
    estimate: float
    standard_error: float
    estimator: str
    kyle: FlowFit
    response: HasbrouckFit | None
    influence: Floats
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the choice and both fits as text."""
        lines = [f"gamma {self.gamma:.4g} s.e. {self.standard_error:.2g} by {self.estimator}"]
        lines += [f"{caveat.code}: {caveat.message}" for caveat in self.warnings]
        return "\n".join([*lines, *(fit.summary() for fit in (self.kyle, self.response) if fit)])


def permanent_impact(mid_change: Floats, signed_volume: Floats, session: Ints) -> PermanentImpact:
    """Estimate permanent impact by the long-run response, or where that fails by Kyle's slope.

    Arguments as in `fit_hasbrouck`. Kyle's slope counts as permanent what has decayed a period
    later. It is used, with a caveat, only where too few periods are known for lags, or where
    neither the permanent nor the transient part of the response can be told from zero.
    Raises: ValueError when lengths differ or fewer than ten periods are known.
    Source: Hasbrouck 1991, see `models.impact.flow.hasbrouck.fit_hasbrouck`; Kyle 1985, see
    `models.impact.flow.kyle.fit_permanent`.
    """
    if np.shape(session) != np.shape(mid_change):
        raise ValueError(
            f"session: shape {np.shape(session)}, mid_change has {np.shape(mid_change)}"
        )
    kyle = fit_permanent(mid_change, signed_volume)
    influence = _of_slope(mid_change, signed_volume)
    kyle = replace(kyle, warnings=(*kyle.warnings, *_dominated(mid_change, signed_volume)))
    try:
        response = fit_hasbrouck(mid_change, signed_volume, session)
    except ValueError as error:
        caveat = Caveat(
            "permanent_by_kyle", f"no long-run response ({error}); what decays counts as permanent"
        )
        return _by_kyle(kyle, None, influence, (*kyle.warnings, caveat))
    response = replace(
        response, warnings=(*response.warnings, *_dominated(mid_change, signed_volume))
    )
    codes = {caveat.code for caveat in response.warnings}
    if response.gamma == 0 and "transient_not_identified" in codes and kyle.gamma > 0:
        caveat = Caveat(
            "permanent_by_kyle",
            f"long-run response {response.permanent:.3g}, standard error "
            f"{response.standard_error:.2g}, is too uncertain; the slope within the period stands "
            "for it",
        )
        return _by_kyle(
            kyle,
            response,
            influence,
            (*(each for each in response.warnings if each.code[:5] != "gamma"), caveat),
        )
    return PermanentImpact(
        response.gamma,
        response.permanent,
        response.standard_error,
        "hasbrouck",
        kyle,
        response,
        response.influence,
        response.warnings,
    )


def _dominated(mid_change: Floats, signed_volume: Floats) -> tuple[Caveat, ...]:
    """Say when one period carries the estimate: its error is then far too small."""
    used = signed_volume[np.isfinite(mid_change) & np.isfinite(signed_volume)]
    power = (used - used.mean()) ** 2
    if not power.max() > MOST_SHARE * power.sum():
        return ()
    return (
        Caveat(
            "one_period_dominates",
            f"{power.max() / power.sum():.0%} of the variance of signed volume is of "
            "one period: the standard error of gamma is too small",
        ),
    )


def _of_slope(mid_change: Floats, signed_volume: Floats) -> Floats:
    """Return the influence of every period on Kyle's slope, (n,)."""
    of_rows = slope_influence(signed_volume, mid_change, np.arange(len(mid_change)))
    influence = np.zeros(len(mid_change))
    influence[of_rows.labels] = of_rows.values[:, 0]
    return influence


def _by_kyle(
    kyle: FlowFit,
    response: HasbrouckFit | None,
    influence: Floats,
    warnings: tuple[Caveat, ...],
) -> PermanentImpact:
    return PermanentImpact(
        kyle.gamma, kyle.estimate, kyle.standard_error, "kyle", kyle, response, influence, warnings
    )
