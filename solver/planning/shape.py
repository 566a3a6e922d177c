"""How far the shape of a day's forecast is to be believed: by states that tell periods apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import Floats
from solver.problem.problem import Problem

STATES = ("volatility", "liquidity", "spread", "alpha")  # as periods name them
LEAST_DAYS = 3  # scored days, below which no shape is believed


@dataclass(frozen=True, eq=False)
class Shape:
    """What is known of a forecast's shape, by state in the order of `STATES`.

    Shapes: weight, flat (4,); joint (D, 4, 4). weight: how far each state's log goes from flat to
    its forecast, 0 to 1; flat: the level that any period is expected to have, its unit that of the
    periods; joint: of each scored day the covariance over its periods of log forecast (rows) and
    log outcome.
    """

    weight: Floats
    flat: Floats
    joint: Floats

    @classmethod
    def from_section(cls, section: Mapping[str, Any]) -> Shape:
        """What one symbol's section of `params.json` says: nothing is believed where it is silent.

        A flat level that the file does not give is the mean of its periods'.
        """
        told = section.get("shape") or {"days": 0, "joint": []}
        known = [told.get(state) or {} for state in STATES] if told["days"] >= LEAST_DAYS else []
        weight = [one.get("weight", 0.0) for one in known] or [0.0] * len(STATES)
        means = {
            state: float(np.mean([period[state] for period in section["periods"]]))
            for state in STATES
        }
        flat = [(told.get(state) or {}).get("flat", mean) for state, mean in means.items()]
        joint = np.array(told["joint"], dtype=np.float64).reshape(-1, len(STATES), len(STATES))
        return cls(np.array(weight), np.array(flat), joint)

    def law(self, point: ImpactLaw, share: float) -> ImpactLaw:
        """The law at the states expected, of every period of the file.

        point: the law at the forecast itself; share: of the weights, 0 to 1.
        """
        volatility, liquidity, spread, alpha = (
            expected_level(np.asarray(getattr(point, state)), share * weight, flat)
            for state, weight, flat in zip(STATES, self.weight, self.flat, strict=True)
        )
        return replace(
            point, volatility=volatility, liquidity=liquidity, spread=spread, alpha=alpha
        )

    def sigma(self, point: Floats, share: float) -> Floats:
        """The price's standard deviation by period, as far as that of volatility is believed."""
        square = float(np.mean(point**2))
        weight = 2.0 * share * float(self.weight[STATES.index("volatility")])
        return np.sqrt(expected_level(point, weight, square))


def expected_level(forecast: Floats, weight: float, flat: float) -> Floats:
    """The levels whose logs go `weight` of the way from flat to the forecast; their mean is flat.

    It is kept, so that what the weight leaves of the forecast's log variance adds half of
    itself to the logs: of a lognormal state it is the expectation.
    """
    tilted = forecast**weight
    return np.asarray(flat * tilted / tilted.mean()) if tilted.any() else np.full_like(tilted, flat)


def log_deviations(law: ImpactLaw) -> Floats:
    """The log of every state less its mean over the periods, (N, 4); 0 where a state has a zero."""
    columns = []
    for state in STATES:
        values = np.broadcast_to(np.asarray(getattr(law, state)), np.shape(law.scale))
        logs = np.log(np.where(values > 0.0, values, 1.0))
        columns.append(np.where((values > 0.0).all(), logs - logs.mean(), 0.0))
    return np.column_stack(columns)


def marginal_elasticities(problem: Problem, law: ImpactLaw, x: Floats) -> Floats:
    """How the marginal cost of a period moves with the log of each state, (4,), currency / share.

    law: behind the problem's; x: (N,) shares. The mean over the periods.
    """
    spread, scale, exponent = problem.law_rows
    power = exponent * scale * x ** (exponent - 1.0)
    moved = law.beta * np.asarray(law.volatility)
    slopes = (power * moved / (1.0 + moved), power, spread, power)
    return np.array([float(np.mean(slope)) for slope in slopes])
