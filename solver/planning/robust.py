"""The plan that is best against the worst of the parameters that the data do not refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from solver.planning.uncertainty import Uncertainty, sensitivities
from solver.problem.laws import Floats, PowerLaw, ProblemError, TableLaw, as_count
from solver.problem.problem import Problem
from solver.problem.schedule import evaluate
from solver.problem.solution import Settings
from solver.solve import solve

LINEAR = ("scale", "spread", "permanent", "drift")  # those the cost is linear in
SAME = ("n", "shares", "side", "own_impact")  # what makes scenarios those of one order
LEAST_GAIN = 0.999  # of the gap to the dual: a round that leaves more of it has gained nothing
STALLS = 3  # such rounds in a row, after which no more are played: a nonconvex reply bounds loosely
LINE_STEPS = 18  # plans at most that are asked for along a Frank-Wolfe direction
LINE_TOLERANCE = (
    1e-10  # of the dual's value: nearer to its maximum along a direction none is sought
)


@dataclass(frozen=True, eq=False)
class RobustPlan:
    """The schedule of least worst-case objective.

    Shapes: x (N,) in shares. Units: worst, nominal, lower_bound in currency; worst and lower_bound
    close in on the minimax value; price_bps is what the plan costs above the best one if the
    parameters are right, in bps of the arrival value (of the best cost's own size where no price is
    given).
    """

    x: Floats
    worst: float
    nominal: float
    lower_bound: float
    price_bps: float


def robust(
    problem: Problem,
    against: Uncertainty | Sequence[Problem],
    radius: float = 2.0,
    settings: Settings | None = None,
    rounds: int = 40,
) -> RobustPlan:
    """Minimise the worst objective over an ellipsoid of parameter errors or the convex hull of
    scenarios.

    The dual (which mixture of parameters makes the best plan dearest) is concave; Frank-Wolfe steps
    with a line search raise it, and its value bounds the minimax from below. radius: of the
    ellipsoid, in standard errors. An exponent's error is taken at the nominal plan's typical trade,
    where it acts like one of the scale. Scenarios are problems of the same order.

    Raises: ProblemError: a table law, scenarios of another order or with other exponents, or a
        radius that is negative.

    Source: Ben-Tal, Nemirovski (1998), "Robust convex optimization"; Sion's minimax theorem.
    """
    settings = settings or Settings()
    as_count("rounds", rounds)
    if isinstance(problem.permanent, TableLaw):
        raise ProblemError(
            "permanent must be linear for a robust plan, found a TableLaw: pass its slope"
        )
    base = solve(problem, settings=settings)
    if isinstance(against, Uncertainty):
        game: _Game = _Ellipsoid(problem, base.x, against, radius)
    else:
        game = _Hull(problem, list(against))
    return _play(problem, base.objective, game, settings, rounds)


class _Game:
    """A set of parameter mixtures: where it starts, what it makes of the problem, and the worst of
    it for a schedule.
    """

    start: Floats

    def problem(self, mix: Floats) -> Problem:
        """The problem under a mixture."""
        raise NotImplementedError

    def worst(self, x: Floats) -> tuple[float, Floats]:
        """The largest objective of x over the set, and the mixture that gives it."""
        raise NotImplementedError


class _Ellipsoid(_Game):
    """Errors u of the linear parameters with u' C^-1 u <= radius**2."""

    def __init__(
        self, problem: Problem, x: Floats, uncertainty: Uncertainty, radius: float
    ) -> None:
        if not 0.0 <= radius < np.inf:
            raise ProblemError(
                f"radius must be >= 0 and finite, found {radius:g}: it is in standard errors"
            )
        self.base = problem
        slopes = sensitivities(problem, x)
        at = slopes["exponent"] / slopes["scale"] if slopes["scale"] > 0.0 else 0.0
        link = np.zeros((len(LINEAR), len(uncertainty.names)))
        for column, name in enumerate(uncertainty.names):
            row = LINEAR.index("scale" if name == "exponent" else name)
            link[row, column] = at if name == "exponent" else 1.0
        self.covariance = radius**2 * link @ np.asarray(uncertainty.covariance) @ link.T
        self.start = np.zeros(len(LINEAR))

    def problem(self, mix: Floats) -> Problem:
        """The problem with relative errors (scale, spread, permanent) and a shift of drift."""
        law = self.base.law
        assert isinstance(law, PowerLaw)
        return replace(
            self.base,
            law=PowerLaw(
                np.maximum(np.asarray(law.scale) * (1.0 + mix[0]), 0.0),
                law.exponent,
                law.spread * (1.0 + mix[1]),
            ),
            permanent=np.asarray(self.base.permanent) * (1.0 + mix[2]),
            drift=np.asarray(self.base.drift) + mix[3],
        )

    def worst(self, x: Floats) -> tuple[float, Floats]:
        """The objective at the ellipsoid's farthest point along the sensitivities."""
        slopes = sensitivities(self.base, x)
        gradient = np.array([slopes[name] for name in LINEAR])
        size = float(np.sqrt(max(0.0, gradient @ self.covariance @ gradient)))
        point = self.covariance @ gradient / size if size > 0.0 else self.start
        return evaluate(self.base, x).objective + size, point


class _Hull(_Game):
    """Mixtures of scenario problems with the same exponents."""

    def __init__(self, problem: Problem, scenarios: list[Problem]) -> None:
        if not scenarios:
            raise ProblemError(
                "against must hold at least one scenario, found none: pass problems or an "
                "Uncertainty"
            )
        exponent = problem.law_rows[2]
        for s in scenarios:
            if any(getattr(s, name) != getattr(problem, name) for name in SAME):
                raise ProblemError(
                    "against must hold problems of the same order, found another: align "
                    f"{', '.join(SAME)}"
                )
            if (s.law_rows[2] != exponent).any():
                raise ProblemError(
                    "against must share the exponents, found others: refit the scale at one "
                    "exponent"
                )
        self.base, self.scenarios = problem, scenarios
        self.start = np.full(len(scenarios), 1.0 / len(scenarios))

    def problem(self, mix: Floats) -> Problem:
        """The mixture's problem: every parameter the objective is linear in is averaged."""

        def mean(pick: Callable[[Problem], ArrayLike]) -> Floats:
            return np.asarray(
                sum(w * np.asarray(pick(s)) for w, s in zip(mix, self.scenarios, strict=True))
            )

        law = PowerLaw(
            mean(lambda s: s.law_rows[1]), self.base.law_rows[2], mean(lambda s: s.law_rows[0])
        )
        return replace(
            self.base,
            law=law,
            permanent=mean(lambda s: np.asarray(s.permanent)),
            drift=mean(lambda s: np.asarray(s.drift)),
            sigma=np.sqrt(mean(lambda s: s.risk)),
            risk_aversion=1.0,
        )

    def worst(self, x: Floats) -> tuple[float, Floats]:
        """The dearest scenario."""
        costs = np.array([evaluate(s, x).objective for s in self.scenarios])
        point = np.zeros(costs.size)
        point[int(np.argmax(costs))] = 1.0
        return float(costs.max()), point


def _play(
    problem: Problem, nominal: float, game: _Game, settings: Settings, rounds: int
) -> RobustPlan:
    """Raise the dual until the best schedule's worst case meets it, or the rounds run out."""

    at, stalled, apart = _reply(game, game.start, settings), 0, np.inf
    best_x, best, bound = at.x, np.inf, at.bound
    for _ in range(rounds):
        worst, target = game.worst(at.x)
        if worst < best:
            best, best_x = worst, at.x
        stalled = stalled + 1 if best - bound > LEAST_GAIN * apart else 0
        apart = best - bound
        if apart <= 1e-7 * abs(best) or stalled == STALLS:
            break
        at = _along(game, at, target - at.mix, settings)
        bound = max(bound, at.bound)
    own = evaluate(problem, best_x).objective
    value = problem.price * problem.shares or abs(nominal)
    return RobustPlan(best_x, best, own, bound, 1e4 * (own - nominal) / value)


@dataclass(frozen=True, eq=False)
class _Reply:
    """The best schedule under a mixture, and the bound that it gives for the dual there."""

    mix: Floats
    bound: float
    x: Floats


def _reply(game: _Game, mix: Floats, settings: Settings) -> _Reply:
    solution = solve(game.problem(mix), settings=settings)
    return _Reply(mix, solution.lower_bound, solution.x)


def _along(game: _Game, begun: _Reply, way: Floats, settings: Settings) -> _Reply:
    """The reply of the largest bound along a direction, from where the last one was found.

    No schedule's cost, which is linear along the direction, is below the dual: the least of those
    known bounds it from above, and the next schedule is asked for where that is largest, until it
    is no cheaper there than those known.

    Source: Kelley (1960), "The cutting-plane method for solving convex programs".
    """

    def line(reply: _Reply) -> tuple[float, float]:
        ends = (game.problem(begun.mix + t * way) for t in (0.0, 1.0))
        low, high = (evaluate(problem, reply.x).objective for problem in ends)
        return low, high - low

    best, lines = begun, [line(begun)]
    for _ in range(LINE_STEPS):
        share, most = _highest(lines)
        noise = LINE_TOLERANCE * abs(most)
        if most <= best.bound + noise:
            break
        reply = _reply(game, begun.mix + share * way, settings)
        best = reply if reply.bound > best.bound else best
        cost, slope = line(reply)
        lines.append((cost, slope))
        if cost + share * slope >= most - noise:
            break
    return best


def _highest(lines: list[tuple[float, float]]) -> tuple[float, float]:
    """Where in 0..1 the least of the lines (value at 0, slope) is largest, and that value."""
    meets = [(a - c) / (d - b) for (a, b), (c, d) in combinations(lines, 2) if b != d]
    shares = np.array([0.0, 1.0, *(each for each in meets if 0.0 < each < 1.0)])
    least = np.min([value + slope * shares for value, slope in lines], axis=0)
    at = int(np.argmax(least))
    return float(shares[at]), float(least[at])
