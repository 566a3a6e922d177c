"""The page: everything a run found, as one HTML text that needs nothing from outside."""

import importlib
import inspect
import shlex
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.engine.findings import REFUSING
from pipeline.parameters.schema import Params
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.report.tables.digits import number
from pipeline.report.tables.findings import finding_rows
from pipeline.report.tables.run import quality_days, quality_totals, stage_table
from pipeline.report.view import SymbolView, make_view, order_flags

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html"


@dataclass(frozen=True)
class Estimator:
    """A function that made numbers of the report: its dotted name, call and documentation."""

    name: str
    call: str
    text: str


def render(
    params: Params, reports: tuple[SymbolReport, ...], quality: pd.DataFrame, facts: RunFacts
) -> str:
    """Return the report as one self-contained HTML text.

    quality: symbol, date, rule, rows (raw rows that each ingest rule touched).
    """
    views = [make_view(params, report) for report in reports]
    totals = {
        "quality": quality_totals(quality),
        "days": quality_days(quality),
        "stages": stage_table(facts.stages),
        "findings": finding_rows(reports, params.calendar.timezone),
    }
    return page_template(Path(__file__).parent / TEMPLATE).render(
        views=views,
        tables=totals,
        estimators=[documentation(name) for name in sorted(_estimators(views))],
        facts=facts,
        calendar=params.calendar,
        command=_run_command(reports, facts),
    )


def documentation(name: str) -> Estimator:
    """Return the documentation of a function by its dotted name."""
    module, _, function = name.rpartition(".")
    made = getattr(importlib.import_module(module), function)
    call = f"{name}({', '.join(inspect.signature(made).parameters)})"
    return Estimator(name, call, textwrap.dedent(inspect.getdoc(made) or ""))


def _estimators(views: Iterable[SymbolView]) -> set[str]:
    """Return the dotted names of all functions that made numbers of the symbols' tables."""
    tables = [table for view in views for table in view.tables.values()]
    return {name for table in tables for name in table.estimators + table.sources}


def _run_command(reports: tuple[SymbolReport, ...], facts: RunFacts) -> str:
    words = ["impact", "run", "--source", facts.source]
    if facts.source != "simulate":
        words += ["--data", "TAPE"]
    words += ["--symbols", ",".join(report.symbol for report in reports), "--as-of", facts.as_of]
    codes = {code for report in reports for code in report.findings["code"]}
    for code in sorted(codes & REFUSING.keys()):
        words += ["--accept", code]
    return shlex.join(words + order_flags(reports[0].order))


def _local(moment: str, timezone: str) -> str:
    return f"{pd.Timestamp(moment).tz_convert(timezone):%Y-%m-%d %H:%M} {timezone}"


def page_template(path: Path) -> "Template":
    """Return a page's template; the report's style and macros are there by name."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    shell = Environment(
        loader=FileSystemLoader([path.parent, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shell.filters |= {"number": number, "local": _local}
    return shell.get_template(path.name)
