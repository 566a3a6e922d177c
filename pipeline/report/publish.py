"""Publish: a finished run as files under the output folder and as a record to be tracked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.data_read import DataRead
from pipeline.engine.digests import digest
from pipeline.parameters.export import flat_table
from pipeline.parameters.schema import Params, dump_params
from pipeline.report.page import INDEX_PAGE, RUN_PAGE, render_index, render_run
from pipeline.report.record import Told, dataset, symbol_metrics, symbol_record
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.report.symbol_pages import PagesTask, SymbolPages, symbol_pages
from pipeline.report.words import describe
from pipeline.tracking.record import Record

GATE = ("check", "value", "threshold", "verdict", "words")
Spread = Callable[[Callable[[Any], Any], Sequence[Any], str], list[Any]]
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is computed by spreadsheets


@dataclass(frozen=True)
class Results:
    """All that a run has to show; gate: the checks that it was judged by, a row each (check, value,
    threshold, verdict, words), without rows where nothing was judged.
    """

    config: Config
    params: Params
    symbols: tuple[SymbolReport, ...]
    quality: pd.DataFrame
    facts: RunFacts
    gate: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(GATE)))


def pages_of(results: Results, spread: Spread) -> tuple[SymbolPages, ...]:
    """Return every symbol's pages, made by `spread` where the symbols' stages ran."""
    tasks = [
        PagesTask(
            results.params.model_copy(
                update={"symbols": {one.symbol: results.params.symbols[one.symbol]}}
            ),
            one,
            results.facts,
        )
        for one in results.symbols
    ]
    return tuple(spread(symbol_pages, tasks, "report"))


def render_files(results: Results, pages: tuple[SymbolPages, ...]) -> dict[str, bytes]:
    """Return every file's content: the parameters and their twin, schedule, quality, report."""
    params, facts, views = results.params, results.facts, [one.view for one in pages]
    named = {name for one in pages for name in one.estimators}
    twin = BytesIO()
    flat_table(results.params).to_parquet(twin, index=False)
    plans = pd.concat([one.schedule.plan.assign(symbol=one.symbol) for one in results.symbols])
    plans.insert(0, "symbol", plans.pop("symbol"))
    return {
        "params.json": dump_params(results.params),
        "params.parquet": twin.getvalue(),
        "schedule.csv": _csv(plans),
        "quality.csv": _csv(results.quality),
        INDEX_PAGE: render_index(results.symbols, views, params, facts).encode(),
        RUN_PAGE: render_run(
            results.symbols, views, named, (results.quality, results.gate), (params, facts)
        ).encode(),
        **{name: content for one in pages for name, content in one.files.items()},
    }


def _csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in which no symbol is a formula to a spreadsheet."""
    symbols = table["symbol"].astype(str)
    plain = symbols.where(~symbols.str.startswith(FORMULA), "'" + symbols)
    return table.assign(symbol=plain).to_csv(index=False).encode()


ABOUT = (
    "Runs of the pipeline: a tape measured, forecast, fitted, compared, planned. A run has one "
    "nested run a symbol, and each of those one a candidate model. The same names of metrics at "
    "every level: cost_bps and saving_bps of the plan, deviance and regret_bps on held-out days, "
    "forecast (gain over the average day) and coverage, law, quality; by_time has the half hours "
    "of the day as steps (1030 is 10:30 at the exchange). Of several symbols a run has the means."
)


def run_name(results: Results) -> str:
    """Return a run's name: source, symbols, days read, and when it was made."""
    symbols = results.symbols
    head = symbols[0].symbol if len(symbols) == 1 else f"{len(symbols)} symbols"
    first, last = min(one.read.first for one in symbols), max(one.read.last for one in symbols)
    told, window = Told(results.params, results.facts), DataRead("", first, last, 0).window
    return told.name(f"run of {results.facts.source} {head}", window)


def run_record(
    results: Results, contents: dict[str, bytes], pages: tuple[SymbolPages, ...]
) -> Record:
    """Return what is tracked of a run: configuration, fingerprints, files, and every symbol."""
    params, settings = results.params, results.config.model_dump()
    configuration = results.config.model_dump_json(indent=1)
    pictures = {one.view.symbol: one.figures for one in pages}
    told = Told(params, results.facts, pictures)
    by_symbol = {one.symbol: symbol_metrics(one) for one in results.symbols}
    table = pd.DataFrame(by_symbol).T
    touched = results.quality.groupby("rule")["rows"].sum()
    return Record(
        name=run_name(results),
        about=ABOUT,
        description="\n\n".join(describe(one) for one in results.symbols),
        identity=digest(params.data_hash, configuration, params.code_version),
        parameters={
            f"{section}.{key}": value
            for section, keys in settings.items()
            for key, value in keys.items()
        },
        metrics=table.mean().to_dict()
        | {f"gate/{row.check}": row.value for row in results.gate.itertuples()}
        | {"quality/symbols": len(table), "quality/rows_touched": touched.sum()},
        tags={
            "data_hash": params.data_hash,
            "config_hash": digest(configuration),
            "code_version": params.code_version,
            "level": "run",
            "valid_from": params.valid.start,
        },
        datasets=tuple(dataset(one, results.facts) for one in results.symbols),
        tables={
            "symbols": table.rename_axis("symbol").reset_index(),
            "quality": results.quality,
            "stages": results.facts.stages,
        }
        | ({} if results.gate.empty else {"gate": results.gate}),
        files=contents | {"config.json": configuration.encode()},
        parts=tuple(symbol_record(one, told) for one in results.symbols),
    )
