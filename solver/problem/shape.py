"""Where the pieces of a power-law problem are convex, which decides what can be proved about it."""

from __future__ import annotations

import numpy as np

from solver.problem.laws import Floats
from solver.problem.terms import Terms


def curvature(terms: Terms, x: Floats) -> Floats:
    """The second derivative of phi_j at x_j, shape (N,), currency / share**2 (infinite at 0 for 1 <
    exponent < 2).
    """
    k = terms.exponent
    bent = terms.scale * k * (k - 1.0)
    with np.errstate(divide="ignore", over="ignore"):
        power = x ** ((k if terms.power is None else terms.power) - 2.0)
    return bent * np.where(bent == 0.0, 0.0, power) - terms.bend


def factor(diagonal: Floats, beside: Floats) -> tuple[Floats, Floats] | None:
    """The L D L' factors of a symmetric tridiagonal matrix, or None when it is not positive
    definite.
    """
    from scipy.linalg import lapack

    d, e, failed = lapack.dpttrf(diagonal, beside if beside.size else np.zeros(1))
    return None if failed else (d, e)


def convex_range(terms: Terms) -> tuple[Floats, Floats]:
    """The interval of [lower, upper] on which each phi_j is convex, shapes (N,); empty where the
    first exceeds the second.

    Source: phi'' = a k (k - 1) x**(k - 2) - bend changes sign at most once.
    """
    low, high = curvature(terms, terms.lower), curvature(terms, terms.upper)
    start, end = terms.lower.copy(), terms.upper.copy()
    mixed = (low < 0.0) != (high < 0.0)
    if mixed.any():
        k, bend = terms.exponent[mixed], terms.bend[mixed]
        turn = (terms.scale[mixed] * k * (k - 1.0) / bend) ** (1.0 / (2.0 - k))
        turn = np.clip(turn, terms.lower[mixed], terms.upper[mixed])
        rising = low[mixed] < 0.0
        start[mixed] = np.where(rising, turn, start[mixed])
        end[mixed] = np.where(rising, end[mixed], turn)
    concave = (low < 0.0) & (high < 0.0)
    start[concave], end[concave] = np.inf, -np.inf
    return start, end


def is_convex(terms: Terms) -> bool:
    """Whether the objective is proved convex over the limits.

    Either every phi and psi is convex, or the tridiagonal Hessian built from the least curvature of
    each phi is positive semidefinite (a Cholesky factorisation succeeds), which also covers
    curvature of phi making up for a concave psi.
    """
    if is_lattice_convex(terms):
        return True
    least = np.minimum(curvature(terms, terms.lower), curvature(terms, terms.upper))
    if terms.exponent.size < 2 or not np.isfinite(least).all():
        return terms.exponent.size < 2
    diagonal = least[:-1] + least[1:] + 2.0 * terms.curve[:-1]
    return factor(diagonal, -least[1:-1]) is not None


def is_lattice_convex(terms: Terms) -> bool:
    """Whether every phi and psi is convex, so that the objective is L-natural-convex in whole lots
    left.

    Source: Murota (2003), "Discrete Convex Analysis", sec. 7.
    """
    least = np.minimum(curvature(terms, terms.lower), curvature(terms, terms.upper))
    return bool((least >= 0.0).all() and (terms.curve >= 0.0).all())


def is_concave(terms: Terms) -> bool:
    """Whether every phi and psi is concave, so that an unlimited problem is solved by trading in a
    single period.
    """
    most = np.maximum(curvature(terms, terms.lower), curvature(terms, terms.upper))
    return bool((most <= 0.0).all() and (terms.curve <= 0.0).all())
