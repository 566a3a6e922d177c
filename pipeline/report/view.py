"""What a symbol's page shows: what to do, what it costs, how sure that is, and why."""

import shlex
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pandas as pd

from pipeline.engine.config import AllocateConfig
from pipeline.engine.findings import as_warnings
from pipeline.engine.grades import Graded, graded
from pipeline.parameters.schema import Calendar, Law, Params
from pipeline.planning.order_plan import BENCHMARKS
from pipeline.planning.plan_text import CENT
from pipeline.report.figures.clock import Clock, hour_label
from pipeline.report.results import SymbolReport
from pipeline.report.tables.digits import MISSING, count, money, number, percent
from pipeline.report.tables.run import truth_table
from pipeline.report.tables.table import Table
from pipeline.report.words import FAMILIES, decision_word, fitted_on, forecast_sentence, winner_word

HALF_HOUR = 0.5
MOST_ROWS = 14  # of the day's plan
EVEN = 0.05  # of the mean pace, within which it is told as even


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class SymbolView:
    """One symbol as its page shows it.

    page, research: names of its files. pace: the plan in a sentence; times: what it trades by time
    of day. parts: of the cost, each a name and bps. sure: sentences on what the figures rest on.
    """

    symbol: str
    page: str
    research: str
    order: str
    when: str
    cards: tuple[Card, ...]
    risk_aversion: str
    parts: tuple[tuple[str, str], ...]
    pace: str
    times: Table
    law: Law
    family: str
    warnings: tuple[Graded, ...]
    sure: tuple[str, ...]
    truth: Table
    command: str


def page_name(symbol: str, part: str = "") -> str:
    """Return the name of a symbol's page, which any file system takes, and no other's has."""
    return f"report-{quote(symbol, safe='')}{part}.html"


def make_view(params: Params, report: SymbolReport) -> SymbolView:
    """Return what the page shows of a symbol."""
    clock = Clock.of(params.calendar, report.schedule.plan)
    order, family = report.order, report.calibration.facts.iloc[0]["family"]
    return SymbolView(
        symbol=report.symbol,
        page=page_name(report.symbol),
        research=page_name(report.symbol, "-research"),
        order=f"{order.side.capitalize()} {count(order.shares)} {report.symbol}",
        when=_when(report.schedule.plan, params.calendar, clock),
        cards=_cards(report, clock),
        risk_aversion=_charged(report.schedule.risk_aversion),
        parts=_parts(report, family),
        pace=_pace(report.schedule.plan, clock),
        times=_times(report.schedule.plan, clock),
        law=params.symbols[report.symbol].law,
        family=FAMILIES[family],
        warnings=warnings_of(report, params.calendar.timezone),
        sure=(
            f"Fitted on {fitted_on(report)}.",
            decision_word(report.selection.decision.iloc[0]),
            winner_word(report.selection.scores),
            forecast_sentence(report.forecast),
        ),
        truth=truth_table(report.calibration.parameters, report.planted),
        command=_allocate_command(report),
    )


def order_flags(order: AllocateConfig) -> list[str]:
    """Return the command line's options of an order; what is at its default is left out."""
    given = {"shares": order.shares, "side": order.side} | {
        name: value for name, value in order if value != AllocateConfig.model_fields[name].default
    }
    flags = []
    for name, value in given.items():
        flags += [f"--{name.replace('_', '-')}", str(value)]
    return flags


def warnings_of(report: SymbolReport, timezone: str) -> tuple[Graded, ...]:
    """Return all that is to be said of a symbol, graded, each code once."""
    return graded(
        (
            ("files", pd.DataFrame(map(vars, report.caveats), columns=["code", "message"])),
            ("tape", as_warnings(report.findings, timezone)),
            ("law", report.calibration.warnings),
            ("forecast", report.forecast.warnings),
            ("plan", report.schedule.warnings),
        )
    )


def _charged(risk_aversion: float) -> str:
    return number(risk_aversion, 3) if risk_aversion else ""


def _when(plan: pd.DataFrame, calendar: Calendar, clock: Clock) -> str:
    day = pd.Timestamp(plan["start"].iloc[0]).tz_convert(calendar.timezone).date()
    first, end = clock.label(plan["period"].iloc[0]), clock.end_label(plan["period"].iloc[-1])
    periods = f"{len(plan)} periods of {calendar.period_seconds} s"
    return f"{day}, {first}–{end} {calendar.timezone}, {periods}"


def _pace(plan: pd.DataFrame, clock: Clock) -> str:
    """Say how fast to trade, and when fastest and slowest."""
    table, mean = _stretches(plan, clock), plan["optimal"].mean()
    periods = table["periods"].to_numpy()
    rate = table["optimal"] / periods
    told = f"{number(mean, 3)} shares a period on average"
    if rate.max() - rate.min() <= EVEN * mean:
        return f"Trade evenly: {told}."
    most, least = hour_label(float(rate.idxmax())), hour_label(float(rate.idxmin()))
    return (
        f"Trade {told}: most from {most} ({number(rate.max(), 3)} a period), least from {least} "
        f"({number(rate.min(), 3)})."
    )


def _stretches(plan: pd.DataFrame, clock: Clock) -> pd.DataFrame:
    """Return the plan's shares, volume and periods by half hour, or by longer stretches of a longer
    session; the index is when they begin, hours.
    """
    hours = clock.hours(plan["period"].to_numpy())
    length = HALF_HOUR
    while (hours[-1] - hours[0]) / length > MOST_ROWS:
        length *= 2
    start = np.maximum(np.floor(hours / length + 1e-9) * length, hours[0])
    by_time = plan.assign(begin=start, periods=1).groupby("begin")
    return by_time[["optimal", "volume", "periods"]].sum()


def _times(plan: pd.DataFrame, clock: Clock) -> Table:
    """List what the plan trades by time of day."""
    table = _stretches(plan, clock)
    rows = tuple(
        (
            hour_label(float(at)),
            count(row.optimal),
            percent(row.optimal / plan["optimal"].sum()),
            percent(row.optimal / row.volume) if row.volume > 0 else MISSING,
        )
        for at, row in table.iterrows()
    )
    return Table(("From", "Shares", "Of the order", "Of the volume"), rows)


def _parts(report: SymbolReport, family: str) -> tuple[tuple[str, str], ...]:
    """Return what the plan's cost is made of, bps; a linear law holds the spread."""
    best = report.schedule.costs.set_index("method").loc["optimal"]
    unit = best["cost_bps"] / best["cost"] if best["cost"] else np.nan
    parts = {
        "half spread": best["spread"],
        "walk of the book beyond it": best["temporary"],
        "own permanent impact": best["permanent"],
        "drift": best["drift"],
    }
    if not family.startswith("spread"):
        name = "half spread and walk of the book (the law has no spread of its own)"
        parts = {name: parts.pop("half spread") + parts.pop("walk of the book beyond it")} | parts
    return tuple((name, f"{number(unit * value, 3)} bps") for name, value in parts.items() if value)


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


def _allocate_command(report: SymbolReport) -> str:
    words = ["impact", "allocate", "--params", "params.json", "--symbol", report.symbol]
    return shlex.join(words + order_flags(report.order))
