"""A symbol's pages, made where its stages run: the minute's reading, and the research behind it."""

from dataclasses import dataclass

from pipeline.parameters.schema import Params
from pipeline.report.drawings import drawings
from pipeline.report.figures.clock import Clock
from pipeline.report.page import RUN_PAGE, page_template, template
from pipeline.report.research import held_out_words, research_tables
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.report.view import SymbolView, make_view
from pipeline.report.words import scored_words


@dataclass(frozen=True)
class PagesTask:
    """What a symbol's pages are made of; params: of all symbols or of this one."""

    params: Params
    report: SymbolReport
    facts: RunFacts


@dataclass(frozen=True)
class SymbolPages:
    """What the index shows of a symbol, its pages by file name, its figures (SVG) by file name, and
    the estimators that its tables name.
    """

    view: SymbolView
    files: dict[str, bytes]
    figures: dict[str, bytes]
    estimators: frozenset[str]


def symbol_pages(task: PagesTask) -> SymbolPages:
    """Draw a symbol's figures once and write its two pages."""
    params, report = task.params, task.report
    view, svg = make_view(params, report), drawings(report, params)
    clock = Clock.of(params.calendar, report.schedule.plan)
    tables = research_tables(report, params.calendar.periods, clock)
    decision = report.selection.decision.iloc[0]
    common = {"view": view, "facts": task.facts, "calendar": params.calendar, "svg": svg}
    research = page_template(template("research.html")).render(
        **common,
        tables=tables,
        held_out=held_out_words(report.forecast.backtest),
        choice="by {criterion}: {reason}".format(**decision),
        learned=decision["learned"],
        scored=scored_words(report.selection.scores),
        documents=RUN_PAGE,
    )
    files = {
        view.page: page_template(template("symbol.html")).render(**common).encode(),
        view.research: research.encode(),
    }
    named = {name for table in tables.values() for name in table.estimators + table.sources}
    pictures = {f"{name}.svg": text.encode() for name, text in svg.items()}
    return SymbolPages(view, files, pictures, frozenset(named))
