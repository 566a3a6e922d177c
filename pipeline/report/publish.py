"""Publish: a finished run's files under the output folder, and the same run in MLflow."""

from dataclasses import dataclass, replace
from io import BytesIO

import pandas as pd

from pipeline.engine.config import Config
from pipeline.engine.store import digest, write_file
from pipeline.parameters.export import flat_table
from pipeline.parameters.schema import Params, dump_params
from pipeline.report.page import render
from pipeline.report.record import RunFacts, SymbolReport
from pipeline.report.view import figures


@dataclass(frozen=True)
class Results:
    """All that a run has to show."""

    config: Config
    params: Params
    symbols: tuple[SymbolReport, ...]
    quality: pd.DataFrame
    facts: RunFacts

    def tracked(self, run_id: str) -> "Results":
        """Return the same results of the MLflow run `run_id`."""
        return replace(
            self,
            params=self.params.model_copy(update={"mlflow_run_id": run_id}),
            facts=replace(self.facts, mlflow_run_id=run_id),
        )


def render_files(results: Results) -> dict[str, bytes]:
    """Return the content of params.json, params.parquet, schedule.csv, quality.csv and
    report.html.
    """
    twin = BytesIO()
    flat_table(results.params).to_parquet(twin, index=False)
    plans = pd.concat([one.schedule.plan.assign(symbol=one.symbol) for one in results.symbols])
    plans.insert(0, "symbol", plans.pop("symbol"))
    return {
        "params.json": dump_params(results.params),
        "params.parquet": twin.getvalue(),
        "schedule.csv": plans.to_csv(index=False).encode(),
        "quality.csv": results.quality.to_csv(index=False).encode(),
        "report.html": render(
            results.params, results.symbols, results.quality, results.facts
        ).encode(),
    }


def publish_files(contents: dict[str, bytes], out: str) -> dict[str, str]:
    """Write each file under `out`, whole or not at all; return their addresses by name."""
    return {
        name: write_file(f"{out.rstrip('/')}/{name}", content) for name, content in contents.items()
    }


def publish_run(results: Results, contents: dict[str, bytes]) -> None:
    """Log the run to MLflow: configuration, fingerprints and files on the parent, one nested run a
    symbol.
    """
    from pipeline.tracking import mlflow_store as tracking

    params, settings = results.params, results.config.model_dump()
    flat = {
        f"{section}.{key}": value
        for section, keys in settings.items()
        for key, value in keys.items()
    }
    configuration = results.config.model_dump_json(indent=1)
    tags = {
        "data_hash": params.data_hash,
        "config_hash": digest(configuration),
        "code_version": params.code_version,
        "level": "run",
        "valid_from": params.valid.start,
    }
    touched = results.quality.groupby("rule")["rows"].sum()
    tracking.log_facts(flat, {f"rows.{rule}": rows for rule, rows in touched.items()}, tags)
    tracking.log_contents(contents | {"config.json": configuration.encode()})
    for one in results.symbols:
        tracking.log_symbol(
            tracking.SymbolResult(one, params.symbols[one.symbol], figures(one, params))
        )
