"""The quadratic route: a problem whose cost law is approximated at a pace, so that it is a QP."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import PowerLaw, ProblemError, as_vector
from solver.problem.problem import Problem


def quadratic_approximation(problem: Problem, pace: ArrayLike) -> Problem:
    """The problem with each g_i replaced by its second-order expansion at `pace`, less constants.

    Shapes: pace (N,), shares a period, > 0, where the expansion is made: the forecast pace of
    trading, say. The result is a quadratic programme wherever g is convex at the pace.

    Raises:
        ProblemError: a table law, a pace that is not positive, or a law concave at it.

    Source: Taylor's theorem; Almgren, Chriss (2000), sec. 1.4, whose quadratic law it is.
    """
    if not isinstance(problem.law, PowerLaw):
        raise ProblemError("law must be a PowerLaw for method 'qp', found a TableLaw: use 'dp'")
    x = as_vector("pace", pace)
    if x.shape != (problem.n,) or x.min() <= 0.0:
        raise ProblemError(f"pace must be positive with shape ({problem.n},), found {x.shape}")
    spread, scale, exponent = problem.law_rows
    slope = spread + scale * exponent * x ** (exponent - 1.0)
    bend = scale * exponent * (exponent - 1.0) * x ** (exponent - 2.0)
    if bend.min() < 0.0:
        raise ProblemError("the law must be convex for method 'qp', found an exponent below 1")
    return replace(problem, law=PowerLaw(0.5 * bend, np.full(problem.n, 2.0), slope - bend * x))


def even_quadratic(problem: Problem) -> Problem:
    """The constant quadratic problem that `almgren_chriss` takes, nearest to this one.

    Its cost is eta x^2, through the mean over the periods of the law's cost beyond the spread where
    each trades S / N; sigma^2 and gamma are their means. Spread, drift and limits are left out: the
    first two would not be constant, the last has no place in the closed form.

    Raises:
        ProblemError: a table law, or a tabulated permanent impact.

    Source: Almgren, Chriss (2000), eq. (7): temporary impact linear in the rate of trading.
    """
    if not isinstance(problem.law, PowerLaw) or problem.tabular:
        raise ProblemError("law must be a PowerLaw for the closed form, found a TableLaw: use 'dp'")
    _, scale, exponent = problem.law_rows
    even = problem.shares / problem.n
    return replace(
        problem,
        law=PowerLaw(float((scale * even ** (exponent - 2.0)).mean()), 2.0),
        permanent=float(np.mean(np.asarray(problem.permanent))),
        sigma=float(np.sqrt(np.mean(np.square(np.asarray(problem.sigma))))),
        drift=0.0,
        cap=None,
        floor=None,
    )
