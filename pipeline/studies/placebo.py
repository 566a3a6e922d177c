"""Placebos of every route over real data: `impact placebo`."""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from models.impact.book.cost_law import Family, fit_law
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
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor
from pipeline.engine.job import ingest_files, open_job
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.stage import Output
from pipeline.run import SymbolWork, calibrate_symbols
from pipeline.stages.history import law_cells, past_cells, past_periods
from pipeline.stages.measure import measure_days
from pipeline.studies.orders.panel import read_imbalance_panel

ROUTES = ("flow", "book", "orders")


@dataclass(frozen=True)
class PlaceboRequest:
    """What was asked: route, replicates, their seed, and where the cache is (not for orders)."""

    route: str
    repetitions: int = 200
    seed: int = 0
    out: str = "out"


@dataclass(frozen=True)
class SymbolPlacebos:
    """One symbol's placebos; of orders, all of the panel's stocks together."""

    symbol: str
    placebos: tuple[Placebo, ...]


@dataclass(frozen=True)
class PlaceboRun:
    """The placebos of one route over all symbols."""

    request: PlaceboRequest
    symbols: tuple[SymbolPlacebos, ...]


@dataclass(frozen=True)
class _Study:
    """What one symbol's placebos need: estimates on the data, an estimator a placebo, tests."""

    symbol: str
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
    with ExitStack() as stack:
        job, raw = open_job(config, request.out, stack)
        days, _ = ingest_files(job, raw)
        scope = make_scope([day.date for day in days], job.calendar, config)
        if request.route == "book":
            studies = [
                _checked(work.symbol, partial(_book_study, work, scope))
                for work in calibrate_symbols(job, days, scope)
            ]
        else:
            if not config.data.as_of:
                # nothing is planned: the whole tape is history
                scope = replace(scope, as_of=scope.last_close)
            measured = list(zip(days, measure_days(job, days), strict=True))
            studies = [
                _checked(
                    symbol,
                    partial(
                        _flow_study,
                        symbol,
                        [output for day, output in measured if day.symbol == symbol],
                        scope,
                    ),
                )
                for symbol in sorted({day.symbol for day in days})
            ]
        return PlaceboRun(
            request, tuple(_replicated(study, request, job.executor) for study in studies)
        )


def _checked(label: str, make: Callable[[], _Study]) -> _Study:
    try:
        return make()
    except ValueError as error:
        raise InputError(f"placebo {label}: {error}") from error


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
        )
    except ValueError as error:
        raise InputError(f"placebo {study.symbol}: {error}") from error


def _flow_study(symbol: str, outputs: list[Output], scope: Scope) -> _Study:
    periods = past_periods(tuple(output.load() for output in outputs), scope)
    sample = flow.FlowSample(
        (periods["mid_close"] - periods["mid_open"]).to_numpy(),
        periods["flow"].to_numpy(dtype=np.float64),
        periods["ofi_0"].to_numpy(dtype=np.float64),
        periods["date"].astype("category").cat.codes.to_numpy(np.int64),
    )
    return _Study(
        symbol,
        flow.estimate_flow(sample),
        {
            "sign_shuffle": partial(flow.shuffled_flow, sample),
            "chronology": partial(flow.scrambled_flow, sample),
            "planted_zero": partial(flow.planted_flow, sample),
        },
    )


def _book_study(work: SymbolWork, scope: Scope) -> _Study:
    cells = past_cells(tuple(day.load() for day in work.days), work.forecast.load(), scope)
    cells = cells[cells["volatility"].notna() & cells["thinness"].notna()]
    period = cells.groupby(["date", "period"]).ngroup().to_numpy(dtype=np.int64)
    arrays = law_cells(cells)
    law = fit_law(arrays, Family.SPREAD_POWER, int(arrays.bucket.max()) + 1)
    return _Study(
        work.symbol,
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
    delta = fit_orders(sample).law.delta
    return _Study(
        "panel",
        orders.estimate_impact(sample, delta),
        {
            "sign_shuffle": partial(orders.shuffled_orders, sample, delta),
            "random_sides": partial(orders.random_sides, sample, delta),
            "planted_zero": partial(orders.planted_orders, sample, delta),
        },
    )


def metrics(run: PlaceboRun) -> dict[str, dict[str, float]]:
    """Return symbol -> metric -> value: every test's rate of rejection and mean estimate."""
    return {
        one.symbol: {
            f"{test}_{finding.parameter}_{finding.test.replace('-', '_')}_{what}": (
                getattr(finding, what)
            )
            for each in one.placebos
            for test in (f"placebo_{each.name}",)
            for finding in each.findings
            for what in ("rate", "low", "high", "mean", "sd")
        }
        for one in run.symbols
    }


def report_text(run: PlaceboRun) -> str:
    """Return every placebo as text."""
    lines = [f"Placebos of the {run.request.route} route, seed {run.request.seed}"]
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
            one.symbol: [_finite(asdict(each)) for each in one.placebos] for one in run.symbols
        },
    }


def _finite(content: dict[str, Any]) -> dict[str, Any]:
    findings = [
        {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in each.items()
        }
        for each in content["findings"]
    ]
    return content | {"findings": findings}
