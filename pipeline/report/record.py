"""What is tracked of one symbol: its law, errors, forecasts, costs and models, each named once."""

from typing import Any

import pandas as pd

from pipeline.engine.digests import digest
from pipeline.engine.tables import Forecast, Learned
from pipeline.parameters.schema import Params, SymbolParams
from pipeline.report.results import SymbolReport
from pipeline.report.view import figures
from pipeline.tracking.record import ModelRecord, Record

LONGEST_NAME = 200  # characters
ENDS = ("low", "high", "dof", "bootstrap_error")


def symbol_record(report: SymbolReport, params: Params) -> Record:
    """Return one symbol's record, its candidate models as the parts of it."""
    facts = report.calibration.facts.iloc[0].to_dict()
    texts = {name: value for name, value in facts.items() if isinstance(value, str)}
    metrics = (
        _law_metrics(report.calibration.parameters)
        | _shrinkage_metrics(report.shrinkage)
        | _forecast_metrics(report.forecast)
        | {f"cost_bps/{row.method}": row.cost_bps for row in report.schedule.costs.itertuples()}
        | {f"fit/{name}": value for name, value in facts.items() if name not in texts}
    )
    section = params.symbols[report.symbol]
    chosen = report.selection.decision.iloc[0]
    decision = {"chosen_by": str(chosen["criterion"]), "chosen_why": str(chosen["reason"])}
    scores = report.selection.scores
    return Record(
        name=report.symbol,
        parameters={"symbol": report.symbol} | texts | decision,
        metrics=metrics,
        tags={"level": "symbol"},
        tables={
            "schedule": report.schedule.plan,
            "forecasters": report.forecast.contest,
            "families": report.calibration.families,
            "shrinkage": report.shrinkage,
            "charged_plans": report.selection.charged,
        },
        figures=figures(report, params),
        parts=tuple(_candidate_record(report, section, row) for row in scores.itertuples()),
    )


def _law_metrics(parameters: pd.DataFrame) -> dict[str, float]:
    metrics = {}
    for row in parameters.itertuples():
        metrics |= {f"law/{row.name}": row.value, f"law/{row.name}_se": row.standard_error}
        metrics |= {f"law/{row.name}_{end}": getattr(row, end) for end in ENDS}
    return metrics


def _shrinkage_metrics(shrinkage: pd.DataFrame) -> dict[str, float]:
    """Name the effective degrees of freedom by what was shrunk together: all levels are one."""
    names = shrinkage["parameter"].str.replace(r"^log_alpha_\d+$", "log_alpha", regex=True)
    found = shrinkage.groupby(names, sort=False)["effective_dof"].first()
    return {f"shrinkage/{name}_effective_dof": value for name, value in found.items()}


def _forecast_metrics(forecast: Forecast) -> dict[str, float]:
    metrics = {}
    for row in forecast.scores.itertuples():
        place = f"forecast/{row.series}_{row.origin}".replace(" ", "_")
        metrics |= {f"{place}_{row.metric}": row.model, f"{place}_coverage": row.coverage}
    return metrics


def _candidate_record(report: SymbolReport, section: SymbolParams, row: Any) -> Record:
    names = ("deviance", "deviance_error", "rmse_bps", "bias", "cells")
    registered = registered_name(report.symbol) if row.winner else None
    return Record(
        name=f"{report.symbol} {row.candidate}",
        parameters={"symbol": report.symbol, "candidate": row.candidate},
        metrics={f"selection/{name}": getattr(row, name) for name in names}
        | _charged_metrics(report.selection.charged, row.candidate),
        tags={"level": "model"}
        | {name: str(bool(getattr(row, name))) for name in ("winner", "exported")},
        models=_models(report.learned, section, row, registered),
    )


def _charged_metrics(charged: pd.DataFrame, candidate: str) -> dict[str, float]:
    names = ("cost", "regret", "regret_error", "saving", "saving_error")
    return {
        f"selection/{name}_bps": getattr(row, name)
        for row in charged[charged["plan"] == candidate].itertuples()
        for name in names
    }


def registered_name(symbol: str) -> str:
    """Return a symbol's registered model: its name has no / or :, and MLflow's length."""
    name = symbol.replace("%", "%25").replace("/", "%2F").replace(":", "%3A")
    return f"impact-{name if len(name) <= LONGEST_NAME else digest(symbol)[:32]}"


def _models(
    learned: Learned, section: SymbolParams, row: Any, registered: str | None
) -> tuple[ModelRecord, ...]:
    """Return the candidate's stored model: the law where it is exported, or its regressor."""
    if row.exported:
        content = section.model_dump_json(by_alias=True, indent=1).encode()
        return (ModelRecord("law", "law", content, registered=registered),)
    stored = learned.models[learned.models["name"] == row.candidate]
    features = learned.importance.loc[learned.importance["model"] == row.candidate, "feature"]
    return tuple(
        ModelRecord(one.name, one.format, one.content, tuple(features), registered)
        for one in stored.itertuples(index=False)
    )
