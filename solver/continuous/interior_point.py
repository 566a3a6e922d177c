"""Continuous schedules that do not separate: a certified optimum where convex, a local improvement
elsewhere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from solver.continuous.barrier import InteriorPoint, normalise, start
from solver.continuous.multiplier import settle
from solver.problem.laws import Floats
from solver.problem.schedule import marginal_phi, remaining
from solver.problem.solution import Settings
from solver.problem.terms import Terms

NEWTON_STEPS = 20  # tried without a barrier
NARROW = 1e-13  # limits closer than this share of the order leave no choice


def without_fixed(terms: Terms) -> tuple[Terms, NDArray[np.bool_]]:
    """The problem of the periods whose limits leave a choice, and which those are.

    What is left after a fixed period differs by a constant from what is left after the free one
    before it, so the psi of both add up in shares left to trade freely.
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
    kept = {
        name: getattr(terms, name)[free]
        for name in ("spread", "scale", "exponent", "bend", "lower", "upper")
    }
    return replace(
        terms, shares=terms.shares - float(fixed.sum()), slope=slope, curve=curve, **kept
    ), free


def interior_point(terms: Terms, settings: Settings, warm: Floats | None = None) -> Floats:
    """Minimise over the limits by a primal-dual predictor-corrector method, one tridiagonal solve a
    step.

    The Newton direction lives in R, where the Hessian is tridiagonal; trades then follow from the
    multipliers rather than from differences of R, which keeps tiny trades accurate. Without caps
    the optimum is often strictly inside, so a few plain Newton steps are tried before the barrier
    is raised. Negative curvature is cut off, so a nonconvex problem is improved but not certified
    here.

    Source: Mehrotra (1992), "On the implementation of a primal-dual interior point method".
    """
    part, free = without_fixed(terms)
    x = terms.lower.copy()
    only = next(
        (
            v
            for v in (part.lower, part.upper)
            if abs(float(v.sum()) - part.shares) <= NARROW * terms.shares
        ),
        None,
    )
    if only is not None:  # limits that leave no choice have no interior
        x[free] = only
    else:
        inside = warm is not None and bool((warm > terms.lower).all())
        near = warm[free] / float(warm[free].sum()) if warm is not None and inside else None
        x[free] = part.shares * _interior(normalise(part), settings, near)
    return settle(terms, x)


def _interior(unit: Terms, settings: Settings, near: Floats | None) -> Floats:
    """The trades of a normalised problem whose limits all have room between them."""
    capped = bool((unit.upper < 1.0).any())
    for barrier in (True,) if capped else (False, True):
        run = InteriorPoint(
            unit, capped, near if near is not None and not barrier else start(unit), barrier
        )
        for _ in range(settings.max_iterations if barrier else NEWTON_STEPS):
            if run.step(0.05 * settings.tolerance):
                return run.state.y
    return run.best if np.isfinite(run.least) else run.state.y


def descend(terms: Terms, x: Floats, settings: Settings) -> Floats:
    """Improve a schedule of a nonconvex problem: replace its concave parts by their tangents and
    solve, until no gain.

    Source: Lipp, Boyd (2016), "Variations and extension of the convex-concave procedure".
    """
    hollow = terms.scale * (terms.exponent - 1.0) < 0.0
    for _ in range(10):
        slope = np.where(
            hollow & (x > 0.0),
            marginal_phi(terms, np.where(x > 0.0, x, 1.0)) + terms.bend * x,
            terms.spread,
        )
        model = replace(
            terms,
            spread=slope - np.maximum(terms.bend, 0.0) * x,
            scale=np.where(hollow, 0.0, terms.scale),
            exponent=np.where(hollow, 2.0, terms.exponent),
            bend=np.minimum(terms.bend, 0.0),
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
