"""Publish: a finished run as files under the output folder and as a record to be tracked."""

from dataclasses import dataclass
from io import BytesIO

import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.digests import digest
from pipeline.parameters.export import flat_table
from pipeline.parameters.schema import Params, dump_params
from pipeline.report.page import render
from pipeline.report.record import symbol_record
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.tracking.record import Record

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is computed by spreadsheets


@dataclass(frozen=True)
class Results:
    """All that a run has to show."""

    config: Config
    params: Params
    symbols: tuple[SymbolReport, ...]
    quality: pd.DataFrame
    facts: RunFacts


def render_files(results: Results) -> dict[str, bytes]:
    """Return every file's content: the parameters and their twin, schedule, quality, report."""
    twin = BytesIO()
    flat_table(results.params).to_parquet(twin, index=False)
    plans = pd.concat([one.schedule.plan.assign(symbol=one.symbol) for one in results.symbols])
    plans.insert(0, "symbol", plans.pop("symbol"))
    return {
        "params.json": dump_params(results.params),
        "params.parquet": twin.getvalue(),
        "schedule.csv": _csv(plans),
        "quality.csv": _csv(results.quality),
        "report.html": render(
            results.params, results.symbols, results.quality, results.facts
        ).encode(),
    }


def _csv(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in which no symbol is a formula to a spreadsheet."""
    symbols = table["symbol"].astype(str)
    plain = symbols.where(~symbols.str.startswith(FORMULA), "'" + symbols)
    return table.assign(symbol=plain).to_csv(index=False).encode()


def run_record(name: str, results: Results, contents: dict[str, bytes]) -> Record:
    """Return what is tracked of a run: configuration, fingerprints, files, and every symbol."""
    params, settings = results.params, results.config.model_dump()
    configuration = results.config.model_dump_json(indent=1)
    touched = results.quality.groupby("rule")["rows"].sum()
    return Record(
        name=name,
        parameters={
            f"{section}.{key}": value
            for section, keys in settings.items()
            for key, value in keys.items()
        },
        metrics={f"quality/{rule}": rows for rule, rows in touched.items()},
        tags={
            "data_hash": params.data_hash,
            "config_hash": digest(configuration),
            "code_version": params.code_version,
            "level": "run",
            "valid_from": params.valid.start,
        },
        files=contents | {"config.json": configuration.encode()},
        parts=tuple(symbol_record(one, params) for one in results.symbols),
    )
