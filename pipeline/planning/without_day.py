"""What a plan and its law would be without one day of the history."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.engine.config import AllocateConfig
from pipeline.parameters.schema import Params
from pipeline.planning.order import stated_problem
from solver import evaluate


@dataclass(frozen=True)
class Planned:
    """An order, the parameters that it was planned by, and the shares of its periods, (N,)."""

    params: Params
    symbol: str
    order: AllocateConfig
    shares: NDArray[np.float64]

    def cost(self, params: Params) -> float:
        """Return what the plan costs under other parameters, currency."""
        return evaluate(stated_problem(params, self.symbol, self.order), self.shares).shortfall


def with_effects(findings: pd.DataFrame, without: pd.DataFrame, planned: Planned) -> pd.DataFrame:
    """Return findings with `effect`: what estimates and plan would be without the finding's day.

    without: of `Calibration`. Empty where the day has no part in the estimates.
    """
    effects = {date: effect_of(date, without, planned) for date in findings["date"].unique()}
    return findings.assign(effect=[effects[date] for date in findings["date"]])


def effect_of(date: str, without: pd.DataFrame, planned: Planned) -> str:
    """Return how far the estimates, and the cost of the plan as it stands, move without a day."""
    rows = without[without["date"] == date]
    if rows.empty or not np.isfinite(rows.drop(columns="date").to_numpy(dtype=float)).all():
        return ""
    move, section = rows.iloc[0], planned.params.symbols[planned.symbol]
    level = float(move[move.index.str.startswith("log_alpha_")].astype(float).mean())
    law = section.law
    gamma = max(law.gamma + move["gamma"], 0.0)
    moves = {"k": law.k + move["k"], "beta": max(law.beta + move["beta"], 0.0), "gamma": gamma}
    periods = tuple(
        one.model_copy(update={"alpha": one.alpha * np.exp(level)}) for one in section.periods
    )
    changed = section.model_copy(update={"law": law.model_copy(update=moves), "periods": periods})
    symbols = planned.params.symbols | {planned.symbol: changed}
    cost = planned.cost(planned.params.model_copy(update={"symbols": symbols}))
    parts = [f"log α {level:+.2f}", f"k {move['k']:+.3f}", f"β {move['beta']:+.2f}"]
    parts += [f"γ {gamma / law.gamma - 1:+.0%}"] if law.gamma else []
    relative = cost / planned.cost(planned.params) - 1
    return f"without the day {', '.join(parts)}, the plan's cost {relative:+.1%}"
