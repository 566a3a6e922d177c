"""A plan tilts by the day's forecast shape as far as that has paid, and no further."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver.planning.shape import STATES, Shape, log_deviations, marginal_elasticities
from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import Floats
from solver.problem.problem import Problem
from solver.problem.schedule import evaluate
from solver.solve import solve

FREE = 0.01  # of the even plan's cost over mid, what a tilt may cost if the shape is worth nothing
BOUND = 0.95  # the probability with which a gain is above what is counted of it
HALVINGS = 10  # of the share of the weights that the bound leaves

# At a share of the weights: the problem, and the law of one child a period behind it.
StatedAt = Callable[[float], tuple[Problem, ImpactLaw]]


@dataclass(frozen=True, eq=False)
class ShapeRecord:
    """What following the forecast's shape has saved on the scored days, to first order.

    point: the law at the forecast itself. saved: (4, D) currency, of a share less for a unit of
    each state's log: the covariance of past forecasts with the marginal cost, summed over periods.
    """

    point: ImpactLaw
    saved: Floats

    @property
    def days(self) -> int:
        """How many past days' shapes were scored."""
        return self.saved.shape[1]

    def savings(self, moved: Floats) -> Floats:
        """What such moves would have saved by the states of each day, currency, (D,).

        moved: (N,) shares that one plan trades more than another. What they answer to in the logs
        of the states is measured on the day planned, by least squares.
        """
        answer = np.linalg.lstsq(log_deviations(self.point), moved, rcond=1e-8)[0]
        return np.asarray(-answer @ self.saved)

    def error(self, moved: Floats) -> tuple[float, float]:
        """The standard error of what they save, and half of its 95 % interval by t, currency.

        NaN of fewer than two days.
        """
        return mean_error(self.savings(moved), 0.975)


@dataclass(frozen=True, eq=False)
class Tilt:
    """A problem whose states are believed as far as their shape has paid.

    law: of its periods, of one child each. weight: by state, how far its log goes from flat to its
    forecast. share: of what past days alone would give, what the bound on the cost left. worthless:
    what the plan is expected to cost over the flat one if the shape is worth nothing; allowed: the
    most that it may, currency; both NaN where nothing bounds it.
    """

    problem: Problem
    law: ImpactLaw
    weight: dict[str, float]
    share: float
    worthless: float
    allowed: float
    record: ShapeRecord


def as_it_is(shape: Shape, point: ImpactLaw, stated: StatedAt) -> Tilt:
    """The problem at the forecast itself, believed throughout; stated: at 1 it is that."""
    _, record = even_plan(shape, point, stated)
    weight = dict.fromkeys(STATES, 1.0)
    return Tilt(*stated(1.0), weight, 1.0, np.nan, np.nan, record)


def as_far_as_paid(shape: Shape, point: ImpactLaw, stated: StatedAt) -> Tilt:
    """The problem at the largest share of the shape's weights whose plan costs little if worthless.

    With C the objective at flat states, x(0) its optimum and x(w) the plan: C(x(w)) - C(x(0)) is at
    most 1 % of x(0)'s cost over mid, plus the lower 95 % bound of what such a tilt would have
    gained on the scored days where that is above 0. An exponent up to 1 leaves no optimum inside
    the limits to compare: the weights stand.

    Source: Efron, Morris (1973) for weights below the slope; the marginal cost's expansion to first
    order around the flat plan for the gain.
    """
    (flat, _), (even, record) = stated(0.0), even_plan(shape, point, stated)
    base = evaluate(flat, even)
    free = FREE * (base.spread + base.temporary)

    def tried(share: float) -> Tilt:
        problem, law = stated(share)
        weight = dict(zip(STATES, (share * shape.weight).tolist(), strict=True))
        if not even.any() or not shape.weight.any():
            return Tilt(problem, law, weight, share, 0.0, free, record)
        x = solve(problem).x
        worthless = max(0.0, evaluate(flat, x).objective - base.objective)
        gains = record.savings(x - even) - worthless
        allowed = free + max(0.0, lower_bound(gains))
        return Tilt(problem, law, weight, share, worthless, allowed, record)

    whole = tried(1.0)
    if whole.worthless <= whole.allowed:
        return whole
    low, high, found = 0.0, 1.0, tried(0.0)
    for _ in range(HALVINGS):
        middle = tried(0.5 * (low + high))
        if middle.worthless <= middle.allowed:
            low, found = middle.share, middle
        else:
            high = middle.share
    return found


def even_plan(shape: Shape, point: ImpactLaw, stated: StatedAt) -> tuple[Floats, ShapeRecord]:
    """The plan at flat states, zeros where the exponent leaves none, and the record around it."""
    flat, law = stated(0.0)
    inside = law.k > 1.0
    even = solve(flat).x if inside else np.zeros(flat.n)
    joint = shape.joint if inside else shape.joint[:0]
    slopes = marginal_elasticities(flat, law, even) if inside else np.zeros(len(STATES))
    return even, ShapeRecord(point, flat.n * np.einsum("dij,j->id", joint, slopes))


def lower_bound(gains: Floats) -> float:
    """The lower 95 % bound of the days' mean, by t; nothing is claimed of one day."""
    _, reach = mean_error(gains, BOUND)
    return float(gains.mean()) - reach if np.isfinite(reach) else -np.inf


def mean_error(values: Floats, probability: float) -> tuple[float, float]:
    """The standard error of the days' mean, and that times t's quantile; NaN below two days."""
    if len(values) < 2:
        return np.nan, np.nan
    from scipy.special import stdtrit

    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    return error, error * float(stdtrit(len(values) - 1, probability))
