"""Separable continuous problems by their single multiplier, and the last touch every
schedule gets.
"""

from __future__ import annotations

import numpy as np

from solver.problem.laws import Floats
from solver.problem.terms import Terms


def settle(terms: Terms, x: Floats) -> Floats:
    """Return x within its limits and summing to the order, the rounding error put where there is
    most room.
    """
    x = np.clip(x, terms.lower, terms.upper)
    error = terms.shares - float(x.sum())
    room = (terms.upper - x) if error > 0.0 else (x - terms.lower)
    at = int(np.argmax(np.minimum(room, x + terms.shares * 1e-3)))
    x[at] += error if abs(error) <= room[at] else 0.0
    return x


def multiplier(terms: Terms) -> Floats | None:
    """Solve a separable problem without permanent curvature by its single multiplier; None where
    that does not apply.

    x_j(nu) = ((nu - c_j) / (scale_j k_j))**(1 / (k_j - 1)) between the limits, sum x_j(nu) =
    shares, c_j the spread plus the drift run up to j. Newton steps kept in a bracket; one step when
    no limit or c_j interferes.

    Source: Everett (1963), "Generalized Lagrange multiplier method".
    """
    if (
        not terms.separable
        or terms.bend.any()
        or terms.scale.min() <= 0.0
        or terms.exponent.min() <= 1.0
    ):
        return None
    c = terms.spread.copy()
    c[1:] += np.cumsum(terms.slope[:-1])
    k = terms.exponent if terms.power is None else terms.power
    inverse = 1.0 / (k - 1.0)
    with np.errstate(over="ignore", divide="ignore"):
        unit = (terms.scale * k) * terms.shares ** (k - 1.0)
        open_ended = not terms.lower.any() and float(terms.upper.min()) >= terms.shares
        if open_ended and terms.power is not None and (c == c[0]).all():
            weight = (unit.min() / unit) ** inverse
            return settle(terms, weight * (terms.shares / weight.sum()))
        lower, upper = terms.lower / terms.shares, terms.upper / terms.shares
        low, high = (
            float((c + unit * lower ** (k - 1.0)).min()),
            float((c + unit * upper ** (k - 1.0)).max()),
        )
        if open_ended:
            high = float((c + unit).min())
        nu = high
        for _ in range(200):
            y = np.maximum((nu - c) / unit, 0.0) ** inverse
            inside = (y > lower) & (y < upper)
            y = np.clip(y, lower, upper)
            excess = float(y.sum()) - 1.0
            if excess > 0.0:
                high = nu
            else:
                low = nu
            rate = float(np.where(inside, y * inverse / np.where(inside, nu - c, 1.0), 0.0).sum())
            step = nu - excess / rate if rate > 0.0 else low
            following = step if low < step < high else 0.5 * (low + high)
            if abs(excess) < 1e-15 or following == nu:
                break
            nu = following
    return settle(terms, y * terms.shares)
