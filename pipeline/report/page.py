"""Report: everything a run found, for every symbol, as one HTML text that needs nothing from
outside.
"""

import importlib
import inspect
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.inference.covariance import Covariance
from pipeline.engine.config import AllocateConfig
from pipeline.engine.tables import Calibration, Forecast, Learned, Schedule, Selection
from pipeline.parameters.schema import Calendar, Law, Params
from pipeline.report import tables
from pipeline.report.tables import MISSING, Table, count, money, number, percent

if TYPE_CHECKING:
    from jinja2 import Template
    from matplotlib.figure import Figure

    from pipeline.report.plots import Clock

TEMPLATE = "report.html"
FAMILIES = {
    "spread_power": "half spread + power law",
    "spread_sqrt": "half spread + square-root law",
    "power": "power law",
    "square_root": "square-root law",
    "linear": "linear law",
}
FIGURES = {
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
class SymbolReport:
    """What every stage found for one symbol, and the order that was scheduled."""

    symbol: str
    forecast: Forecast
    calibration: Calibration
    shrinkage: pd.DataFrame
    learned: Learned
    selection: Selection
    schedule: Schedule
    order: AllocateConfig


@dataclass(frozen=True)
class RunFacts:
    """Where the run's numbers come from.

    created, as_of: ISO 8601 with offset. stages: stage, tasks, computed, reused, seconds (of work,
        summed over processes).
    """

    created: str
    code_version: str
    data_hash: str
    mlflow_run_id: str
    source: str
    as_of: str
    stages: pd.DataFrame


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Warned:
    """What a stage said under one code."""

    stage: str
    code: str
    messages: tuple[str, ...]


@dataclass(frozen=True)
class SymbolView:
    """One symbol as the template shows it: text, tables, and SVG by figure name (absent without
    data).
    """

    symbol: str
    order: str
    when: str
    cards: tuple[Card, ...]
    risk_aversion: str
    law: Law
    family: str
    warnings: tuple[Warned, ...]
    svg: dict[str, str]
    held_out: str
    tables: dict[str, Table]
    command: str


@dataclass(frozen=True)
class Estimator:
    """A function that made numbers of the report: its dotted name, call and documentation."""

    name: str
    call: str
    text: str


def estimators(names: set[str]) -> tuple[Estimator, ...]:
    """Return the documentation of functions by dotted name, in order."""
    found = []
    for name in sorted(names):
        module, _, function = name.rpartition(".")
        made = getattr(importlib.import_module(module), function)
        text = textwrap.dedent(inspect.getdoc(made) or "")
        found.append(
            Estimator(name, f"{name}({', '.join(inspect.signature(made).parameters)})", text)
        )
    return tuple(found)


def render(
    params: Params, reports: tuple[SymbolReport, ...], quality: pd.DataFrame, facts: RunFacts
) -> str:
    """Return the report as one self-contained HTML text.

    quality: symbol, date, rule, rows (raw rows that each ingest rule touched).
    """
    views = [_view(params, report) for report in reports]
    totals = {
        "quality": tables.quality_totals(quality),
        "days": tables.quality_days(quality),
        "stages": tables.stage_table(facts.stages),
    }
    used = {
        name
        for view in views
        for table in view.tables.values()
        for name in table.estimators + table.sources
    }
    return _template().render(
        views=views,
        tables=totals,
        estimators=estimators(used),
        facts=facts,
        calendar=params.calendar,
        command=_run_command(reports, facts),
    )


def figures(report: SymbolReport, params: Params) -> dict[str, "Figure"]:
    """Return the symbol's figures by name; one whose table is empty is left out."""
    from pipeline.report import plots

    clock = plots.Clock.of(params.calendar, report.schedule.plan)
    facts = report.calibration.facts.iloc[0]
    drawn = {"schedule": plots.plot_schedule(report.schedule.plan, clock)}
    if len(report.forecast.backtest):
        drawn["forecast"] = plots.plot_forecast(report.forecast.backtest, facts["price"], clock)
    if len(report.forecast.unfolding):
        drawn["unfolding"] = plots.plot_unfolding(report.forecast.unfolding, clock)
    if len(report.calibration.curve):
        drawn["cost"] = plots.plot_cost(report.calibration.curve, facts["price"])
    levels = _levels(report)
    if len(levels) > 1:
        periods = params.symbols[report.symbol].periods
        drawn["alpha"] = plots.plot_alpha(levels, periods, params.calendar.periods, clock)
    if len(report.learned.importance):
        drawn["importance"] = plots.plot_importance(report.learned.importance)
    return drawn


def _levels(report: SymbolReport) -> pd.DataFrame:
    """Return the log levels by bucket before they were smoothed: estimate, low, high (the 95%
    interval).
    """
    table = report.shrinkage[report.shrinkage["parameter"].str.startswith("log_alpha_")]
    dof = (
        report.calibration.parameters.set_index("name")["dof"]
        .reindex(table["parameter"])
        .to_numpy()
    )
    reach = Covariance(
        tuple(table["parameter"]), np.diag(table["estimate_error"] ** 2), dof
    ).reach()
    return table[["estimate"]].assign(low=table["estimate"] - reach, high=table["estimate"] + reach)


def _view(params: Params, report: SymbolReport) -> SymbolView:
    from pipeline.report.plots import Clock, svg_text

    clock = Clock.of(params.calendar, report.schedule.plan)
    facts, order = report.calibration.facts.iloc[0], report.order
    drawn = figures(report, params)
    labels = {name: f"{report.symbol}: {what}" for name, what in FIGURES.items()}
    return SymbolView(
        symbol=report.symbol,
        order=f"{order.side.capitalize()} {count(order.shares)} {report.symbol}",
        when=_when(report.schedule.plan, params.calendar, clock),
        cards=_cards(report, clock),
        risk_aversion=number(order.risk_aversion, 3) if order.risk_aversion else "",
        law=params.symbols[report.symbol].law,
        family=FAMILIES[facts["family"]],
        warnings=_warnings(report),
        svg={name: svg_text(figure, labels[name], labels[name]) for name, figure in drawn.items()},
        held_out=_held_out(report.forecast.backtest),
        tables={
            "costs": tables.cost_table(report.schedule),
            "fit": tables.fit_table(facts),
            "parameters": tables.parameter_table(report.calibration.parameters),
            "levels": tables.level_table(
                report.calibration.parameters, params.calendar.periods, clock
            ),
            "forecasts": tables.score_table(report.forecast.scores),
            "contest": tables.contest_table(report.forecast.contest),
            "families": tables.family_table(report.calibration.families),
            "checks": tables.check_table(facts, report.calibration.parameters, report.shrinkage),
            "shrinkage": tables.shrinkage_table(report.shrinkage, params.calendar.periods, clock),
            "candidates": tables.selection_table(report.selection.scores),
        },
        command=_allocate_command(report),
    )


def _when(plan: pd.DataFrame, calendar: Calendar, clock: "Clock") -> str:
    day = pd.Timestamp(plan["start"].iloc[0]).tz_convert(calendar.timezone).date()
    first, end = clock.label(plan["period"].iloc[0]), clock.label(plan["period"].iloc[-1] + 1)
    return (
        f"{day}, {first}–{end} {calendar.timezone}, {len(plan)} periods of "
        f"{calendar.period_seconds} s"
    )


def _held_out(backtest: pd.DataFrame) -> str:
    dates = backtest["date"].unique()
    return str(dates[0]) if len(dates) == 1 else f"{len(dates)} days (medians by period)"


def _cards(report: SymbolReport, clock: "Clock") -> tuple[Card, ...]:
    costs, plan = report.schedule.costs.set_index("method"), report.schedule.plan
    best = costs.loc["optimal"]
    expected = Card(
        "Expected cost ± standard deviation",
        f"{number(best['cost_bps'], 3)} ± {number(best['deviation_bps'], 3)} bps",
        f"{money(best['cost'])} ± {money(best['deviation'])} in currency",
    )
    savings = tuple(
        Card(
            f"Saved against {name.upper()}",
            f"{number(costs.loc[name, 'cost_bps'] - best['cost_bps'], 3)} bps",
            f"{money(costs.loc[name, 'cost'] - best['cost'])} in currency "
            f"({percent(1 - best['cost'] / costs.loc[name, 'cost'])})",
        )
        for name in ("twap", "vwap")
    )
    share = (plan["optimal"] / plan["volume"]).where(plan["volume"] > 0)
    peak = Card("Peak share of volume", MISSING, "no volume forecast")
    if share.notna().any():
        at, cap = share.idxmax(), percent(report.order.max_participation)
        peak = Card(
            peak.label, percent(share[at]), f"at {clock.label(plan.loc[at, 'period'])}, cap {cap}"
        )
    return (expected, *savings, peak)


def _warnings(report: SymbolReport) -> tuple[Warned, ...]:
    """Return the warnings by stage and code, in the order in which they first came."""
    stages = {
        "calibrate": report.calibration.warnings,
        "forecast": report.forecast.warnings,
        "allocate": report.schedule.warnings,
    }
    return tuple(
        Warned(stage, str(code), tuple(rows["message"]))
        for stage, table in stages.items()
        for code, rows in table.groupby("code", sort=False)
    )


def _run_command(reports: tuple[SymbolReport, ...], facts: RunFacts) -> str:
    data = [] if facts.source == "simulate" else ["--data", "TAPE"]
    names = ",".join(report.symbol for report in reports)
    return shlex.join(
        [
            "impact",
            "run",
            "--source",
            facts.source,
            *data,
            "--symbols",
            names,
            "--as-of",
            facts.as_of,
            *_order_flags(reports[0].order),
        ]
    )


def _allocate_command(report: SymbolReport) -> str:
    return shlex.join(
        [
            "impact",
            "allocate",
            "--params",
            "params.json",
            "--symbol",
            report.symbol,
            *_order_flags(report.order),
        ]
    )


def _order_flags(order: AllocateConfig) -> list[str]:
    """Return the command line's options of an order; what is at its default is left out."""
    given = {"shares": order.shares, "side": order.side} | {
        name: value for name, value in order if value != AllocateConfig.model_fields[name].default
    }
    return [
        part
        for name, value in given.items()
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]


def _local(moment: str, timezone: str) -> str:
    return f"{pd.Timestamp(moment).tz_convert(timezone):%Y-%m-%d %H:%M} {timezone}"


def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    shell = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shell.filters |= {"number": number, "local": _local}
    return shell.get_template(TEMPLATE)
