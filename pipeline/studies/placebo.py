"""Placebos of every route over real data: `impact placebo`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
import pandas as pd

from models.impact.book.cost_law import Family, fit_law
from models.impact.orders.equations import Form
from models.impact.orders.fit import fit_orders
from models.impact.placebo import book, flow, orders
from models.impact.placebo.replicates import (
    ABOVE,
    CONFIDENCE,
    KEPT,
    LEAST_REPETITIONS,
    LEVEL,
    TWO_SIDED,
    Estimates,
    Estimator,
    Placebo,
    run_placebo,
)
from pipeline.engine.config import Config
from pipeline.engine.data_read import made_at
from pipeline.engine.errors import InputError, Refused
from pipeline.engine.executor import Executor
from pipeline.engine.job import Job, open_job
from pipeline.engine.json_content import json_ready
from pipeline.engine.scope import Scope
from pipeline.engine.stage import Output
from pipeline.stages.forecasting.forecast import forecast_symbol
from pipeline.stages.history import data_read, law_cells, past_cells, past_periods
from pipeline.stages.measuring.measurement import measure_days
from pipeline.stages.screening.believed import believed_tape
from pipeline.studies.data import folder_dataset, tape_dataset
from pipeline.studies.orders.panel import read_imbalance_panel
from pipeline.tape.opening import RawTape, find_tape, open_tape
from pipeline.tracking.record import DatasetRecord, Record

ROUTES = ("flow", "book", "orders")
ABOUT = (
    "Placebos: the link that impact rests on is broken (signs shuffled, chronology scrambled, zero "
    "impact planted) and an estimator is run on what is left; a 5 % test must reject 5 %."
)
FOUND = ("rate", "low", "high", "mean", "sd")  # of a test over replicates, as tracked


@dataclass(frozen=True)
class PlaceboRequest:
    """What was asked: route, replicates, their seed, and where the cache is (not for orders)."""

    route: str
    repetitions: int = 200
    seed: int = 0
    out: str = "out"


@dataclass(frozen=True)
class SymbolPlacebos:
    """One symbol's placebos, and what was read; of orders, all of the panel's stocks together."""

    symbol: str
    placebos: tuple[Placebo, ...]
    data: DatasetRecord


@dataclass(frozen=True)
class PlaceboRun:
    """The placebos of one route over all symbols; left_out: those that cannot be used, as lines."""

    request: PlaceboRequest
    symbols: tuple[SymbolPlacebos, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Study:
    """What one symbol's placebos need: estimates on the data, an estimator a placebo, tests."""

    symbol: str
    data: DatasetRecord
    found: Estimates
    estimators: dict[str, Estimator]
    tests: tuple[str, ...] = (ABOVE, TWO_SIDED)


def run_placebos(request: PlaceboRequest, config: Config) -> PlaceboRun:
    """Run every placebo of a route over a tape, or over a panel of daily imbalances.

    Raises: InputError when an option or the data cannot be used.
    """
    if request.route not in ROUTES:
        raise InputError(f"--route: no route '{request.route}'; the routes are {', '.join(ROUTES)}")
    if request.repetitions < LEAST_REPETITIONS:
        raise InputError(f"--repetitions: {request.repetitions}, give at least {LEAST_REPETITIONS}")
    if request.seed < 0:
        raise InputError(f"--seed: {request.seed}, give 0 or more")
    if request.route == "orders":
        study = _checked("orders", lambda: _order_study(config.data.location))
        workers = 0 if config.executor.workers == "auto" else int(config.executor.workers)
        with Executor(workers, config.executor.scheduler) as executor:
            return PlaceboRun(request, (_replicated(study, request, executor),))
    return _over_tape(request, config)


def _over_tape(request: PlaceboRequest, config: Config) -> PlaceboRun:
    raw = find_tape(config, request.out)
    with open_job(config, request.out, raw.bytes) as job:
        found = job.without_refused(lambda: _over_symbols(job, raw, request))
        return PlaceboRun(request, found, job.left_out())


def _over_symbols(job: Job, raw: RawTape, request: PlaceboRequest) -> tuple[SymbolPlacebos, ...]:
    opened = open_tape(job, raw)
    flow = request.route == "flow" and not job.config.data.as_of
    scope = opened.scope.to_the_close() if flow else opened.scope
    tape, _ = believed_tape(job, opened, scope)
    measured, source = measure_days(job, tape), job.config.data.source
    if request.route == "book":
        forecasts = job.per_symbol("forecast", forecast_symbol, scope, measured)
        makers = {
            name: partial(_book_study, source, name, days, forecasts[name], scope)
            for name, days in measured.items()
        }
    else:
        makers = {
            name: partial(_flow_study, source, name, days, scope) for name, days in measured.items()
        }
    studies = [_checked(name, make) for name, make in makers.items()]
    return tuple(_replicated(study, request, job.executor) for study in studies)


def _checked(label: str, make: Callable[[], _Study]) -> _Study:
    try:
        return make()
    except ValueError as error:
        message = f"placebo {label}: {error}"
        raise Refused(message, {label: message}) from error


def _replicated(study: _Study, request: PlaceboRequest, executor: Executor) -> SymbolPlacebos:
    draws = (request.repetitions, request.seed)
    try:
        return SymbolPlacebos(
            study.symbol,
            tuple(
                run_placebo(
                    name,
                    study.found,
                    estimate,
                    study.tests,
                    draws,
                    partial(executor.map, label=name),
                )
                for name, estimate in study.estimators.items()
            ),
            study.data,
        )
    except ValueError as error:
        message = f"placebo {study.symbol}: {error}"
        raise Refused(message, {study.symbol: message}) from error


def _flow_study(source: str, symbol: str, days: tuple[Output, ...], scope: Scope) -> _Study:
    loaded = tuple(day.load() for day in days)
    periods = past_periods(loaded, scope)
    sample = flow.FlowSample(
        (periods["mid_close"] - periods["mid_open"]).to_numpy(),
        periods["flow"].to_numpy(dtype=np.float64),
        periods["ofi_0"].to_numpy(dtype=np.float64),
        periods["stretch"].to_numpy(np.int64),
    )
    return _Study(
        symbol,
        tape_dataset(source, symbol, data_read(loaded, scope)),
        flow.estimate_flow(sample),
        {
            "sign_shuffle": partial(flow.shuffled_flow, sample),
            "chronology": partial(flow.scrambled_flow, sample),
            "planted_zero": partial(flow.planted_flow, sample),
        },
    )


def _book_study(
    source: str, symbol: str, days: tuple[Output, ...], forecast: Output, scope: Scope
) -> _Study:
    loaded = tuple(day.load() for day in days)
    cells = past_cells(loaded, forecast.load(), scope)
    cells = cells[cells["volatility"].notna() & cells["thinness"].notna()]
    period = cells.groupby(["date", "period"]).ngroup().to_numpy(dtype=np.int64)
    arrays = law_cells(cells)
    law = fit_law(arrays, Family.SPREAD_POWER, int(arrays.bucket.max()) + 1)
    return _Study(
        symbol,
        tape_dataset(source, symbol, data_read(loaded, scope)),
        book.estimate_states(arrays),
        {
            "chronology": partial(book.scrambled_states, arrays, period),
            "planted_zero": partial(book.planted_states, arrays, law),
        },
        (KEPT,),
    )


def _order_study(folder: str) -> _Study:
    panel = read_imbalance_panel(folder).orders
    sample = panel.take(panel.usable)
    delta = fit_orders(sample, form=Form()).law.delta
    return _Study(
        "panel",
        folder_dataset(folder),
        orders.estimate_impact(sample, delta),
        {
            "sign_shuffle": partial(orders.shuffled_orders, sample, delta),
            "random_sides": partial(orders.random_sides, sample, delta),
            "planted_zero": partial(orders.planted_orders, sample, delta),
        },
    )


def record(run: PlaceboRun) -> Record:
    """Return what is tracked of placebos: every symbol is a part."""
    request = run.request
    asked = {"route": request.route, "repetitions": request.repetitions, "seed": request.seed}
    symbols = " ".join(one.symbol for one in run.symbols)
    return Record(
        name=f"placebo {request.route} {symbols}, {made_at()}",
        about=ABOUT,
        description=report_text(run),
        datasets=tuple(one.data for one in run.symbols),
        parameters=asked,
        tags={"level": "placebo"},
        parts=tuple(_symbol_record(one) for one in run.symbols),
    )


def _symbol_record(one: SymbolPlacebos) -> Record:
    """Return one symbol's rate of rejection and mean over replicates of every test."""
    rows = [
        {"placebo": each.name, "parameter": finding.parameter, "test": finding.test}
        | {name: getattr(finding, name) for name in FOUND}
        for each in one.placebos
        for finding in each.findings
    ]
    table = pd.DataFrame(rows)
    first = table.drop_duplicates(["placebo", "parameter"])  # above zero, or that it was kept
    names = first["placebo"] + "_" + first["parameter"]
    return Record(
        name=f"placebo {one.symbol}",
        description="\n\n".join(each.summary() for each in one.placebos),
        parameters={"symbol": one.symbol},
        metrics={
            f"rejection_rate/{name}": rate for name, rate in zip(names, first["rate"], strict=True)
        },
        datasets=(one.data,),
        tables={"placebos": table},
        tags={"level": "placebo_symbol"},
    )


def report_text(run: PlaceboRun) -> str:
    """Return every placebo as text."""
    lines = [f"Placebos of the {run.request.route} route, seed {run.request.seed}", *run.left_out]
    for one in run.symbols:
        lines += ["", one.symbol, *(each.summary() for each in one.placebos)]
    return "\n".join(lines)


def content(run: PlaceboRun) -> dict[str, object]:
    """Return the placebos as JSON-ready values, null where there is no number."""
    asked = run.request
    return {
        "route": asked.route,
        "repetitions": asked.repetitions,
        "seed": asked.seed,
        "level": LEVEL,
        "confidence": CONFIDENCE,
        "symbols": {
            one.symbol: json_ready([asdict(each) for each in one.placebos]) for one in run.symbols
        },
    }
