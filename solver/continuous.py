"""Continuous schedules: one multiplier where the problem separates, an O(N) interior-point method otherwise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .laws import Floats
from .problem import Terms
from .schedule import marginal_phi, remaining
from .shape import factor
from .solution import Settings

BOUNDARY = 0.995  # share of the way to a limit that one step may go
NEWTON_STEPS = 12  # tried without a barrier
NARROW = 1e-13  # limits closer than this share of the order leave no choice


def settle(terms: Terms, x: Floats) -> Floats:
    """Return x within its limits and summing to the order, the rounding error put where there is most room."""
    x = np.clip(x, terms.lower, terms.upper)
    error = terms.shares - float(x.sum())
    room = (terms.upper - x) if error > 0.0 else (x - terms.lower)
    at = int(np.argmax(np.minimum(room, x + terms.shares * 1e-3)))
    x[at] += error if abs(error) <= room[at] else 0.0
    return x


def multiplier(terms: Terms) -> Floats | None:
    """Solve a separable problem without permanent curvature by its single multiplier; None where that does not apply.

    x_j(nu) = ((nu - c_j) / (scale_j k_j))**(1 / (k_j - 1)) between the limits, sum x_j(nu) = shares, c_j the spread plus the
    drift run up to j. Newton steps kept in a bracket; one step when no limit or c_j interferes.

    Source: Everett (1963), "Generalized Lagrange multiplier method"; DESIGN section 1.1.
    """
    if not terms.separable or terms.gamma.any() or terms.scale.min() <= 0.0 or terms.exponent.min() <= 1.0:
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
        low, high = float((c + unit * lower ** (k - 1.0)).min()), float((c + unit * upper ** (k - 1.0)).max())
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
            rate = float((y * inverse / (nu - c))[inside].sum()) if inside.any() else 0.0
            step = nu - excess / rate if rate > 0.0 else low
            following = step if low < step < high else 0.5 * (low + high)
            if abs(excess) < 1e-15 or following == nu:
                break
            nu = following
    return settle(terms, y * terms.shares)


@dataclass
class _State:
    """The iterate of the interior-point method in units of the order: trades, their slacks and the slacks' prices."""

    y: Floats
    below: Floats
    above: Floats
    price_below: Floats
    price_above: Floats


def normalise(terms: Terms) -> Terms:
    """The same problem for an order of size one, in a currency unit that makes its cost about one."""
    s = terms.shares
    unit = replace(
        terms,
        shares=1.0,
        spread=terms.spread * s,
        scale=terms.scale * s**terms.exponent,
        gamma=terms.gamma * (s * s),
        slope=terms.slope * s,
        curve=terms.curve * (s * s),
        lower=terms.lower / s,
        upper=terms.upper / s,
    )
    y = start(unit)
    left = remaining(y)
    k = unit.exponent if unit.power is None else unit.power
    pieces = (unit.spread * y, unit.scale * y**k, 0.5 * unit.gamma * y * y, unit.slope * left, unit.curve * left * left)
    cost = float(sum(float(np.abs(piece).sum()) for piece in pieces)) or 1.0
    names = ("spread", "scale", "gamma", "slope", "curve")
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


def without_fixed(terms: Terms) -> tuple[Terms, NDArray[np.bool_]]:
    """The problem of the periods whose limits leave a choice, and which those are.

    What is left after a fixed period differs by a constant from what is left after the free one before it, so the psi of both
    add up in shares left to trade freely.
    """
    free = terms.upper - terms.lower > NARROW * terms.shares
    if free.all():
        return terms, free
    fixed = np.where(free, 0.0, terms.lower)
    later = remaining(fixed)
    owner = np.cumsum(free) - 1
    seen = owner >= 0
    count = int(free.sum())
    slope, curve = np.zeros(count), np.zeros(count)
    np.add.at(slope, owner[seen], (terms.slope + 2.0 * terms.curve * later)[seen])
    np.add.at(curve, owner[seen], terms.curve[seen])
    slope[-1:] = curve[-1:] = 0.0
    kept = {name: getattr(terms, name)[free] for name in ("spread", "scale", "exponent", "gamma", "lower", "upper")}
    return replace(terms, shares=terms.shares - float(fixed.sum()), slope=slope, curve=curve, **kept), free


def interior_point(terms: Terms, settings: Settings) -> Floats:
    """Minimise over the limits by a primal-dual predictor-corrector method, one tridiagonal solve a step.

    The Newton direction lives in R, where the Hessian is tridiagonal; trades then follow from the multipliers rather than from
    differences of R, which keeps tiny trades accurate. Without caps the optimum is often strictly inside, so a few plain
    Newton steps are tried before the barrier is raised. Negative curvature is cut off, so a nonconvex problem is improved but
    not certified here.

    Source: Mehrotra (1992), "On the implementation of a primal-dual interior point method"; DESIGN section 1.2.
    """
    part, free = without_fixed(terms)
    x = terms.lower.copy()
    only = next((v for v in (part.lower, part.upper) if abs(float(v.sum()) - part.shares) <= NARROW * terms.shares), None)
    if only is not None:  # limits that leave no choice have no interior
        x[free] = only
    else:
        x[free] = part.shares * _interior(normalise(part), settings)
    return settle(terms, x)


def _interior(unit: Terms, settings: Settings) -> Floats:
    """The trades of a normalised problem whose limits all have room between them."""
    capped = bool((unit.upper < 1.0).any())
    for barrier in (True,) if capped else (False, True):
        run = _InteriorPoint(unit, barrier, capped)
        for _ in range(settings.max_iterations if barrier else NEWTON_STEPS):
            if run.step() <= 0.05 * settings.tolerance:
                return run.state.y
    return run.state.y


def descend(terms: Terms, x: Floats, settings: Settings) -> Floats:
    """Improve a schedule of a nonconvex problem: replace its concave parts by their tangents and solve, until no gain.

    Source: Lipp, Boyd (2016), "Variations and extension of the convex-concave procedure".
    """
    hollow = terms.scale * (terms.exponent - 1.0) < 0.0
    for _ in range(10):
        slope = np.where(hollow & (x > 0.0), marginal_phi(terms, np.where(x > 0.0, x, 1.0)) + terms.gamma * x, terms.spread)
        model = replace(
            terms,
            spread=slope - np.maximum(terms.gamma, 0.0) * x,
            scale=np.where(hollow, 0.0, terms.scale),
            exponent=np.where(hollow, 2.0, terms.exponent),
            gamma=np.minimum(terms.gamma, 0.0),
            slope=terms.slope + 2.0 * np.minimum(terms.curve, 0.0) * remaining(x),
            curve=np.maximum(terms.curve, 0.0),
            upper=np.where(hollow & (x <= terms.lower), terms.lower, terms.upper),
        )
        following = interior_point(model, settings)
        moved = float(np.abs(following - x).max())
        x = following
        if moved <= 1e-7 * terms.shares:
            break
    return x


class _InteriorPoint:
    """One run of the method on a normalised problem."""

    def __init__(self, unit: Terms, barrier: bool, capped: bool) -> None:
        self.unit = unit
        self.barrier = barrier
        self.capped = capped
        self.coupled = bool((unit.curve > 0.0).any())
        self.bend = 2.0 * np.maximum(unit.curve, 0.0)
        k = unit.exponent if unit.power is None else unit.power
        self.k2 = k - 2.0
        self.rate = unit.scale * k
        self.slopes = self.rate * (k - 1.0)
        y = start(unit)
        below, above = y - unit.lower, unit.upper - y
        mu = 0.1 / y.size if barrier else 0.0
        none = np.zeros_like(y)
        self.state = _State(y, below, above, mu / below, mu / above if self.capped else none)
        self.count = y.size * (2 if self.capped else 1)

    def step(self) -> float:
        """Take one predictor-corrector step and return the gap left before it, relative to the cost's unit."""
        s, unit = self.state, self.unit
        power = s.y**self.k2
        marginal = unit.spread + (self.rate * power - unit.gamma) * s.y
        h = np.maximum(self.slopes * power - unit.gamma, 1e-14) + s.price_below / s.below
        left = remaining(s.y)
        psi = unit.slope + 2.0 * unit.curve * left
        product = float(s.price_below @ s.below)
        if self.capped:
            h += s.price_above / s.above
            product += float(s.price_above @ s.above)
        gap = self._gap(marginal, psi)
        if gap <= 0.0:
            return gap
        system = self._factor(h)
        dy = self._direction(system, h, marginal, psi)
        if not self.barrier:
            reach = min(1.0, BOUNDARY / max(float((-dy / s.below).max()), 1e-300))
            s.y += reach * dy
            s.below += reach * dy
            return gap
        mu = product / self.count
        mu = product / self.count
        d_below, d_above = self._price_steps(dy, 0.0, None)
        primal, dual = self._lengths(dy, d_below, d_above)
        reach = float((s.below + primal * dy) @ (s.price_below + dual * d_below))
        if self.capped:
            reach += float((s.above - primal * dy) @ (s.price_above + dual * d_above))
        target = mu * max(reach / product, 0.0) ** 3 if product > 0.0 else 0.0
        corrections = (dy * d_below, -dy * d_above if self.capped else d_above)
        push = (target - corrections[0]) / s.below
        if self.capped:
            push = push - (target - corrections[1]) / s.above
        dy = self._direction(system, h, marginal - push, psi)
        d_below, d_above = self._price_steps(dy, target, corrections)
        self._move(dy, d_below, d_above)
        return gap

    def _gap(self, marginal: Floats, psi: Floats) -> float:
        """The Frank-Wolfe gap of the current point (without limits from above; the complementarity gap with them)."""
        s, unit = self.state, self.unit
        total = marginal.copy()
        total[1:] += np.cumsum(psi[:-1])
        if self.capped:
            from .certificate import threshold

            nu = threshold(total, unit.upper - unit.lower, 1.0 - float(unit.lower.sum()))
            tilt = total - nu
            return float(np.maximum(tilt * (s.y - unit.lower), tilt * (s.y - unit.upper)).sum())
        return float((total - total.min()) @ (s.y - unit.lower))

    def _factor(self, h: Floats) -> tuple[Floats, Floats] | None:
        """The factors of the tridiagonal Hessian in R, or None where the problem separates and none is needed."""
        if not self.coupled or h.size < 2:
            return None
        return factor(h[:-1] + h[1:] + self.bend[:-1], -h[1:-1])

    def _direction(self, system: tuple[Floats, Floats] | None, h: Floats, w: Floats, psi: Floats) -> Floats:
        """The Newton step of the trades, given the barrier-adjusted marginal costs w."""
        change = psi
        if system is not None:
            from scipy.linalg import lapack

            change = psi.copy()
            step, _ = lapack.dpttrs(*system, w[:-1] - w[1:] - psi[:-1])
            change[:-1] += self.bend[:-1] * step
        total = w.copy()
        total[1:] += np.cumsum(change[:-1])
        inverse = 1.0 / h
        missing = 1.0 - float(self.state.y.sum())
        nu = (missing + float(total @ inverse)) / float(inverse.sum())
        return (nu - total) * inverse

    def _price_steps(self, dy: Floats, target: float, corrections: tuple[Floats, Floats] | None) -> tuple[Floats, Floats]:
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
