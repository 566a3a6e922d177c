"""Permanent impact between nothing and what the same trades move at once, estimated jointly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.flow.immediate import ImmediateFit
from models.impact.flow.permanent import PermanentImpact
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEAREST = 0.99  # correlation: closer to 1 both would be one estimate
TOLD = 1.96  # standard errors from which a correlation over few clusters counts


@dataclass(frozen=True)
class Projection:
    """Where two estimates lie under 0 <= gamma <= immediate, and what the data do not refuse.

    gamma, immediate: the point; standard_error: of gamma, that of its own estimate inside, of the
    pooled estimate where both are one (`pooled`); it says nothing of values below the bound, the
    interval does. weight: of gamma's own estimate in gamma. low, high: the interval of gamma,
    share_low, share_high: of gamma over immediate; distance: squared standard errors from the
    estimates to the point.
    """

    gamma: float
    immediate: float
    standard_error: float
    immediate_error: float
    pooled: bool
    weight: float
    low: float
    high: float
    share_low: float
    share_high: float
    distance: float


def projected(estimates: Floats, covariance: Floats, reach: float = 1.96) -> Projection:
    """Project (gamma, immediate) onto the cone 0 <= gamma <= immediate by their covariance.

    estimates: (2,); covariance: (2, 2), positive definite. Under normality this is the maximum
    likelihood; at the bound it is the generalized-least-squares mean of both. reach: of the
    intervals, in standard errors; they hold what the likelihood ratio under the constraint does not
    refuse (with that of a free parameter), so that gamma's stays between 0 and an immediate
    response that is still likely. The share's is Fieller's, cut to 0 ... 1.
    Source: Perlman 1969, "One-sided testing problems in multivariate analysis", section 4, for the
    projection; Silvapulle, Sen 2005, "Constrained Statistical Inference", sections 3.4 and 4.8;
    Fieller 1954, "Some problems in interval estimation", for the share.
    """
    point, distance, at_bound = _nearest(estimates, covariance)
    mean = _mean(estimates, covariance)
    low, high = _interval(estimates, covariance, distance + reach**2)
    share_low, share_high = _shares(estimates, covariance, distance + reach**2)
    error, immediate_error = np.sqrt(np.diag(covariance))
    return Projection(
        gamma=float(point[0]),
        immediate=float(point[1]),
        standard_error=mean.variance**0.5 if at_bound else float(error),
        immediate_error=mean.variance**0.5 if at_bound else float(immediate_error),
        pooled=at_bound,
        weight=mean.weight if at_bound else 1.0,
        low=low,
        high=high,
        share_low=share_low,
        share_high=share_high,
        distance=distance,
    )


@dataclass(frozen=True)
class _Mean:
    """The generalized-least-squares mean of both estimates: weight is that of the first.

    between: the squared distance of the estimates from it.
    """

    value: float
    variance: float
    weight: float
    between: float


def _mean(estimates: Floats, covariance: Floats) -> _Mean:
    first, second = estimates
    apart = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    weight = float((covariance[1, 1] - covariance[0, 1]) / apart)
    variance = (covariance[0, 0] * covariance[1, 1] - covariance[0, 1] ** 2) / apart
    value = weight * first + (1 - weight) * second
    return _Mean(float(value), float(variance), weight, float((first - second) ** 2 / apart))


def _nearest(estimates: Floats, covariance: Floats) -> tuple[Floats, float, bool]:
    """Return the cone's nearest point, its squared distance, and whether both are one there."""
    gamma, immediate = estimates
    if 0 <= gamma <= immediate:
        return estimates, 0.0, False
    both = max(_mean(estimates, covariance).value, 0.0)
    other = max(immediate - covariance[0, 1] / covariance[0, 0] * gamma, 0.0)  # at gamma = 0
    edges = np.array([[both, both], [0.0, other]])
    away = edges - estimates
    distances = (away @ np.linalg.inv(covariance) * away).sum(axis=1)
    place = int(np.argmin(distances))
    return edges[place], float(distances[place]), place == 0


def _interval(estimates: Floats, covariance: Floats, allowed: float) -> tuple[float, float]:
    """Return where the squared distance, at the best immediate response, is as far as allowed.

    It is gamma's own parabola up to where that response is gamma itself, beyond it the mean's.
    """
    gamma, immediate = estimates
    mean, slope = _mean(estimates, covariance), covariance[0, 1] / covariance[0, 0]
    ends = []
    for sign in (-1, 1):
        end = gamma + sign * np.sqrt(covariance[0, 0] * allowed)
        if immediate + slope * (end - gamma) < end:  # the best immediate response would be below
            end = mean.value + sign * np.sqrt(mean.variance * max(allowed - mean.between, 0.0))
        ends.append(max(float(end), 0.0))
    return ends[0], ends[1]


def _shares(estimates: Floats, covariance: Floats, allowed: float) -> tuple[float, float]:
    """Return the least and the largest share p with gamma = p immediate that is allowed."""
    gamma, immediate = estimates
    square = immediate**2 - allowed * covariance[1, 1]
    if square <= 0:  # the immediate response may be 0: so may any share hold
        return 0.0, 1.0
    half = gamma * immediate - allowed * covariance[0, 1]
    root = np.sqrt(max(half**2 - square * (gamma**2 - allowed * covariance[0, 0]), 0.0))
    low, high = np.clip([(half - root) / square, (half + root) / square], 0.0, 1.0)
    return float(low), float(high)


@dataclass(frozen=True, eq=False)
class BoundedImpact:
    """Gamma = share x immediate, 0 <= share <= 1, currency / share^2.

    gamma: what to use, with standard_error and the interval low ... high; immediate: as estimated
    jointly, NaN (and share) where it is not identified, with immediate_error; share_low,
    share_high: its interval; carried: the correlation of gamma's error with that of the long-run
    estimate; long_run, at_once: both fits, each on its own; correlation: of their errors.
    """

    gamma: float
    standard_error: float
    low: float
    high: float
    immediate: float
    immediate_error: float
    share: float
    share_low: float
    share_high: float
    carried: float
    correlation: float
    long_run: PermanentImpact
    at_once: ImmediateFit
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the joint estimate and both fits as text."""
        lines = [
            f"gamma {self.gamma:.4g} s.e. {self.standard_error:.2g} [{self.low:.4g}, "
            f"{self.high:.4g}] = {self.share:.3g} x immediate {self.immediate:.4g}"
        ]
        lines += [f"{caveat.code}: {caveat.message}" for caveat in self.warnings]
        return "\n".join([*lines, self.long_run.summary(), self.at_once.summary()])


def bounded_impact(
    long_run: PermanentImpact,
    immediate: ImmediateFit,
    correlation: float = 0.0,
    dof: float = np.inf,
) -> BoundedImpact:
    """Estimate gamma from its long-run response and the immediate one, of which it is a share.

    correlation: of both errors; dof: of the interval's t. What the same trades move at once is the
    most that can stay; more would let a block, bought and slowly sold, earn money. A gamma set to 0
    by its own caveat stays 0. Without an immediate response gamma stays as it is, with a caveat.
    Source: `projected`; Huberman, Stanzl 2004, "Price manipulation and quasi-arbitrage".
    """
    reach = float(stats.t.ppf(0.975, dof))
    if not immediate.identified or not long_run.standard_error > 0:
        return _unbounded(long_run, immediate, reach)
    errors = np.array([long_run.standard_error, immediate.standard_error])
    between = float(np.clip(correlation, -NEAREST, NEAREST))
    covariance = np.outer(errors, errors) * [[1, between], [between, 1]]
    found = projected(np.array([long_run.estimate, immediate.estimate]), covariance, reach)
    kept = long_run.gamma > 0
    joint = found.immediate if kept else immediate.estimate
    gamma = found.gamma if kept else 0.0
    pooled = found.pooled and kept
    error = found.standard_error if pooled else long_run.standard_error
    pull = found.weight * covariance[0, 0] + (1 - found.weight) * covariance[0, 1]
    return BoundedImpact(
        gamma=gamma,
        standard_error=error,
        low=found.low if kept else 0.0,
        high=found.high,
        immediate=joint,
        immediate_error=found.immediate_error if pooled else immediate.standard_error,
        share=gamma / joint if joint > 0 else 0.0,
        share_low=found.share_low if kept else 0.0,
        share_high=found.share_high,
        carried=float(pull / (errors[0] * error)) if pooled else 1.0,
        correlation=between,
        long_run=long_run,
        at_once=immediate,
        warnings=_caveats(long_run, immediate, found.distance if pooled else None),
    )


def error_correlation(long_run: PermanentImpact, held: Ints, immediate: ImmediateFit) -> float:
    """Return the correlation of both errors through clusters, 0 where it may be none.

    held: (n,) not negative, the cluster that holds each of the long run's periods, by the labels of
    the immediate response's clusters. Of few clusters most correlations are noise, and they would
    move the pooled estimate away from both.
    """
    labels, other = immediate.influence.labels, immediate.influence.values[:, 0]
    clusters = int(max(held.max(initial=0), labels.max(initial=0))) + 1
    own = np.bincount(held, long_run.influence, clusters)
    scale = np.linalg.norm(own) * np.linalg.norm(other)
    if not immediate.identified or not scale > 0:
        return 0.0
    found = float(own[labels] @ other / scale)
    return found if abs(found) * len(labels) ** 0.5 > TOLD else 0.0


def _unbounded(long_run: PermanentImpact, immediate: ImmediateFit, reach: float) -> BoundedImpact:
    unknown, gamma = float("nan"), long_run.gamma
    return BoundedImpact(
        gamma=gamma,
        standard_error=long_run.standard_error,
        low=gamma - reach * long_run.standard_error,
        high=gamma + reach * long_run.standard_error,
        immediate=unknown,
        immediate_error=unknown,
        share=unknown,
        share_low=unknown,
        share_high=unknown,
        carried=1.0,
        correlation=0.0,
        long_run=long_run,
        at_once=immediate,
        warnings=(*long_run.warnings, *immediate.warnings),
    )


def _caveats(
    long_run: PermanentImpact, immediate: ImmediateFit, distance: float | None
) -> tuple[Caveat, ...]:
    """Return both fits' caveats, and say where the bound holds gamma; distance: None elsewhere."""
    kept = tuple(
        caveat for caveat in long_run.warnings if caveat.code != "permanent_above_immediate"
    )
    if distance is None:
        return (*kept, *immediate.warnings)
    message = (
        f"the long-run response {long_run.estimate:.3g}, standard error "
        f"{long_run.standard_error:.2g}, is above what trades move at once, "
        f"{immediate.estimate:.3g}, standard error {immediate.standard_error:.2g}, by "
        f"{distance**0.5:.2g} of its errors: gamma is both, pooled"
    )
    return (*kept, *immediate.warnings, Caveat("gamma_at_immediate", message))
