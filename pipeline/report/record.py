"""What is tracked of one symbol: the same groups of metrics at every level, tables, models."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pipeline.engine.digests import digest
from pipeline.engine.tables import Forecast, Learned
from pipeline.parameters.schema import SCHEMA, Params, SymbolParams
from pipeline.report.figures.clock import Clock
from pipeline.report.results import RunFacts, SymbolReport
from pipeline.report.tables.forecasts import CONSTANT
from pipeline.report.words import describe, gains, saving, winner_word
from pipeline.tracking.record import DatasetRecord, ModelRecord, Record

LONGEST_NAME = 200  # characters
BPS = 1e4
HALF_HOUR = 0.5
PARAMETERS = ("k", "beta", "theta", "gamma")
WITH_ERROR = ("k", "gamma")  # the others' are in the table of parameters


@dataclass(frozen=True)
class Told:
    """What a record says of its run: the parameters it exported, where data is, when it was;
    pictures: of each symbol, SVG by file name.
    """

    params: Params
    facts: RunFacts
    pictures: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def name(self, head: str, window: str) -> str:
        """Return a run's name: what, source, days read, and when it was made."""
        made = f"{pd.Timestamp(self.facts.created):%Y-%m-%d %H:%M}"
        return f"{head} {window}, {made}"


def symbol_record(report: SymbolReport, told: Told) -> Record:
    """Return one symbol's record, its candidate models as the parts of it."""
    facts = report.calibration.facts.iloc[0].to_dict()
    texts = {name: value for name, value in facts.items() if isinstance(value, str)}
    section = told.params.symbols[report.symbol]
    chosen = report.selection.decision.iloc[0]
    decision = {"chosen_by": str(chosen["criterion"]), "chosen_why": str(chosen["reason"])}
    scores = report.selection.scores
    data = dataset(report, told.facts)
    numbers = {name: value for name, value in facts.items() if name not in texts}
    return Record(
        name=told.name(f"{told.facts.source} {report.symbol}", report.read.window),
        description=describe(report),
        parameters={"symbol": report.symbol, "window": report.read.window} | texts | decision,
        metrics=symbol_metrics(report),
        steps=_by_time(report, told.params),
        tags={"level": "symbol", "symbol": report.symbol},
        datasets=(data,),
        tables={
            "costs": report.schedule.costs,
            "schedule": report.schedule.plan,
            "parameters": report.calibration.parameters,
            "forecasts": report.forecast.scores,
            "forecasters": report.forecast.contest,
            "families": report.calibration.families,
            "shrinkage": report.shrinkage,
            "candidates": scores,
            "charged_plans": report.selection.charged,
            "fit": pd.DataFrame(numbers.items(), columns=["fact", "value"]),
        },
        files=told.pictures.get(report.symbol, {}),
        parts=tuple(_candidate(report, section, row, told) for row in scores.itertuples()),
    )


def dataset(report: SymbolReport, facts: RunFacts) -> DatasetRecord:
    """Return the data that a symbol's estimates come from."""
    read = report.read
    about = {
        "symbol": report.symbol,
        "first": read.first,
        "last": read.last,
        "days": str(read.days),
    }
    name = f"{facts.source} {report.symbol} {read.window}"
    return DatasetRecord(name, read.fingerprint, facts.location or facts.source, about)


def symbol_metrics(report: SymbolReport) -> dict[str, float]:
    """Return the headline metrics of a symbol, by group."""
    costs = report.schedule.costs.set_index("method")
    best = costs.loc["optimal"]
    exported = report.selection.scores[report.selection.scores["exported"]].iloc[0]
    unit = best["cost_bps"] / best["cost"] if best["cost"] else np.nan
    metrics = {f"cost_bps/{name}": costs.loc[name, "cost_bps"] for name in _plans(costs)}
    metrics |= {
        "cost_bps/optimal_error": unit * best["cost_error"],
        "cost_bps/optimal_spread_and_walk": unit * (best["spread"] + best["temporary"]),
        "cost_bps/optimal_permanent": unit * best["permanent"],
        "risk_bps/optimal": best["deviation_bps"],
        "risk_bps/twap": costs.loc["twap", "deviation_bps"],
    }
    for name in ("twap", "vwap"):
        saved, error, _ = saving(report.schedule, name)
        metrics |= {f"saving_bps/{name}": saved, f"saving_bps/{name}_error": error}
    return (
        metrics
        | _held_out(exported)
        | _regret(report.selection.charged, exported["candidate"])
        | _law_metrics(report.calibration.parameters)
        | {f"forecast/{name}_gain": gain for name, gain in gains(report.forecast).items()}
        | _coverage(report.forecast)
        | _quality(report)
    )


def _plans(costs: pd.DataFrame) -> list[str]:
    return [name for name in ("optimal", "twap", "vwap") if name in costs.index]


def _held_out(score: Mapping[str, Any]) -> dict[str, float]:
    """Return what the comparison on held-out walks says of one candidate."""
    return {
        "deviance/held_out": score["deviance"],
        "deviance/held_out_error": score["deviance_error"],
        "deviance/bias": score["bias"],
        "deviance/rmse_bps": score["rmse_bps"],
    }


def _regret(charged: pd.DataFrame, candidate: str) -> dict[str, float]:
    """Return what held-out days charged a candidate's plans above who knew every curve."""
    return {
        f"regret_bps/{name}": value
        for row in charged[charged["plan"] == candidate].itertuples()
        for name, value in (("held_out", row.regret), ("held_out_error", row.regret_error))
    }


def _law_metrics(parameters: pd.DataFrame) -> dict[str, float]:
    metrics = {}
    for row in parameters[parameters["name"].isin(PARAMETERS)].itertuples():
        metrics[f"law/{row.name}"] = row.value
        if row.name in WITH_ERROR:
            metrics[f"law/{row.name}_error"] = row.standard_error
    return metrics


def _coverage(forecast: Forecast) -> dict[str, float]:
    return {
        f"coverage/{row.series}": row.coverage
        for row in forecast.scores.itertuples()
        if row.origin == "day ahead" and row.baseline > CONSTANT
    }


def _quality(report: SymbolReport) -> dict[str, float]:
    facts = report.calibration.facts.iloc[0]
    said = (report.calibration.warnings, report.forecast.warnings, report.schedule.warnings)
    return {
        "quality/days": report.read.days,
        "quality/walks": facts["observations"],
        "quality/clusters": facts["clusters"],
        "quality/warnings": sum(len(table) for table in said),
    }


def _by_time(report: SymbolReport, params: Params) -> pd.DataFrame:
    """Return plan and forecasts by half hour of the exchange's day, the step as HHMM."""
    plan = report.schedule.plan
    clock = Clock.of(params.calendar, plan)
    hours = clock.hours(plan["period"].to_numpy())
    section = params.symbols[report.symbol]
    level = {period.i: period.alpha for period in section.periods}
    table = pd.DataFrame(
        {
            "half": np.floor(hours / HALF_HOUR + 1e-9) * HALF_HOUR,
            "plan_shares": plan["optimal"],
            "volume": plan["volume"],
            "sigma_bps": BPS * plan["sigma"] / section.reference.price,
            "alpha": plan["period"].map(level),
        }
    )
    means = {"plan_shares": "sum", "volume": "sum", "sigma_bps": "mean", "alpha": "mean"}
    found = table.groupby("half").agg(means).add_prefix("by_time/")
    whole = found.index.to_numpy()
    steps = (100 * np.floor(whole) + 60 * (whole % 1)).round().astype(int)
    return found.assign(step=steps).reset_index(drop=True)


def _candidate(report: SymbolReport, section: SymbolParams, row: Any, told: Told) -> Record:
    score = row._asdict()
    roles = [name for name in ("winner", "exported") if score[name]]
    said = (
        f"{row.candidate} of {report.symbol}: deviance {row.deviance:.4g} on {row.cells:,} "
        f"held-out walks, bias {row.bias:+.1%}; {' and '.join(roles) or 'compared, not taken'}."
    )
    return Record(
        name=told.name(f"{row.candidate} {report.symbol}", report.read.window),
        description=said,
        parameters={"symbol": report.symbol, "candidate": row.candidate},
        metrics=_held_out(score)
        | _regret(report.selection.charged, row.candidate)
        | {"quality/walks": row.cells},
        tags={"level": "model", "symbol": report.symbol, "family": row.candidate}
        | {name: str(bool(score[name])) for name in ("winner", "exported")},
        datasets=(dataset(report, told.facts),),
        models=_models(report, section, row),
    )


def registered_name(symbol: str) -> str:
    """Return a symbol's registered model: its name has no / or :, and MLflow's length."""
    name = symbol.replace("%", "%25").replace("/", "%2F").replace(":", "%3A")
    return f"impact-{name if len(name) <= LONGEST_NAME else digest(symbol)[:32]}"


def _models(report: SymbolReport, section: SymbolParams, row: Any) -> tuple[ModelRecord, ...]:
    """Return the candidate's stored models: the law where it is exported, or its regressor.

    What is in force, the law or the learned curve, is registered with one input schema whatever its
    family; a regressor whose curve is in force is kept beside it, others with their run alone.
    """
    named = section.curves is not None and section.curves.learner == row.candidate
    whole: tuple[ModelRecord, ...] = ()
    if named or row.exported:
        told = section if named else section.model_copy(update={"curves": None})
        content = {"schema": SCHEMA} | told.model_dump(mode="json", by_alias=True)
        in_force = named or section.curves is None
        law = ModelRecord(
            name="law",
            form="law",
            content=json.dumps(content, indent=1).encode(),
            registered=registered_name(report.symbol) if in_force else None,
            description=describe(report),
            tags=_version_tags(report),
        )
        whole = (law,)
    if row.exported:
        return whole
    learned: Learned = report.learned
    kept = learned.models[learned.models["name"] == row.candidate]
    features = learned.importance.loc[learned.importance["model"] == row.candidate, "feature"]
    return whole + tuple(
        ModelRecord(one.name, one.format, one.content, tuple(features))
        for one in kept.itertuples(index=False)
    )


def _version_tags(report: SymbolReport) -> dict[str, str]:
    """Return why a version is what it is: family, days, and what held-out data said."""
    metrics = symbol_metrics(report)
    facts = report.calibration.facts.iloc[0]
    blocking = set(report.findings["code"]) | set(report.schedule.warnings["code"])
    shown = (
        "regret_bps/held_out",
        "deviance/held_out",
        "cost_bps/optimal",
        "saving_bps/twap",
        "law/k",
    )
    return {
        "verdict": winner_word(report.selection.scores),
        "family": str(facts["family"]),
        "window": report.read.window,
        "data": report.read.fingerprint[:16],
        "caveats": ", ".join(sorted(blocking)) or "none",
    } | {name.replace("/", "_"): f"{metrics[name]:.4g}" for name in shown if name in metrics}
