"""A planned order as the tables that cross stages."""

import pandas as pd

from pipeline.engine.config import AllocateConfig
from pipeline.engine.tables import Schedule
from pipeline.parameters.schema import Params
from pipeline.planning.allocate import order_plan
from pipeline.planning.order import stated_curve, stated_tilt
from pipeline.planning.order_plan import OrderPlan
from pipeline.planning.plan import UNASKED
from pipeline.planning.price_of_risk import COLUMNS, Rows, risk_frontier
from pipeline.planning.value_table import coarse_value_table


def plan_order(params: Params, symbol: str, order: AllocateConfig) -> Schedule:
    """Plan the order by every route and by the benchmarks, under the same parameters and caps.

    Raises: InputError when the order cannot be planned as asked.
    """
    plan = order_plan(params, symbol, order, UNASKED)
    tilt = stated_tilt(params, symbol, order)
    curve = stated_curve(params, symbol, order, tilt)
    value = coarse_value_table(tilt.problem, curve, list(plan.periods["period"]))
    return tabled(plan, value, risk_frontier(tilt.problem))


def tabled(plan: OrderPlan, value: pd.DataFrame, frontier: Rows) -> Schedule:
    """Return a plan as tables; value: V(s, t), and frontier, as `Schedule` has them."""
    return Schedule(
        plan=pd.DataFrame(dict(plan.periods)),
        costs=pd.DataFrame(plan.costs),
        value=value,
        frontier=pd.DataFrame(frontier, columns=list(COLUMNS)),
        risk_aversion=plan.risk_aversion,
        scored_days=plan.scored_days,
        warnings=pd.DataFrame(plan.warnings, columns=["code", "message"]),
    )


def light(schedule: Schedule) -> OrderPlan:
    """Return the plan that tables hold."""
    return OrderPlan(
        periods={name: schedule.plan[name].to_numpy() for name in schedule.plan},
        costs=tuple(schedule.costs.to_dict("records")),
        risk_aversion=schedule.risk_aversion,
        scored_days=schedule.scored_days,
        warnings=tuple(map(tuple, schedule.warnings.to_numpy().tolist())),
    )
