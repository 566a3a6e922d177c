"""What is tracked of backtests and of single routes: words, numbers, tables, and the data read."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from models.forecast.evaluation.comparison import DailyScore
from models.impact.orders.equations import COEFFICIENTS
from pipeline.engine.data_read import made_at
from pipeline.studies.backtest import Backtest
from pipeline.studies.backtest import report_text as daily_text
from pipeline.studies.data import file_dataset, folder_dataset, tape_dataset
from pipeline.studies.flow import FlowCalibration, SymbolFlow
from pipeline.studies.flow_report import estimators
from pipeline.studies.flow_report import report_text as flow_text
from pipeline.studies.orders.report import report_text as orders_text
from pipeline.studies.orders.route import OrderCalibration
from pipeline.studies.period_backtest import LOSSES, PeriodBacktest
from pipeline.studies.period_backtest import report_text as period_text
from pipeline.tracking.record import Record

FORECASTS = (
    "Backtests of forecasters on panels: a run a backtest, a nested run a model. Compare these by "
    "forecast/qlike or forecast/loss (smaller is better) and forecast/coverage."
)
ROUTES = (
    "Impact by one route alone: of orders (permanent gamma, temporary eta and delta) or of flow "
    "(what trades and quotes move, what stays); estimate/ and error/ have the same names."
)


def daily_record(backtest: Backtest) -> Record:
    """Return what is tracked of a backtest: the request, and every model as a part of it."""
    request = backtest.request
    facts = {
        "panel": Path(request.panel).name,
        "target": request.target,
        "baseline": request.baseline,
    }
    days = f"{backtest.first}..{backtest.last}"
    return Record(
        name=f"backtest {facts['panel']} {request.target} {days}, {made_at()}",
        about=FORECASTS,
        description=f"```\n{daily_text(backtest)}\n```",
        datasets=(file_dataset(request.panel),),
        tables={"scores": pd.DataFrame([asdict(score) for score in backtest.scores])},
        parameters=facts | asdict(request.protocol),
        metrics={"quality/origins": backtest.origins, "quality/unscored": backtest.unscored},
        tags={"level": "backtest"},
        parts=tuple(_model_record(score, backtest) for score in backtest.scores),
    )


def _model_record(score: DailyScore, backtest: Backtest) -> Record:
    found = {
        name: value for name, value in asdict(score).items() if name not in ("model", "in_mcs")
    }
    panel, target = Path(backtest.request.panel).name, backtest.request.target
    kept = "in" if score.in_mcs else "outside"
    return Record(
        name=f"{score.model} {panel} {target}, {made_at()}",
        description=f"{score.model} on {target} of {panel}: QLIKE {score.qlike:.4f} over "
        f"{backtest.origins} origins, {kept} the model confidence set.",
        parameters={"model": score.model},
        datasets=(file_dataset(backtest.request.panel),),
        metrics={f"forecast/{name}": value for name, value in found.items()},
        tags={"level": "forecaster", "in_mcs": str(score.in_mcs)},
    )


def period_record(backtest: PeriodBacktest) -> Record:
    """Return what is tracked of a backtest within the day, every candidate and horizon a part."""
    request = backtest.request
    name = Path(request.panel).name
    counts = {name: getattr(backtest, name) for name in ("days", "outside", "missing", "zeros")}
    days = f"{backtest.first}..{backtest.last}"
    return Record(
        name=f"backtest {name} {request.target} by period {days}, {made_at()}",
        about=FORECASTS,
        description=f"```\n{period_text(backtest)}\n```",
        datasets=(file_dataset(request.panel),),
        tables={
            "scores": pd.DataFrame(backtest.scores),
            "unfolding": pd.DataFrame(backtest.unfolding),
        },
        parameters={"panel": name, "target": request.target, "first": backtest.first}
        | backtest.choices,
        metrics={f"quality/{key}": value for key, value in counts.items()}
        | {f"vwap_tracking/{row['candidate']}": row["tracking"] for row in backtest.curve},
        tags={"level": "backtest"},
        parts=tuple(_candidate_record(row, backtest) for row in backtest.scores),
    )


def _candidate_record(row: dict[str, Any], backtest: PeriodBacktest) -> Record:
    name, horizon = str(row["candidate"]), str(row["origin"])
    found = ("loss", "dm_p", "mcs_p", "bias", "coverage", "n")
    request = backtest.request
    panel = Path(request.panel).name
    return Record(
        name=f"{name} {horizon} {panel} {request.target}, {made_at()}",
        description=f"{name}, {horizon.replace('_', ' ')}, on {request.target} of {panel}: "
        f"{LOSSES[backtest.loss]} {row['loss']:.4f} over {row['n']} periods.",
        datasets=(file_dataset(request.panel),),
        parameters={"model": name, "horizon": horizon},
        metrics={f"forecast/{key}": row[key] for key in found},
        tags={"level": "forecaster", "in_mcs": str(row["in_mcs"])},
    )


def orders_record(found: OrderCalibration) -> Record:
    """Return what is tracked of the order route: the two-step fit, the joint one beside it."""
    request, fit = found.request, found.fits[0]
    days = f"{found.days[0]}..{found.days[-1]}" if found.days else ""
    errors = fit.covariance.standard_errors
    told = ", ".join(
        f"{name} {value:.4g} ± {error:.2g}"
        for name, value, error in zip(COEFFICIENTS, fit.values, errors, strict=True)
    )
    tables = {
        name: pd.DataFrame({"name": COEFFICIENTS, "estimate": one.values, "error": own})
        for name, one, own in (
            ("two_step", fit, errors),
            ("joint", found.fits[1], found.fits[1].covariance.standard_errors),
        )
    }
    dropped = pd.DataFrame(found.sample.dropped.items(), columns=["reason", "rows"])
    return Record(
        name=f"orders {request.source} {Path(request.data).name} {days}, {made_at()}",
        about=ROUTES,
        description=f"{told}, of {fit.n:,} orders on {len(found.days)} days, errors by day.\n\n"
        f"```\n{orders_text(found)}\n```",
        parameters={"route": "orders"} | vars(request),
        metrics=_estimates(
            dict(zip(COEFFICIENTS, zip(fit.values, errors, strict=True), strict=True))
        )
        | {
            "fit/n": fit.n,
            "fit/r2_permanent": fit.r2_permanent,
            "fit/r2_temporary": fit.r2_temporary,
        }
        | {"quality/rows": found.sample.rows, "quality/days": len(found.days)},
        tags={"level": "route"},
        datasets=(folder_dataset(request.data),),
        tables=tables | {"left_out": dropped},
    )


def flow_record(found: FlowCalibration) -> Record:
    """Return what is tracked of the flow route, every symbol a part of it."""
    parts = tuple(_symbol_record(one, found) for one in found.symbols)
    symbols = found.symbols[0].symbol if len(parts) == 1 else f"{len(parts)} symbols"
    return Record(
        name=f"flow {found.source} {symbols} {found.symbols[0].read.window}, {made_at()}",
        about=ROUTES,
        description=f"```\n{flow_text(found)}\n```",
        parameters={
            "route": "flow",
            "source": found.source,
            "period_seconds": found.period_seconds,
            "window_seconds": found.window_seconds,
        },
        metrics=pd.DataFrame([part.metrics for part in parts]).mean().to_dict(),
        tags={"level": "route"},
        datasets=tuple(each for part in parts for each in part.datasets),
        parts=parts,
    )


def _symbol_record(one: SymbolFlow, found: FlowCalibration) -> Record:
    chosen, table = one.permanent, estimators(one)
    named = {row.name: (row.value, row.standard_error) for row in table.itertuples(name="Row")}
    return Record(
        name=f"flow {one.symbol} {found.source} {one.read.window}, {made_at()}",
        description=f"{one.symbol}: gamma {chosen.gamma:.4g} ± {chosen.standard_error:.2g} "
        f"currency / share^2 by {chosen.estimator}, {one.days} days, {one.periods:,} periods. "
        f"Caveats: {', '.join(caveat.code for caveat in one.warnings) or 'none'}.",
        parameters={"route": "flow", "symbol": one.symbol, "estimator": chosen.estimator},
        metrics=_estimates({"gamma": (chosen.gamma, chosen.standard_error), **named})
        | {"fit/r2_imbalance": float(one.best.r2.mean())}
        | {"quality/days": one.days, "quality/periods": one.periods},
        tags={"level": "symbol", "symbol": one.symbol},
        datasets=(tape_dataset(found.source, one.symbol, one.read),),
        tables={"estimators": table, "times": one.times.reset_index()},
    )


def _estimates(named: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    values = {f"estimate/{name}": float(value) for name, (value, _) in named.items()}
    return values | {f"error/{name}": float(error) for name, (_, error) in named.items()}
