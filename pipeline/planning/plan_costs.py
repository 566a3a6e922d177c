"""What each plan costs, with its errors: the rows of the table that plans are compared by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.engine.errors import InputError
from solver import (
    Breakdown,
    Extrapolation,
    KnottedLaw,
    Problem,
    ProblemError,
    Solution,
    Status,
    Tilt,
    evaluate,
    evaluate_curve,
    sensitivities,
    uncertainty_of,
)

DECIDED = 1.96  # standard errors of the parameters, from which on a difference is told from zero


def costed(stated: Problem, curve: KnottedLaw | None, x: np.ndarray) -> Breakdown:
    """Return what a schedule costs: under the learned curve where there is one, else the law."""
    return evaluate(stated, x) if curve is None else evaluate_curve(stated, curve, x)


def of_law(found: Solution, curve: KnottedLaw | None) -> Solution:
    """Return the law's plan: nothing is proved of it where costs are those of a curve."""
    if curve is None:
        return found
    return replace(found, status=Status.FEASIBLE, gap=np.nan, lower_bound=np.nan)


@dataclass(frozen=True, eq=False)
class PlanCosts:
    """What plans cost under a tilt's problem, or a learned curve in its place.

    content: of the parameter file; children: the orders that a period's shares are worked in.
    """

    tilt: Tilt
    curve: KnottedLaw | None
    content: dict[str, Any]
    symbol: str
    children: int

    def rows(
        self, shares: Mapping[str, np.ndarray], plans: Mapping[str, Solution]
    ) -> tuple[dict[str, Any], ...]:
        """Return a row a schedule of shares; plans: the solutions behind some of them."""
        errors = self._errors(shares)
        reach = Extrapolation.from_section(self.content["symbols"][self.symbol])
        return tuple(
            self._cost(name, x, plans.get(name))
            | errors[name]
            | {
                "extrapolation_error": self._extrapolation_error(x, reach),
                "walked_twice": self._walked_twice(x),
            }
            for name, x in shares.items()
        )

    def _errors(self, shares: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
        """Return by plan the errors of its cost and of what the plan saves against it, currency.

        cost_error: from the parameters' covariance, by the delta method, NaN where it holds
        nothing. saving_error, saving_reach: the standard error and half of the 95 % interval, from
        it and from what the scored days' states would have made of the difference, where there were
        two.
        """
        try:
            known = uncertainty_of(self.content, self.symbol)
        except ProblemError as error:
            raise InputError(f"the parameter file: {error}") from error
        matrix = np.asarray(known.covariance)
        slopes = {}
        for name, x in shares.items():
            found = sensitivities(self.tilt.problem, x)
            slopes[name] = np.array([found[each] for each in known.names])

        def error(slope: np.ndarray) -> float:
            return float(np.sqrt(max(0.0, slope @ matrix @ slope))) if matrix.any() else np.nan

        found = {}
        for name, slope in slopes.items():
            own = error(slope - slopes["optimal"])
            past = np.nan_to_num(self.tilt.record.error(shares["optimal"] - shares[name]))
            found[name] = {
                "cost_error": error(slope),
                "saving_error": float(np.hypot(own, past[0])),
                "saving_reach": float(np.hypot(DECIDED * own, past[1])),
            }
        return found

    def _walked_twice(self, x: np.ndarray) -> float:
        """Return the most that own impact charges over again, currency: a walk of the book holds
        the displacement that it makes, gamma x^2 / 2m in m children.
        """
        stated = self.tilt.problem
        paid = stated.own_share * np.asarray(stated.permanent) * x**2 / self.children
        return float(paid.sum())

    def _extrapolation_error(self, x: np.ndarray, reach: Extrapolation | None) -> float:
        """Return how far off the temporary cost of trades beyond shown sizes may be, a standard
        error.

        Currency; NaN where that was not measured. The law errs alike in all periods.
        """
        _, scale, exponent = self.tilt.problem.law_rows
        if reach is None:
            return np.nan
        return float((scale * x**exponent * reach.error(x / self.children)).sum())

    def _cost(self, name: str, x: np.ndarray, solution: Solution | None) -> dict[str, Any]:
        stated = self.tilt.problem
        parts = costed(stated, self.curve, x)
        notional = stated.price * stated.shares
        deviation = float(np.sqrt(parts.variance))
        return {
            "method": name,
            "cost": parts.shortfall,
            "cost_bps": 1e4 * parts.shortfall / notional,
            "deviation": deviation,
            "deviation_bps": 1e4 * deviation / notional,
            "spread": parts.spread,
            "temporary": parts.temporary,
            "permanent": parts.permanent,
            "drift": parts.drift,
            "risk": parts.risk,
            "traded": notional + stated.sign * (parts.permanent + parts.drift),
            "whole": notional + stated.sign * parts.shortfall,
            "lower_bound": solution.lower_bound if solution else np.nan,
            "gap": solution.gap if solution else np.nan,
            "status": _status(solution),
        }


def _status(solution: Solution | None) -> str:
    if solution is None:
        return "BENCHMARK"
    return "SPREAD" if solution.method == "even" else solution.status.name
