"""Choose the method a problem's structure admits, run it, and report with what proof."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from solver.backend import kernels
from solver.continuous.certificate import certified_gap, excludes
from solver.continuous.closed_form import almgren_chriss, power_law
from solver.continuous.interior_point import descend, interior_point
from solver.continuous.multiplier import multiplier
from solver.lattice.lattice import Lattice
from solver.lattice.programme import dynamic_programme
from solver.lattice.sweeps import sweep
from solver.problem.laws import Floats, ProblemError, as_vector
from solver.problem.problem import Problem
from solver.problem.schedule import evaluate
from solver.problem.shape import convex_range, is_concave, is_lattice_convex
from solver.problem.solution import Outcome, Settings, Solution, finish, infeasible

COARSE_CELLS = 400_000  # about the most (period, lots) states of the coarse lattice
METHODS = ("auto", "closed_form", "nlp", "dp")


def solve(
    problem: Problem,
    method: str = "auto",
    integer: bool = False,
    settings: Settings | None = None,
    start: ArrayLike | None = None,
) -> Solution:
    """Find the cheapest schedule and prove how good it is.

    method: "auto" by structure; "closed_form" (oracles); "nlp" (continuous); "dp" (whole lots,
    exact). integer: trades are whole lots. A table law always is. start: a schedule (N,) near the
    optimum, to begin from. Continuous problems that are not convex are searched on a coarse
    lattice, polished, and reported FEASIBLE with their gap unless it closes.

    Raises:
        ProblemError: an unknown method, or one that does not fit the problem.

    Source: the expected cost of `evaluate`, Almgren, Chriss (2000), eq. (4)-(5), plus risk.
    """
    settings = settings or Settings()
    if method not in METHODS:
        raise ProblemError(
            f"method must be one of {', '.join(METHODS)}, found {method!r}: 'auto' chooses"
        )
    warm = None if start is None else as_vector("start", start, minimum=0.0)
    if warm is not None and warm.shape != (problem.n,):
        raise ProblemError(
            f"start must have shape ({problem.n},), found {warm.shape}: one size a period"
        )
    if method == "closed_form":
        return finish(problem, _closed_form(problem, integer), settings)
    if method == "dp" or problem.tabular or integer:
        reason = Lattice(problem).reason
        if reason:
            return infeasible(problem, reason)
        if method == "nlp" and problem.tabular:
            raise ProblemError(
                "method must be 'dp' or 'auto' for a TableLaw, found 'nlp': a table has no "
                "derivatives"
            )
        return finish(problem, _whole_lots(problem, method, settings, warm), settings)
    return finish(problem, continuous(problem, settings, warm), settings)


def certify(
    problem: Problem, x: ArrayLike, method: str = "given", settings: Settings | None = None
) -> Solution:
    """A schedule from elsewhere with its cost and how far at most it is above the best.

    Raises:
        ProblemError: a tabulated curve, or an x that does not fit.
    """
    trades = as_vector("x", x, minimum=0.0)
    gap = certified_gap(problem.terms, trades)
    return finish(problem, Outcome(trades, method, gap), settings or Settings())


def _closed_form(problem: Problem, integer: bool) -> Outcome:
    """The oracle that fits the problem.

    Raises:
        ProblemError: whole lots are asked for, or none fits.
    """
    if integer:
        raise ProblemError(
            "integer must be False for method='closed_form', found True: use method='auto'"
        )
    x = almgren_chriss(problem) if problem.terms.power == 2.0 else power_law(problem)
    return Outcome(x, "closed_form", certified_gap(problem.terms, x))


def continuous(problem: Problem, settings: Settings, warm: Floats | None = None) -> Outcome:
    """The best continuous schedule found, with a gap recomputed from the schedule itself."""
    terms = problem.terms
    code = kernels("solver.compiled.newton", settings.compiled)
    if code is not None:
        x = np.zeros(problem.n) if warm is None else warm.copy()
        gap = float(
            code.solve_convex(
                terms.rows, terms.shares, settings.tolerance, settings.max_iterations, x
            )
        )
        if np.isfinite(gap):
            pieces = evaluate(problem, x)
            if gap <= settings.tolerance * pieces.gross:
                return Outcome(x, "newton", gap, pieces=pieces)
    if not problem.limited and is_concave(terms):
        return Outcome(vertex(problem), "vertex", proved=True)
    if terms.exponent.min() < 1.0:
        return _search(problem, settings)
    single = multiplier(terms)
    x = interior_point(terms, settings, warm) if single is None else single
    pieces = evaluate(problem, x)
    best = Outcome(
        x, "newton" if single is None else "multiplier", certified_gap(terms, x), pieces=pieces
    )
    return (
        best
        if best.gap <= settings.tolerance * pieces.gross
        else _better(problem, best, _search(problem, settings))
    )


def _search(problem: Problem, settings: Settings) -> Outcome:
    """The best point of a coarse lattice (within the limits), improved locally."""
    grid = max(1, min(settings.grid, COARSE_CELLS // problem.n + 20))
    coarse = Lattice(replace(problem, lot=problem.shares / grid))
    usable = not coarse.reason and coarse.cells <= settings.max_cells
    x = (
        dynamic_programme(coarse.problem, settings).x
        if usable
        else interior_point(problem.terms, settings)
    )
    improved = descend(problem.terms, x, settings)
    points = [
        Outcome(point, "search", certified_gap(problem.terms, point)) for point in (x, improved)
    ]
    return _better(problem, *points)


def _better(problem: Problem, one: Outcome, other: Outcome) -> Outcome:
    """The cheaper of two outcomes, its gap taken to the better of their lower bounds."""
    first, second = (evaluate(problem, outcome.x).objective for outcome in (one, other))
    bound = max(first - one.gap, second - other.gap)
    return replace(other, gap=second - bound) if second < first else replace(one, gap=first - bound)


def _whole_lots(problem: Problem, method: str, settings: Settings, warm: Floats | None) -> Outcome:
    """Whole-lot trades by the cheapest exact algorithm."""
    if method != "dp" and not problem.tabular:
        if not problem.limited and is_concave(problem.terms):
            return Outcome(vertex(problem), "vertex", proved=True, lots=True)
        exact = rounded(problem, settings, warm)
        if exact is not None:
            return exact
        if Lattice(problem).cells > settings.max_cells:
            return approximate(problem, settings)
    return dynamic_programme(problem, settings)


def rounded(problem: Problem, settings: Settings, warm: Floats | None) -> Outcome | None:
    """The whole-lot optimum of a convex problem from its continuous one; None where that proves
    nothing.

    The continuous problem is solved under the limits in whole lots, so that rounding the shares
    left respects them. Where some phi turns concave at large trades, those trades are capped away
    first and afterwards shown to be too dear.
    """
    low, high = problem.lot_limits
    _, end = convex_range(problem.terms)
    trimmed = np.minimum(
        high, np.where(np.isfinite(end), np.floor(end / problem.lot * (1.0 + 1e-12)), 0.0)
    ).astype(np.int64)
    cut = bool((trimmed < high).any())
    if (trimmed < low).any() or int(trimmed.sum()) < problem.lots:
        return None
    limits: dict[str, ArrayLike] = {}
    if problem.limited or cut:
        limits = {"floor": np.multiply(low, problem.lot), "cap": np.multiply(trimmed, problem.lot)}
    inner = replace(problem, **limits) if limits else problem  # type: ignore[arg-type]
    if not is_lattice_convex(inner.terms):
        return None
    x = continuous(inner, settings, warm).x
    trades, proved = sweep(inner, x, settings)
    found = np.asarray(trades * problem.lot, dtype=np.float64)
    beyond = np.multiply(
        np.where(trimmed < high, trimmed + 1, high + 1), problem.lot, dtype=np.float64
    )
    if cut and not (
        proved and excludes(problem.terms, x, beyond, evaluate(problem, found).objective)
    ):
        return None
    gap = 0.0 if proved else certified_gap(problem.terms, found)
    return Outcome(found, "rounding", gap, proved=proved, lots=True)


def approximate(problem: Problem, settings: Settings) -> Outcome:
    """Whole lots near the best continuous schedule, improved lot by lot: not proved, for tables
    that would not fit.
    """
    low, high = problem.lot_limits
    limits: dict[str, ArrayLike] = {}
    if problem.limited:
        limits = {"floor": np.multiply(low, problem.lot), "cap": np.multiply(high, problem.lot)}
    inner = replace(problem, **limits)  # type: ignore[arg-type]
    trades, _ = sweep(inner, continuous(inner, settings).x, settings)
    found = np.asarray(trades * problem.lot, dtype=np.float64)
    return Outcome(found, "rounding", certified_gap(problem.terms, found), lots=True)


def vertex(problem: Problem) -> Floats:
    """The best schedule that trades everything in one period: the optimum of a concave problem
    without limits.

    Source: a concave function attains its minimum over a simplex at a vertex.
    """
    spread, scale, exponent = problem.law_rows
    s = problem.shares
    waiting = np.concatenate(
        ([0.0], np.cumsum(problem.adverse_drift * s + problem.risk * s * s)[:-1])
    )
    paid = problem.own_share * np.asarray(problem.permanent) * s * s
    cost = spread * s + scale * s**exponent + paid + waiting
    x = np.zeros(problem.n)
    x[int(np.argmin(cost))] = s
    return x
