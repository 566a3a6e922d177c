"""Lower bounds on the best objective, computed from a schedule alone, whatever method it
came from.
"""

from __future__ import annotations

import numpy as np

from solver.continuous.golden import golden_section
from solver.problem.laws import Floats
from solver.problem.schedule import gradient, marginal_phi, remaining
from solver.problem.shape import convex_range, curvature, is_convex, is_lattice_convex
from solver.problem.terms import Terms

PRICE_SECTIONS = 80
PRICE_STEPS = 8
INVERSE_STEPS = (
    12  # of the fixed point that finds the trade a price buys where permanent impact bends phi
)


def phi(terms: Terms, x: Floats) -> Floats:
    """phi_j(x_j), the cost of the trade itself, shape (N,), currency."""
    power = x ** (terms.exponent if terms.power is None else terms.power)
    return terms.spread * x + terms.scale * power - 0.5 * terms.bend * x * x


def threshold(slope: Floats, room: Floats, amount: float) -> float:
    """The slope at which filling the cheapest room first has placed `amount`: the multiplier of the
    best linear plan.
    """
    order = np.argsort(slope, kind="stable")
    at = int(np.searchsorted(np.cumsum(room[order]), amount * (1.0 - 1e-12)))
    return float(slope[order[min(at, slope.size - 1)]])


def certified_gap(terms: Terms, x: Floats) -> float:
    """An upper bound on objective(x) - minimum, currency; infinite when nothing can be said.

    Where the objective is convex this is the Frank-Wolfe gap, or the tighter `price_gap` where
    every phi and psi is convex on its own. Otherwise it is the Lagrangian one: with the multipliers
    of x_j = R_{j-1} - R_j that make each psi_j stationary at R_j, every phi_j is bounded below by
    its tangent on its convex range and by the ends of its concave range.

    Source: Jaggi (2013), "Revisiting Frank-Wolfe", sec. 2; Geoffrion (1974), "Lagrangean
    relaxation".
    """
    convex = is_convex(terms)
    marginal = gradient(terms, x)
    if not convex or not np.isfinite(marginal).all():
        return _lagrangian_gap(terms, x, marginal)
    nu = threshold(marginal, terms.upper - terms.lower, terms.shares - float(terms.lower.sum()))
    tilt = marginal - nu
    gap = float(np.maximum(tilt * (x - terms.lower), tilt * (x - terms.upper)).sum())
    if gap <= 1e-11 * float(np.abs(marginal * x).sum()) or not is_lattice_convex(terms):
        return gap
    return min(gap, price_gap(terms, x, marginal))


def price_gap(terms: Terms, x: Floats, marginal: Floats) -> float:
    """The duality gap of a schedule where every phi and psi is convex, of second order in its
    error.

    With the multipliers that make each psi_j stationary at R_j, every phi_j less its price is
    bounded by its tangent at the trade that price would buy, rather than at x_j: a tiny trade's own
    slope says little. The common price is set by Newton steps so that the trades it buys add up to
    the order.

    Source: Geoffrion (1974), "Lagrangean relaxation"; Everett (1963), "Generalized Lagrange
    multiplier method".
    """
    k = terms.exponent if terms.power is None else terms.power
    rate = terms.scale * k
    bent = (rate > 0.0) & (terms.exponent > 1.0)
    steep = np.where(bent, rate, 1.0)
    inverse = 1.0 / np.where(bent, k - 1.0, 1.0)
    waiting = marginal - marginal_phi(terms, x)
    inner_room = np.minimum(x - terms.lower, terms.upper - x)
    weight = inner_room if inner_room.any() else x
    best, nu = np.inf, float((marginal * weight).sum() / weight.sum())
    for _ in range(PRICE_STEPS):
        price = nu - waiting
        bought = x
        for _ in range(INVERSE_STEPS if terms.bend.any() else 1):
            base = np.maximum(price - terms.spread + terms.bend * bought, 0.0) / steep
            with np.errstate(over="ignore"):
                bought = np.where(bent, np.clip(base**inverse, terms.lower, terms.upper), x)
        slope = marginal_phi(terms, bought) - price
        short = np.minimum(slope * (terms.lower - bought), slope * (terms.upper - bought))
        floor = phi(terms, bought) - price * bought + short
        best = min(best, float((phi(terms, x) - price * x - floor).sum()))
        inside = bent & (bought > terms.lower) & (bought < terms.upper)
        speed = np.where(inside, curvature(terms, np.where(inside, bought, 1.0)), np.inf)
        total = float((1.0 / np.where(speed > 0.0, speed, np.inf)).sum())
        if not total > 0.0:
            break
        nu += (terms.shares - float(bought.sum())) / total
    return best


def _lagrangian_gap(terms: Terms, x: Floats, marginal: Floats) -> float:
    """The duality gap at the multipliers that fit x best: a convex function of one price, minimised
    by golden section.
    """
    waiting = np.zeros_like(x)
    waiting[1:] = np.cumsum((terms.slope + 2.0 * terms.curve * remaining(x))[:-1])
    fixed = float(_left_gaps(terms, x).sum())
    ranges = convex_range(terms)

    def gap(nu: float) -> float:
        return fixed + float(_tangent_gaps(terms, x, nu - waiting, ranges).sum())

    room = np.maximum(terms.upper - terms.lower, 1e-300)
    chord = (phi(terms, terms.upper) - phi(terms, terms.lower)) / room + waiting
    slopes = np.where(np.isfinite(marginal), marginal, chord)
    nu = threshold(slopes, terms.upper - terms.lower, terms.shares - float(terms.lower.sum()))
    best = gap(nu)
    if best <= 1e-10 * float(np.abs(slopes * x).sum()):
        return best
    low, high = (
        min(float(slopes.min()), float(chord.min())),
        max(float(slopes.max()), float(chord.max())),
    )
    return min(best, golden_section(gap, low, high, PRICE_SECTIONS)[1])


def excludes(terms: Terms, x: Floats, beyond: Floats, best: float) -> bool:
    """Whether no schedule with a trade of `beyond` or more can cost less than `best`, by the
    Lagrangian bound around x.

    From `beyond` (shape (N,)) to the upper limit every phi must be concave, so that, less any
    price, it is least at an end; periods where `beyond` is above the limit have nothing to exclude.
    """
    if (terms.curve < 0.0).any():
        return False
    waiting = np.zeros_like(x)
    waiting[1:] = np.cumsum((terms.slope + 2.0 * terms.curve * remaining(x))[:-1])
    price = (
        threshold(
            gradient(terms, x), terms.upper - terms.lower, terms.shares - float(terms.lower.sum())
        )
        - waiting
    )
    gaps = _tangent_gaps(terms, x, price, convex_range(terms))
    value = phi(terms, x) - price * x
    bound = (
        float((phi(terms, x) + (terms.slope + terms.curve * remaining(x)) * remaining(x)).sum())
        + terms.const
    )
    bound -= float(gaps.sum())
    least = np.minimum(
        phi(terms, beyond) - price * beyond, phi(terms, terms.upper) - price * terms.upper
    )
    return bool(np.where(beyond <= terms.upper, bound + gaps + least - value > best, True).all())


def _tangent_gaps(terms: Terms, x: Floats, price: Floats, convex: tuple[Floats, Floats]) -> Floats:
    """phi_j(x_j) - price_j x_j less a lower bound of its minimum over the limits, shape (N,).

    The bound is the least of the two ends and, on the convex range, of the tangent at the point
    nearest to x_j.
    """
    start, end = convex
    value = phi(terms, x) - price * x
    gaps = np.maximum(value - (phi(terms, terms.lower) - price * terms.lower), 0.0)
    gaps = np.maximum(gaps, value - (phi(terms, terms.upper) - price * terms.upper))
    some = start < end
    if some.any():
        at = np.clip(x, np.where(some, start, 0.0), np.where(some, end, 0.0))
        slope = marginal_phi(terms, np.where(some, at, 1.0)) - price
        drop = np.where(
            some,
            np.maximum(
                slope * np.where(some, at - start, 0.0), slope * np.where(some, at - end, 0.0)
            ),
            0.0,
        )
        gaps = np.where(some, np.maximum(gaps, value - (phi(terms, at) - price * at) + drop), gaps)
    return gaps


def _left_gaps(terms: Terms, x: Floats) -> Floats:
    """What concave psi_j can fall below their tangent at R_j over the shares that may be left,
    shape (N,).
    """
    left = remaining(x)
    least = np.maximum(remaining(terms.lower), terms.shares - np.cumsum(terms.upper))
    most = np.minimum(remaining(terms.upper), terms.shares - np.cumsum(terms.lower))
    reach = np.maximum(np.maximum(left - least, most - left), 0.0)
    return np.maximum(-terms.curve, 0.0) * reach * reach
