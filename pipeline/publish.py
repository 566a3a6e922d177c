"""Publish: a finished run's files under the output folder, and the same run in MLflow."""

import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd

from pipeline.config import Config
from pipeline.export import flat_table
from pipeline.params import Params, dump_params
from pipeline.report import RunFacts, SymbolReport, figures, render
from pipeline.store import write_file


@dataclass(frozen=True)
class Results:
    """All that a run has to show."""

    config: Config
    params: Params
    symbols: tuple[SymbolReport, ...]
    quality: pd.DataFrame
    facts: RunFacts


def publish_files(results: Results, out: str) -> dict[str, str]:
    """Write params.json, params.parquet, schedule.csv, quality.csv and report.html; return their addresses by name."""
    twin = BytesIO()
    flat_table(results.params).to_parquet(twin, index=False)
    plans = pd.concat([one.schedule.plan.assign(symbol=one.symbol) for one in results.symbols])
    plans.insert(0, "symbol", plans.pop("symbol"))
    contents = {
        "params.json": dump_params(results.params),
        "params.parquet": twin.getvalue(),
        "schedule.csv": plans.to_csv(index=False).encode(),
        "quality.csv": results.quality.to_csv(index=False).encode(),
        "report.html": render(results.params, results.symbols, results.quality, results.facts).encode(),
    }
    return {name: write_file(f"{out.rstrip('/')}/{name}", content) for name, content in contents.items()}


def publish_run(results: Results) -> None:
    """Log the run to MLflow: configuration, fingerprints and files on the parent, one nested run a symbol."""
    from pipeline import tracking

    params, settings = results.params, results.config.model_dump()
    flat = {f"{section}.{key}": value for section, keys in settings.items() for key, value in keys.items()}
    tags = {"data_hash": params.data_hash, "code_version": params.code_version, "level": "run",
            "valid_from": params.valid.start}
    touched = results.quality.groupby("rule")["rows"].sum()
    tracking.log_facts(flat, {f"rows.{rule}": rows for rule, rows in touched.items()}, tags)
    with tempfile.TemporaryDirectory() as folder:
        files = publish_files(results, Path(folder).as_posix())
        tracking.log_files(list(files.values()))
    for one in results.symbols:
        tracking.log_symbol(tracking.SymbolResult(one, params.symbols[one.symbol], figures(one, params.calendar)))
