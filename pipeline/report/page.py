"""The report's index and the page on the run: texts that need nothing from outside."""

import importlib
import inspect
import shlex
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd

from pipeline.engine.codes import REFUSING
from pipeline.engine.grades import BLOCKS, WEAKENS, Graded, counts_text
from pipeline.parameters.schema import Params
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.report.tables.digits import number
from pipeline.report.tables.findings import finding_rows
from pipeline.report.tables.run import gate_table, quality_days, quality_totals, stage_table
from pipeline.report.view import SymbolView, order_flags
from pipeline.report.words import forecast_word, law_word, saving, saving_word

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
INDEX_PAGE, RUN_PAGE = "report.html", "report-run.html"


@dataclass(frozen=True)
class Estimator:
    """A function that made numbers of the report: its dotted name, call and documentation."""

    name: str
    call: str
    text: str


@dataclass(frozen=True)
class Line:
    """A symbol's line of the index: text by column, and what each is sorted by."""

    page: str
    cells: tuple[str, ...]
    keys: tuple[str, ...]


HEAD = ("Order", "Cost, bps", "Saves on TWAP", "Forecast", "Law", "Warnings")


def render_index(
    reports: Iterable[SymbolReport], views: Iterable[SymbolView], params: Params, facts: RunFacts
) -> str:
    """Return the index: a line a symbol."""
    lines = [_line(report, view, params) for report, view in zip(reports, views, strict=True)]
    return page_template(template("index.html")).render(
        head=HEAD, lines=lines, facts=facts, calendar=params.calendar, run_page=RUN_PAGE
    )


def _line(report: SymbolReport, view: SymbolView, params: Params) -> Line:
    best = report.schedule.costs.set_index("method").loc["optimal"]
    unit = best["cost_bps"] / best["cost"] if best["cost"] else float("nan")
    error = number(unit * best["cost_error"], 2)
    cells = (
        view.order,
        f"{number(best['cost_bps'], 3)} ± {error}",
        saving_word(report.schedule, "twap"),
        forecast_word(report.forecast),
        law_word(params.symbols[report.symbol].law),
        counts_text(view.warnings),
    )
    keys = (
        report.symbol,
        f"{best['cost_bps']:.6g}",
        f"{saving(report.schedule, 'twap')[0]:.6g}",
        cells[3],
        cells[4],
        str(_gravity(view.warnings)),
    )
    return Line(view.page, cells, keys)


def _gravity(warnings: tuple[Graded, ...]) -> int:
    """Return a number that sorts by what blocks first, then by what weakens."""
    weight = {BLOCKS: 10_000, WEAKENS: 100}
    return sum(weight.get(one.grade, 1) for one in warnings)


def render_run(
    reports: tuple[SymbolReport, ...],
    views: Iterable[SymbolView],
    estimators: Iterable[str],
    judged: tuple[pd.DataFrame, pd.DataFrame],
    source: tuple[Params, RunFacts],
) -> str:
    """Return the page on data, words, estimators, and how to repeat the run.

    judged: quality (symbol, date, rule, rows: raw rows that each ingest rule touched) and the
    checks of the gate, as `pipeline.report.publish.Results` has them.
    """
    params, facts = source
    quality, gate = judged
    tables = {
        "quality": quality_totals(quality),
        "days": quality_days(quality),
        "stages": stage_table(facts.stages),
        "gate": gate_table(gate),
        "findings": finding_rows(reports, params.calendar.timezone),
    }
    return page_template(template("run.html")).render(
        views=list(views),
        tables=tables,
        estimators=[documentation(name) for name in sorted(estimators)],
        facts=facts,
        calendar=params.calendar,
        command=_run_command(reports, facts),
        index_page=INDEX_PAGE,
    )


def documentation(name: str) -> Estimator:
    """Return the documentation of a function by its dotted name."""
    module, _, function = name.rpartition(".")
    made = getattr(importlib.import_module(module), function)
    call = f"{name}({', '.join(inspect.signature(made).parameters)})"
    return Estimator(name, call, textwrap.dedent(inspect.getdoc(made) or ""))


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


def template(name: str) -> Path:
    """Return where one of the report's templates is."""
    return TEMPLATES / name


def page_template(path: Path) -> "Template":
    """Return a page's template; the report's style and macros are there by name."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    shell = Environment(
        loader=FileSystemLoader([path.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shell.filters |= {"number": number, "local": _local, "link": quote}
    return shell.get_template(path.name)
