"""Choose the method a problem's structure admits, run it, and report with what proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .certificate import certified_gap
from .closed_form import almgren_chriss, power_law
from .continuous import descend, interior_point, multiplier
from .lattice import Lattice
from .laws import Floats, ProblemError
from .problem import Problem
from .programme import dynamic_programme
from .schedule import evaluate
from .shape import is_concave, is_lattice_convex
from .solution import Outcome, Settings, Solution, finish, infeasible
from .sweeps import sweep

METHODS = ("auto", "closed_form", "nlp", "dp")


def solve(
    problem: Problem, method: str = "auto", integer: bool = False, settings: Settings | None = None
) -> Solution:
    """Find the cheapest schedule and prove how good it is.

    method: "auto" by structure; "closed_form" (oracles); "nlp" (continuous); "dp" (whole lots, exact). integer: trades are whole
    lots. A table law always is. Continuous problems that are not convex are searched on a coarse lattice, polished,
    and reported FEASIBLE with their gap unless it closes.

    Raises:
        ProblemError: an unknown method, or one that does not fit the problem.

    Source: DESIGN section 1.
    """
    settings = settings or Settings()
    if method not in METHODS:
        raise ProblemError(f"method must be one of {', '.join(METHODS)}, found {method!r}: 'auto' chooses")
    if method == "closed_form":
        return finish(problem, _closed_form(problem, integer), settings)
    if method == "dp" or problem.tabular or integer:
        reason = Lattice(problem).reason
        if reason:
            return infeasible(problem, reason)
        if method == "nlp" and problem.tabular:
            raise ProblemError("method must be 'dp' or 'auto' for a TableLaw, found 'nlp': a table has no derivatives")
        return finish(problem, _whole_lots(problem, method, settings), settings)
    return finish(problem, continuous(problem, settings), settings)


def _closed_form(problem: Problem, integer: bool) -> Outcome:
    """The oracle that fits the problem.

    Raises:
        ProblemError: whole lots are asked for, or none fits.
    """
    if integer:
        raise ProblemError("integer must be False for method='closed_form', found True: use method='auto'")
    x = almgren_chriss(problem) if problem.terms.power == 2.0 else power_law(problem)
    return Outcome(x, "closed_form", evaluate(problem, x).objective - certified_gap(problem.terms, x))


def continuous(problem: Problem, settings: Settings) -> Outcome:
    """The best continuous schedule found, with a lower bound recomputed from the schedule itself."""
    terms = problem.terms
    if not problem.limited and is_concave(terms):
        return Outcome(vertex(problem), "vertex", proved=True)
    x, method = multiplier(terms), "multiplier"
    if x is None and terms.exponent.min() >= 1.0:
        x, method = interior_point(terms, settings.tolerance, settings.max_iterations), "interior_point"
    if x is None:
        return _search(problem, settings)
    best = _bounded(problem, x, method)
    pieces = evaluate(problem, x)
    if pieces.objective - best.lower_bound <= settings.tolerance * pieces.gross:
        return best
    return _better(problem, best, _search(problem, settings))


def _bounded(problem: Problem, x: Floats, method: str) -> Outcome:
    return Outcome(x, method, evaluate(problem, x).objective - certified_gap(problem.terms, x))


def _search(problem: Problem, settings: Settings) -> Outcome:
    """The best point of a coarse lattice (within the limits), improved locally."""
    grid = min(settings.grid, 400_000 // problem.n + 20)
    coarse = replace(problem, lot=problem.shares / grid)
    if Lattice(coarse).reason:
        x = interior_point(problem.terms, settings.tolerance, settings.max_iterations)
    else:
        x = dynamic_programme(coarse, settings).x
    point = _bounded(problem, x, "coarse_dp")
    return _better(problem, point, _bounded(problem, descend(problem.terms, x, settings), "coarse_dp"))


def _better(problem: Problem, one: Outcome, other: Outcome) -> Outcome:
    """The cheaper of two outcomes, with the better of their bounds."""
    first, second = evaluate(problem, one.x).objective, evaluate(problem, other.x).objective
    chosen = other if second < first else one
    return replace(chosen, lower_bound=max(one.lower_bound, other.lower_bound))


def _whole_lots(problem: Problem, method: str, settings: Settings) -> Outcome:
    """Whole-lot trades by the cheapest exact algorithm."""
    if method != "dp" and not problem.tabular:
        if not problem.limited and is_concave(problem.terms):
            return Outcome(vertex(problem), "vertex", proved=True, lots=True)
        if is_lattice_convex(problem.terms):
            return rounded(problem, settings)
    return dynamic_programme(problem, settings)


def rounded(problem: Problem, settings: Settings) -> Outcome:
    """The whole-lot optimum of a convex problem from its continuous one.

    The continuous problem is solved under the limits in whole lots, so that rounding the shares left respects them.
    """
    low, high = problem.lot_limits
    limits = {"floor": low * problem.lot, "cap": high * problem.lot} if problem.limited else {}
    inner = replace(problem, **limits) if limits else problem  # type: ignore[arg-type]
    x = multiplier(inner.terms)
    if x is None:
        x = interior_point(inner.terms, settings.tolerance, settings.max_iterations)
    trades, proved = sweep(problem, x, settings.max_iterations)
    return Outcome(np.asarray(trades * problem.lot, dtype=np.float64), "rounding", proved=proved, lots=True)


def vertex(problem: Problem) -> Floats:
    """The best schedule that trades everything in one period: the optimum of a concave problem without limits.

    Source: a concave function attains its minimum over a simplex at a vertex; DESIGN section 1.6.
    """
    spread, scale, exponent = problem.law_rows
    s = problem.shares
    waiting = np.concatenate(([0.0], np.cumsum(problem.adverse_drift * s + problem.risk * s * s)[:-1]))
    cost = spread * s + scale * s**exponent + waiting
    x = np.zeros(problem.n)
    x[int(np.argmin(cost))] = s
    return x
