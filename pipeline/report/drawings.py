"""A symbol's figures, each drawn once: the same SVG stands in the pages and in MLflow."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.inference.covariance import Covariance
from pipeline.parameters.schema import Params
from pipeline.report.figures.clock import Clock
from pipeline.report.results import SymbolReport
from pipeline.report.tables.calibration import LEVEL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = {
    "frontier": "expected cost against the price's risk, with TWAP, the plan and the "
    "most urgent plan for little more cost",
    "value": "marginal value of shares left by time, and the plan's way through it",
    "schedule": "shares per period and shares left of the optimal plan, TWAP and VWAP",
    "forecast": "forecast, baseline and realized values through the day",
    "unfolding": "error of the forecast of the rest of the day by the time it is made",
    "cost": "cost of a market order by size and side, and how often displayed depth does not hold "
    "it",
    "alpha": "level of temporary impact through the day: bucket estimates and the smooth curve in "
    "use",
    "importance": "feature importance of the learned models",
}


def figures(report: SymbolReport, params: Params) -> dict[str, "Figure"]:
    """Return the symbol's figures by name; one whose table is empty is left out."""
    from pipeline.report.figures import plots
    from pipeline.report.figures.risk import plot_frontier
    from pipeline.report.figures.value import plot_value

    forecast, calibration = report.forecast, report.calibration
    clock = Clock.of(params.calendar, report.schedule.plan)
    price = calibration.facts["price"].iloc[0]
    drawn = {"schedule": plots.plot_schedule(report.schedule.plan, clock)}
    if report.schedule.value["left"].nunique() > 2:
        drawn["value"] = plot_value(report.schedule.value, report.schedule.plan, price, clock)
    if len(report.schedule.frontier):
        notional = price * report.order.shares
        drawn["frontier"] = plot_frontier(report.schedule.frontier, report.schedule.costs, notional)
    if len(forecast.backtest):
        drawn["forecast"] = plots.plot_forecast(forecast.backtest, price, clock)
    if len(forecast.unfolding):
        drawn["unfolding"] = plots.plot_unfolding(forecast.unfolding, clock)
    if len(calibration.curve):
        drawn["cost"] = plots.plot_cost(calibration.curve, price)
    levels = _levels(report)
    if len(levels) > 1:
        periods = params.symbols[report.symbol].periods
        drawn["alpha"] = plots.plot_alpha(levels, periods, params.calendar.periods, clock)
    if len(report.learned.importance):
        drawn["importance"] = plots.plot_importance(report.learned.importance)
    return drawn


def drawings(report: SymbolReport, params: Params) -> dict[str, str]:
    """Return the figures as SVG by name, each with its label for screen readers."""
    from pipeline.report.figures.style import svg_text

    labels = {name: f"{report.symbol}: {what}" for name, what in FIGURES.items()}
    return {
        name: svg_text(figure, labels[name], labels[name])
        for name, figure in figures(report, params).items()
    }


def _levels(report: SymbolReport) -> pd.DataFrame:
    """Return the log levels by bucket before smoothing: estimate, low, high (95% interval)."""
    names = report.shrinkage["parameter"]
    table = report.shrinkage[names.str.startswith(LEVEL)]
    dof = report.calibration.parameters.set_index("name")["dof"].reindex(table["parameter"])
    variances = np.diag(table["estimate_error"] ** 2)
    reach = Covariance(tuple(table["parameter"]), variances, dof.to_numpy()).reach()
    return table[["estimate"]].assign(low=table["estimate"] - reach, high=table["estimate"] + reach)
