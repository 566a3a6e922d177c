"""One run of the interior-point method on a normalised problem, O(N) a step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.continuous.certificate import price_gap, threshold
from solver.problem.laws import Floats
from solver.problem.schedule import inner, remaining
from solver.problem.shape import factor, is_lattice_convex
from solver.problem.terms import Terms

CLOSE = (
    1000.0  # complementarity, in units of the gap asked for, from which the gap by prices is tried
)
FLAT = 0.1  # curvature below which a trade's step is read from the shares left, not from its price
BOUNDARY = 0.995  # share of the way to a limit that one step may go


@dataclass
class _State:
    """The iterate of the interior-point method in units of the order: trades, their slacks and the
    slacks' prices.
    """

    y: Floats
    below: Floats
    above: Floats
    price_below: Floats
    price_above: Floats


def normalise(terms: Terms) -> Terms:
    """The same problem for an order of size one, in a currency unit that makes its cost
    about one.
    """
    s = terms.shares
    unit = replace(
        terms,
        shares=1.0,
        spread=terms.spread * s,
        scale=terms.scale * s**terms.exponent,
        bend=terms.bend * (s * s),
        slope=terms.slope * s,
        curve=terms.curve * (s * s),
        lower=terms.lower / s,
        upper=terms.upper / s,
    )
    y = start(unit)
    left = remaining(y)
    k = unit.exponent if unit.power is None else unit.power
    pieces = (
        unit.spread * y,
        unit.scale * y**k,
        0.5 * unit.bend * y * y,
        unit.slope * left,
        unit.curve * left * left,
    )
    cost = float(sum(float(np.abs(piece).sum()) for piece in pieces)) or 1.0
    names = ("spread", "scale", "bend", "slope", "curve", "const")
    return replace(unit, **{name: getattr(unit, name) / cost for name in names})


def start(unit: Terms) -> Floats:
    """A point strictly within the limits of a normalised problem."""
    low = float(unit.lower.sum())
    width = unit.upper - unit.lower
    spare = float(width.sum())
    y: Floats = unit.lower + width * ((1.0 - low) / spare if spare > 0.0 else 0.0)
    k = unit.power
    if k is not None and k > 1.0 and spare >= unit.upper.size - 1e-9 and unit.scale.min() > 0.0:
        weight = (unit.scale.min() / unit.scale) ** (1.0 / (k - 1.0))
        y = 0.1 * y + (0.9 / float(weight.sum())) * weight
    return y


class InteriorPoint:
    """One run of the method on a normalised problem."""

    def __init__(self, unit: Terms, capped: bool, y: Floats, barrier: bool) -> None:
        self.unit = unit
        self.barrier = barrier
        self.least, self.best = np.inf, y
        self.capped = capped
        self.coupled = bool((unit.curve > 0.0).any())
        self.priced = is_lattice_convex(unit)  # without which the gap by prices bounds nothing
        self.coupling = 2.0 * np.maximum(unit.curve, 0.0)
        k = unit.exponent if unit.power is None else unit.power
        self.k2 = k - 2.0
        self.rate = unit.scale * k
        self.slopes = self.rate * (k - 1.0)
        below, above = y - unit.lower, unit.upper - y
        mu = 0.1 / y.size if barrier else 0.0
        none = np.zeros_like(y)
        self.state = _State(y, below, above, mu / below, mu / above if self.capped else none)
        self.count = y.size * (2 if self.capped else 1)

    def step(self, stop: float) -> bool:
        """Take one predictor-corrector step, unless the gap, relative to the cost's unit, is down
        to `stop` (then True).
        """
        s, unit = self.state, self.unit
        power = s.y**self.k2
        marginal = unit.spread + (self.rate * power - unit.bend) * s.y
        h = np.maximum(self.slopes * power - unit.bend, 1e-14) + s.price_below / s.below
        left = remaining(s.y)
        psi = unit.slope + 2.0 * unit.curve * left
        product = inner(s.price_below, s.below)
        if self.capped:
            h += s.price_above / s.above
            product += inner(s.price_above, s.above)
        stop *= min(
            1.0, 0.5 * (inner(s.y, np.abs(marginal)) + inner(left, np.abs(psi)))
        )  # of the cost as it is now
        if self._gap(marginal, psi) <= stop:
            return True
        if self.barrier and product <= CLOSE * stop and self._remember(marginal, psi) <= stop:
            return True
        system = self._factor(h)
        dy = self._direction(system, h, marginal, psi)
        if not self.barrier:
            reach = min(1.0, BOUNDARY / max(float((-dy / s.below).max()), 1e-300))
            s.y += reach * dy
            s.below += reach * dy
            return False
        mu = product / self.count
        d_below, d_above = self._price_steps(dy, 0.0, None)
        primal, dual = self._lengths(dy, d_below, d_above)
        reach = inner(s.below + primal * dy, s.price_below + dual * d_below)
        if self.capped:
            reach += inner(s.above - primal * dy, s.price_above + dual * d_above)
        target = max(
            mu * max(reach / product, 0.0) ** 3, 0.2 * stop / self.count
        )  # no lower than is of use
        corrections = (dy * d_below, -dy * d_above if self.capped else d_above)
        push = (target - corrections[0]) / s.below
        if self.capped:
            push = push - (target - corrections[1]) / s.above
        dy = self._direction(system, h, marginal - push, psi)
        d_below, d_above = self._price_steps(dy, target, corrections)
        self._move(dy, d_below, d_above)
        return False

    def _gap(self, marginal: Floats, psi: Floats) -> float:
        """The Frank-Wolfe gap of the current point (without limits from above; the complementarity
        gap with them).
        """
        s, unit = self.state, self.unit
        total = marginal.copy()
        total[1:] += np.cumsum(psi[:-1])
        if self.capped:
            nu = threshold(total, unit.upper - unit.lower, 1.0 - float(unit.lower.sum()))
            tilt = total - nu
            return float(np.maximum(tilt * (s.y - unit.lower), tilt * (s.y - unit.upper)).sum())
        return inner(total - total.min(), s.y - unit.lower)

    def _remember(self, marginal: Floats, psi: Floats) -> float:
        """Keep the point if its gap by prices (which tiny trades do not spoil) is the least so far;
        return that gap.
        """
        total = marginal.copy()
        total[1:] += np.cumsum(psi[:-1])
        gap = price_gap(self.unit, self.state.y, total) if self.priced else np.inf
        if gap < self.least:
            self.least, self.best = gap, self.state.y.copy()
        return gap

    def _factor(self, h: Floats) -> tuple[Floats, Floats] | None:
        """The factors of the tridiagonal Hessian in R, or None where the problem separates and none
        is needed.
        """
        if not self.coupled or h.size < 2:
            return None
        return factor(h[:-1] + h[1:] + self.coupling[:-1], -h[1:-1])

    def _direction(
        self, system: tuple[Floats, Floats] | None, h: Floats, w: Floats, psi: Floats
    ) -> Floats:
        """The Newton step of the trades, given the barrier-adjusted marginal costs w."""
        change, held = psi, None
        if system is not None:
            from scipy.linalg import lapack

            change = psi.copy()
            step, _ = lapack.dpttrs(*system, w[:-1] - w[1:] - psi[:-1])
            change[:-1] += self.coupling[:-1] * step
            held = np.concatenate(([0.0], step, [0.0]))
        total = w.copy()
        total[1:] += np.cumsum(change[:-1])
        inverse = 1.0 / h
        missing = 1.0 - float(self.state.y.sum())
        nu = (missing + inner(total, inverse)) / float(inverse.sum())
        dy = (nu - total) * inverse
        return dy if held is None else np.where(h < FLAT, held[:-1] - held[1:], dy)

    def _price_steps(
        self, dy: Floats, target: float, corrections: tuple[Floats, Floats] | None
    ) -> tuple[Floats, Floats]:
        s = self.state
        first = target if corrections is None else target - corrections[0]
        below = (first - s.price_below * dy) / s.below - s.price_below
        if not self.capped:
            return below, s.price_above
        second = target if corrections is None else target - corrections[1]
        above = (second + s.price_above * dy) / s.above - s.price_above
        return below, above

    def _lengths(self, dy: Floats, d_below: Floats, d_above: Floats) -> tuple[float, float]:
        """How far towards the limits the trades and the prices may go, at most 1."""
        s = self.state
        tiny = 1e-300
        primal = max(float((-dy / s.below).max()), tiny)
        dual = max(float((-d_below / np.maximum(s.price_below, tiny)).max()), tiny)
        if self.capped:
            primal = max(primal, float((dy / s.above).max()))
            dual = max(dual, float((-d_above / np.maximum(s.price_above, tiny)).max()))
        return min(1.0, BOUNDARY / primal), min(1.0, BOUNDARY / dual)

    def _move(self, dy: Floats, d_below: Floats, d_above: Floats) -> None:
        s = self.state
        primal, dual = self._lengths(dy, d_below, d_above)
        s.y += primal * dy
        s.below += primal * dy
        s.price_below += dual * d_below
        if self.capped:
            s.above -= primal * dy
            s.price_above += dual * d_above
