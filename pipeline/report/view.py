"""What the page shows of one symbol: its headline, warnings, tables and figures."""

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.inference.covariance import Covariance
from pipeline.engine.config import AllocateConfig
from pipeline.engine.findings import as_warnings
from pipeline.parameters.schema import Calendar, Law, Params
from pipeline.planning.allocate import BENCHMARKS
from pipeline.planning.plan_text import CENT
from pipeline.report.figures.clock import Clock
from pipeline.report.results import SymbolReport
from pipeline.report.tables import calibration as calibration_tables
from pipeline.report.tables import checks as check_tables
from pipeline.report.tables import forecasts as forecast_tables
from pipeline.report.tables import run as run_tables
from pipeline.report.tables.digits import MISSING, count, money, number, percent
from pipeline.report.tables.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAMILIES = {
    "spread_power": "half spread + power law",
    "spread_sqrt": "half spread + square-root law",
    "power": "power law",
    "square_root": "square-root law",
    "linear": "linear law",
}
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


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class StageWarnings:
    """What a stage said under one code."""

    stage: str
    code: str
    messages: tuple[str, ...]


@dataclass(frozen=True)
class SymbolView:
    """One symbol as the template shows it.

    svg: by figure name, absent without data. tables: by name. risk_aversion: empty when 0. choice:
    by what the law was chosen, and why.
    """

    symbol: str
    order: str
    when: str
    cards: tuple[Card, ...]
    risk_aversion: str
    law: Law
    family: str
    warnings: tuple[StageWarnings, ...]
    svg: dict[str, str]
    held_out: str
    choice: str
    tables: dict[str, Table]
    command: str


def make_view(params: Params, report: SymbolReport) -> SymbolView:
    """Return what the page shows of a symbol."""
    clock = Clock.of(params.calendar, report.schedule.plan)
    order, family = report.order, report.calibration.facts.iloc[0]["family"]
    return SymbolView(
        symbol=report.symbol,
        order=f"{order.side.capitalize()} {count(order.shares)} {report.symbol}",
        when=_when(report.schedule.plan, params.calendar, clock),
        cards=_cards(report, clock),
        risk_aversion=_charged(report.schedule.risk_aversion),
        law=params.symbols[report.symbol].law,
        family=FAMILIES[family],
        warnings=_warnings(report, params.calendar.timezone),
        svg=_drawings(params, report),
        held_out=_held_out(report.forecast.backtest),
        choice="by {criterion}: {reason}".format(**report.selection.decision.iloc[0]),
        tables=_tables(report, params.calendar.periods, clock),
        command=_allocate_command(report),
    )


def figures(report: SymbolReport, params: Params) -> dict[str, "Figure"]:
    """Return the symbol's figures by name; one whose table is empty is left out."""
    from pipeline.report.figures import plots
    from pipeline.report.figures.risk import plot_frontier
    from pipeline.report.figures.value import plot_value

    forecast, calibration = report.forecast, report.calibration
    clock, price = (
        Clock.of(params.calendar, report.schedule.plan),
        calibration.facts["price"].iloc[0],
    )
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


def order_flags(order: AllocateConfig) -> list[str]:
    """Return the command line's options of an order; what is at its default is left out."""
    given = {"shares": order.shares, "side": order.side} | {
        name: value for name, value in order if value != AllocateConfig.model_fields[name].default
    }
    flags = []
    for name, value in given.items():
        flags += [f"--{name.replace('_', '-')}", str(value)]
    return flags


def _levels(report: SymbolReport) -> pd.DataFrame:
    """Return the log levels by bucket before smoothing: estimate, low, high (95% interval)."""
    names = report.shrinkage["parameter"]
    table = report.shrinkage[names.str.startswith(calibration_tables.LEVEL)]
    dof = report.calibration.parameters.set_index("name")["dof"].reindex(table["parameter"])
    variances = np.diag(table["estimate_error"] ** 2)
    reach = Covariance(tuple(table["parameter"]), variances, dof.to_numpy()).reach()
    return table[["estimate"]].assign(low=table["estimate"] - reach, high=table["estimate"] + reach)


def _drawings(params: Params, report: SymbolReport) -> dict[str, str]:
    """Return the figures as SVG by name, each with its label for screen readers."""
    from pipeline.report.figures.style import svg_text

    labels = {name: f"{report.symbol}: {what}" for name, what in FIGURES.items()}
    return {
        name: svg_text(figure, labels[name], labels[name])
        for name, figure in figures(report, params).items()
    }


def _tables(report: SymbolReport, periods: int, clock: Clock) -> dict[str, Table]:
    facts, parameters = report.calibration.facts.iloc[0], report.calibration.parameters
    shrinkage = report.shrinkage
    return {
        "costs": run_tables.cost_table(report.schedule.costs),
        "fit": calibration_tables.fit_table(facts),
        "parameters": calibration_tables.parameter_table(parameters),
        "levels": calibration_tables.level_table(parameters, periods, clock),
        "forecasts": forecast_tables.score_table(report.forecast.scores),
        "contest": forecast_tables.contest_table(report.forecast.contest),
        "families": calibration_tables.family_table(report.calibration.families),
        "checks": check_tables.check_table(facts, parameters),
        "sizes": calibration_tables.size_table(report.calibration.sizes),
        "shrinkage": calibration_tables.shrinkage_table(shrinkage, periods, clock),
        "candidates": run_tables.selection_table(report.selection.scores),
        "charged": run_tables.charged_table(report.selection.charged),
    }


def _charged(risk_aversion: float) -> str:
    return number(risk_aversion, 3) if risk_aversion else ""


def _when(plan: pd.DataFrame, calendar: Calendar, clock: Clock) -> str:
    day = pd.Timestamp(plan["start"].iloc[0]).tz_convert(calendar.timezone).date()
    first, end = clock.label(plan["period"].iloc[0]), clock.end_label(plan["period"].iloc[-1])
    periods = f"{len(plan)} periods of {calendar.period_seconds} s"
    return f"{day}, {first}–{end} {calendar.timezone}, {periods}"


def _held_out(backtest: pd.DataFrame) -> str:
    dates = backtest["date"].unique()
    return str(dates[0]) if len(dates) == 1 else f"{len(dates)} days (medians by period)"


def _cards(report: SymbolReport, clock: Clock) -> tuple[Card, ...]:
    costs = report.schedule.costs.set_index("method")
    best = costs.loc["optimal"]
    error = best["cost_error"]
    known = "no error known" if np.isnan(error) else f"s.e. {money(error)} from the parameters"
    expected = Card(
        "Expected cost",
        f"{number(best['cost_bps'], 3)} bps",
        f"{money(best['cost'])} in currency, {known}; the price alone moves it by "
        f"{number(best['deviation_bps'], 3)} bps (standard deviation), TWAP by "
        f"{number(costs.loc['twap', 'deviation_bps'], 3)}",
    )
    savings = (_saving(best, costs.loc[name]) for name in BENCHMARKS)
    return (expected, *savings, _peak(report, clock))


def _saving(best: pd.Series, benchmark: pd.Series) -> Card:
    """Return what is saved against a benchmark, or that it cannot be told from zero."""
    saved, error = benchmark["cost"] - best["cost"], benchmark["saving_error"]
    label = f"Against {str(benchmark.name).upper()}"
    bps = f"{number(benchmark['cost_bps'] - best['cost_bps'], 3)} bps"
    detail = f"{money(saved)} in currency ({percent(1 - best['cost'] / benchmark['cost'])})"
    if abs(saved) < CENT:
        return Card(label, "the same", "the plan costs as much")
    if np.isnan(error):
        return Card(label, bps, f"less by {detail}, no error known")
    if abs(saved) <= benchmark["saving_reach"]:
        return Card(label, "not told from zero", f"{detail}, s.e. {money(error)}")
    if saved < 0:
        return Card(label, "no saving", f"{detail}, s.e. {money(error)}")
    in_bps = number(error * best["cost_bps"] / best["cost"], 2)
    return Card(label, f"saves {bps}, s.e. {in_bps}", f"{detail}, s.e. {money(error)}")


def _peak(report: SymbolReport, clock: Clock) -> Card:
    """Return the largest share of a period's forecast volume, and when it is traded."""
    plan, label = report.schedule.plan, "Peak share of volume"
    share = (plan["optimal"] / plan["volume"]).where(plan["volume"] > 0)
    if share.isna().all():
        return Card(label, MISSING, "no volume forecast")
    place = share.idxmax()
    when, cap = clock.label(plan.loc[place, "period"]), percent(report.order.max_participation)
    return Card(label, percent(share[place]), f"at {when}, cap {cap}")


def _warnings(report: SymbolReport, timezone: str) -> tuple[StageWarnings, ...]:
    """Return the warnings by stage and code, in the order in which they first came."""
    stages = {
        "ingest": pd.DataFrame(map(vars, report.caveats), columns=["code", "message"]),
        "tape": as_warnings(report.findings, timezone),
        "calibrate": report.calibration.warnings,
        "forecast": report.forecast.warnings,
        "allocate": report.schedule.warnings,
    }
    told = pd.concat([table.assign(stage=stage) for stage, table in stages.items()])
    told = told.drop_duplicates(["code", "message"])  # a plan repeats what was accepted
    return tuple(
        StageWarnings(str(stage), str(code), tuple(rows["message"]))
        for (stage, code), rows in told.groupby(["stage", "code"], sort=False)
    )


def _allocate_command(report: SymbolReport) -> str:
    words = ["impact", "allocate", "--params", "params.json", "--symbol", report.symbol]
    return shlex.join(words + order_flags(report.order))
