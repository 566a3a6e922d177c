"""The only file that talks to MLflow: where runs go, what they hold, and the registered models."""

import io
import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")

import lightgbm
import mlflow
import pandas as pd
import skops.io
from mlflow.entities import Metric, Param
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from pipeline.engine.errors import InputError
from pipeline.engine.tables import Learned
from pipeline.parameters.schema import SymbolParams
from pipeline.report.record import SymbolReport
from pipeline.studies.backtest import Backtest
from pipeline.studies.period_backtest import PeriodBacktest
from pipeline.studies.placebo import PlaceboRun
from pipeline.studies.placebo import metrics as placebo_metrics

DEFAULT_FOLDER = Path("mlruns")
URI_VARIABLE = "MLFLOW_TRACKING_URI"
COST = Schema([ColSpec("double")])
LAW_SIGNATURE = ModelSignature(
    Schema([ColSpec("long", "period"), ColSpec("double", "shares")]), COST
)


@dataclass(frozen=True)
class SymbolResult:
    """What one symbol's nested run logs: its tables, its section of params.json, its figures by
    name.
    """

    report: SymbolReport
    params: SymbolParams
    figures: dict[str, Any]


def tracking_uri() -> str:
    """Return where runs go: MLFLOW_TRACKING_URI, or the database in `mlruns/`."""
    return os.environ.get(URI_VARIABLE) or f"sqlite:///{(DEFAULT_FOLDER / 'mlflow.db').resolve()}"


@contextmanager
def tracked_run(experiment: str, name: str) -> Iterator[str]:
    """Open the parent run of one pipeline run and yield its id; a failure marks the run failed.

    Raises: InputError when the tracking store cannot be reached.
    """
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    uri, given = tracking_uri(), os.environ.get(URI_VARIABLE)
    try:
        _open_experiment(
            uri, experiment, None if given else (DEFAULT_FOLDER / "artifacts").resolve()
        )
        with mlflow.start_run(run_name=name) as run:
            yield run.info.run_id
    finally:
        if not given:
            os.environ.pop(URI_VARIABLE, None)  # mlflow leaves its own choice there


def _open_experiment(uri: str, experiment: str, artifacts: Path | None) -> None:
    try:
        if artifacts:
            artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(uri)
        if mlflow.get_experiment_by_name(experiment) is None:
            mlflow.create_experiment(experiment, artifacts.as_uri() if artifacts else None)
        mlflow.set_experiment(experiment)
    except Exception as error:  # mlflow wraps whatever its store raises
        reason = str(error).splitlines()[0]
        raise InputError(f"MLflow at {uri}: {reason}; check MLFLOW_TRACKING_URI") from error


def ui_page() -> str:
    """Return the active experiment's list of runs, below the address that `impact ui` prints."""
    return f"/#/experiments/{mlflow.active_run().info.experiment_id}/runs"


def log_facts(parameters: dict[str, Any], metrics: dict[str, float], tags: dict[str, str]) -> None:
    """Log to the active run in one batch; text longer than MLflow takes is cut there and whole in
    config.json.
    """
    run = mlflow.active_run()
    mlflow.MlflowClient().log_batch(
        run.info.run_id,
        params=[Param(key, str(value)[:6000]) for key, value in parameters.items()],
        metrics=[
            Metric(key, float(value), 0, 0)
            for key, value in metrics.items()
            if pd.notna(value) and math.isfinite(value)
        ],  # its database would hold 1.8e308 for infinity
    )
    mlflow.set_tags(tags)


def log_contents(contents: dict[str, bytes]) -> None:
    """Attach files, given by name and content, to the active run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents.items():
            (Path(folder) / name).write_bytes(content)
        mlflow.log_artifacts(folder)


def log_backtest(backtest: Backtest, experiment: str) -> None:
    """Log a backtest of forecasters as a run, and every model as a run nested in it."""
    request = backtest.request
    facts = {
        "panel": Path(request.panel).name,
        "target": request.target,
        "baseline": request.baseline,
    }
    with tracked_run(experiment, f"backtest {facts['panel']}"):
        log_facts(
            facts | asdict(request.protocol),
            {"origins": backtest.origins, "unscored": backtest.unscored},
            {"level": "backtest"},
        )
        for score in backtest.scores:
            with mlflow.start_run(run_name=score.model, nested=True):
                metrics = {
                    key: value
                    for key, value in asdict(score).items()
                    if key not in ("model", "in_mcs")
                }
                log_facts(
                    {"model": score.model},
                    metrics,
                    {"level": "forecaster", "in_mcs": str(score.in_mcs)},
                )


def log_period_backtest(backtest: PeriodBacktest, experiment: str) -> None:
    """Log a backtest within the day as a run, and every candidate and horizon as a run nested in
    it.
    """
    request = backtest.request
    facts = {
        "panel": Path(request.panel).name,
        "target": request.target,
        "first": backtest.first,
    } | backtest.choices
    metrics = {"days": backtest.days, "outside": backtest.outside, "missing": backtest.missing}
    metrics |= {f"vwap_tracking.{row['candidate']}": row["tracking"] for row in backtest.curve}
    with tracked_run(experiment, f"backtest {facts['panel']} by period"):
        log_facts(facts, metrics, {"level": "backtest"})
        for row in backtest.scores:
            name, horizon = str(row["candidate"]), str(row["origin"])
            with mlflow.start_run(run_name=f"{name} {horizon}", nested=True):
                found = {
                    key: row[key] for key in ("loss", "dm_p", "mcs_p", "bias", "coverage", "n")
                }
                log_facts(
                    {"model": name, "horizon": horizon},
                    found,
                    {"level": "forecaster", "in_mcs": str(row["in_mcs"])},
                )


def log_placebos(found: PlaceboRun, experiment: str) -> None:
    """Log placebos as a run, and every symbol as a run nested in it."""
    request = found.request
    with tracked_run(experiment, f"placebo {request.route}"):
        log_facts(
            {"route": request.route, "repetitions": request.repetitions, "seed": request.seed},
            {},
            {"level": "placebo"},
        )
        for symbol, values in placebo_metrics(found).items():
            with mlflow.start_run(run_name=f"placebo {symbol}", nested=True):
                log_facts({"symbol": symbol}, values, {"level": "placebo_symbol"})


def log_symbol(result: SymbolResult) -> None:
    """Log one symbol as a nested run, its candidates as runs nested in it, and register the
    winner.
    """
    with mlflow.start_run(run_name=result.report.symbol, nested=True):
        parameters = result.report.calibration.parameters
        scores = result.report.forecast.scores
        metrics = dict(zip(parameters["name"], parameters["value"], strict=True))
        metrics |= {f"{row.name}_se": row.standard_error for row in parameters.itertuples()}
        metrics |= {
            f"{row.name}_{end}": getattr(row, end)
            for row in parameters.itertuples()
            for end in ("low", "high", "dof", "bootstrap_error")
        }
        metrics |= {
            f"effective_dof.{name}": value
            for name, value in _effective_dof(result.report.shrinkage).items()
        }
        metrics |= {
            f"{row.series}.{row.origin}.{name}".replace(" ", "_"): value
            for row in scores.itertuples()
            for name, value in ((row.metric, row.model), ("coverage", row.coverage))
        }
        metrics |= {
            f"cost_bps.{row.method}": row.cost_bps
            for row in result.report.schedule.costs.itertuples()
        }
        facts = result.report.calibration.facts.iloc[0].to_dict()
        texts = {name: value for name, value in facts.items() if isinstance(value, str)}
        metrics |= {name: value for name, value in facts.items() if name not in texts}
        log_facts({"symbol": result.report.symbol} | texts, metrics, {"level": "symbol"})
        for name, figure in result.figures.items():
            mlflow.log_figure(figure, f"{name}.png")
        mlflow.log_text(result.report.schedule.plan.to_csv(index=False), "schedule.csv")
        for name, table in (
            ("forecasters", result.report.forecast.contest),
            ("families", result.report.calibration.families),
            ("shrinkage", result.report.shrinkage),
        ):
            mlflow.log_text(table.to_csv(index=False), f"{name}.csv")
        for row in result.report.selection.scores.itertuples():
            _log_candidate(result, row)


def _effective_dof(shrinkage: pd.DataFrame) -> dict[str, float]:
    """Return the effective degrees of freedom by what was shrunk together: each pooled parameter,
    then all levels.
    """
    names = shrinkage["parameter"].str.replace(r"^log_alpha_\d+$", "log_alpha", regex=True)
    return shrinkage.groupby(names, sort=False)["effective_dof"].first().to_dict()


def _log_candidate(result: SymbolResult, row: Any) -> None:
    with mlflow.start_run(run_name=f"{result.report.symbol} {row.candidate}", nested=True):
        metrics = {
            name: getattr(row, name)
            for name in ("deviance", "deviance_error", "rmse_bps", "bias", "cells")
        }
        tags = {
            "level": "model",
            "winner": str(bool(row.winner)),
            "exported": str(bool(row.exported)),
        }
        log_facts({"symbol": result.report.symbol, "candidate": row.candidate}, metrics, tags)
        registered = f"impact-{result.report.symbol}" if row.winner else None
        with (
            warnings.catch_warnings(),
            redirect_stderr(io.StringIO()),
        ):  # mlflow chats about every registration
            warnings.filterwarnings("ignore", message=".*input example was not provided")
            if row.exported:
                _log_law(result.params, registered)
            elif row.candidate in set(result.report.learned.models["name"]):
                _log_regressor(result.report.learned, row.candidate, registered)


def _log_law(symbol: SymbolParams, registered: str | None) -> None:
    """Log the law as JSON behind code that reads it, so that no project class is pickled."""
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "law.json"
        stored.write_text(symbol.model_dump_json(by_alias=True, indent=1), encoding="utf-8")
        mlflow.pyfunc.log_model(
            name="law",
            python_model=_source("pipeline.parameters.registered_law"),
            artifacts={"law": str(stored)},
            code_paths=[str(Path(_source("solver")).parent)],
            signature=LAW_SIGNATURE,
            registered_model_name=registered,
            pip_requirements=_requirements("mlflow", "numpy", "scipy", "pandas"),
        )


def _source(module: str) -> str:
    """Return the file that a module of this project is written in, without importing it."""
    return str(find_spec(module).origin)


def _log_regressor(learned: Learned, name: str, registered: str | None) -> None:
    stored = learned.models.set_index("name").loc[name]
    features = learned.importance.query("model == @name")["feature"]
    signature = ModelSignature(Schema([ColSpec("double", feature) for feature in features]), COST)
    if stored["format"] == "lightgbm-text":
        booster = lightgbm.Booster(model_str=stored["content"].decode())
        mlflow.lightgbm.log_model(
            booster,
            name=name,
            signature=signature,
            registered_model_name=registered,
            pip_requirements=_requirements("mlflow", "lightgbm", "numpy"),
        )
    else:
        mlflow.sklearn.log_model(
            skops.io.loads(stored["content"]),
            name=name,
            signature=signature,
            registered_model_name=registered,
            serialization_format="skops",
            pip_requirements=_requirements("mlflow", "scikit-learn", "skops", "numpy"),
        )


def _requirements(*names: str) -> list[str]:
    return [f"{name}=={version(name)}" for name in names]
