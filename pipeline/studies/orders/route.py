"""Calibrate from orders: `impact calibrate --route orders`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.fit import (
    COEFFICIENTS,
    OrderFit,
    fit_orders,
    leave_day_out,
    point_estimates,
)
from models.inference.bootstrap import Bootstrap, block_bootstrap
from pipeline.engine.errors import InputError
from pipeline.engine.executor import Executor
from pipeline.engine.json_content import json_ready
from pipeline.studies.orders.columns import read_broker_columns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.panel import read_imbalance_panel
from pipeline.studies.orders.sample import OrderSample

Floats = NDArray[np.float64]
SOURCES = ("panel", "fills")
LEAST_REPLICATES = 50


@dataclass(frozen=True)
class OrdersRequest:
    """What was asked: source, folder, the column map of fills, replicates and their seed.

    source: "panel" or "fills".
    """

    source: str
    data: str
    columns: str | None
    bootstrap: int
    seed: int


@dataclass(frozen=True, eq=False)
class OrderCalibration:
    """The two-step fit (the result) and the joint one, resampled by day and without each day.

    resampled: estimates of two-step and joint, (R, 6), None when no replicates were asked for;
    without: (D, 3).
    """

    request: OrdersRequest
    sample: OrderSample
    fits: tuple[OrderFit, OrderFit]
    resampled: Bootstrap | None
    days: tuple[str, ...]
    without: Floats


def calibrate_orders(request: OrdersRequest) -> OrderCalibration:
    """Read the orders, fit them, resample days and leave each day out.

    Raises: InputError when an option, a file or the data cannot be used.
    """
    sample = _read(request)
    try:
        return _calibrated(request, sample)
    except ValueError as error:
        raise InputError(
            f"{request.data}: {error}; {len(sample.orders)} of {sample.rows} rows can be used, "
            f"left out: {_counts(sample.dropped) or 'none'}; give orders of more days"
        ) from None


def _calibrated(request: OrdersRequest, sample: OrderSample) -> OrderCalibration:
    orders = sample.orders
    fits = (fit_orders(orders), fit_orders(orders, joint=True))
    fixed = [None if fit.covariance.matrix[2, 2] else fit.law.delta for fit in fits]
    with Executor() as executor:

        def spread(work: Callable[[Any], Any], draws: Iterable[Any]) -> list[Any]:
            return executor.map(work, list(draws), "bootstrap")

        resampled = (
            block_bootstrap(
                lambda rows: point_estimates(orders.take(rows), (fixed[0], fixed[1])),
                orders.day,
                request.bootstrap,
                request.seed,
                spread,
            )
            if request.bootstrap
            else None
        )
        labels = np.unique(orders.day)
        without = executor.map(
            lambda day: leave_day_out(orders, day, fixed[0]), labels.tolist(), "leave one out"
        )
    return OrderCalibration(
        request,
        sample,
        fits,
        resampled,
        tuple(sample.days[day] for day in labels),
        np.array(without),
    )


def _read(request: OrdersRequest) -> OrderSample:
    if request.source not in SOURCES:
        raise InputError(
            f"--source: no source '{request.source}' of orders; the sources are "
            f"{', '.join(SOURCES)}"
        )
    if request.bootstrap and request.bootstrap < LEAST_REPLICATES:
        raise InputError(
            f"--bootstrap: {request.bootstrap}, give 0 for none or at least {LEAST_REPLICATES}"
        )
    if request.seed < 0:
        raise InputError(f"--seed: {request.seed}, give 0 or more")
    if request.source == "fills":
        return read_orders(request.data, read_broker_columns(request.columns))
    if request.columns is not None:
        raise InputError(
            "--columns: a panel has no column map; leave it out, or use --source fills"
        )
    return read_imbalance_panel(request.data)


def report_text(found: OrderCalibration) -> str:
    """Return the calibration as text: what was dropped, both fits, the fit without each day."""
    lines = [f"Order route, {found.request.source} {found.request.data}", *found.sample.definition]
    lines += [
        "",
        f"rows {found.sample.rows}, used {len(found.sample.orders)}, days {len(found.days)}",
    ]
    lines += _sample_text(found.sample)
    for place, fit in enumerate(found.fits):
        lines += ["", fit.summary()]
        if found.resampled is not None:
            lines += _resampled_text(found.resampled, place)
    lines += ["", *_without_text(found), ""]
    delta = found.fits[0].law.delta
    lines.append(
        f"exponent of total cost k = 1 + delta = {1 + delta:.4g}; the result is the two-step fit"
    )
    caveats = [f"{caveat.code}: {caveat.message}" for caveat in found.sample.caveats]
    return "\n".join(lines + caveats)


def _sample_text(sample: OrderSample) -> list[str]:
    """Return what was left out, by reason, and what was noted."""
    some = {reason: count for reason, count in sample.dropped.items() if count}
    none = [reason for reason, count in sample.dropped.items() if not count]
    return [
        "left out, by reason:",
        *(f"  {reason:<28}{count:>9,}" for reason, count in some.items()),
        f"  none of {', '.join(none)}",
        "noted:",
        *(f"  {what}: {count:,}" for what, count in sample.noted.items() if count),
    ]


def _resampled_text(resampled: Bootstrap, place: int) -> list[str]:
    """Return the bootstrap errors and intervals of the fit at this place."""
    part = slice(3 * place, 3 * place + 3)
    low, high = resampled.interval()[:, part]
    errors = resampled.standard_errors[part]
    heading = f"bootstrap of days, {len(resampled.estimates)} replicates, {resampled.failed} failed"
    return [
        heading,
        *(
            f"{name:<8}{'':>12}{error:>10.2g}{f'{left:.4g} .. {right:.4g}':>24}"
            if error
            else f"{name:<8}{'':>12}{'':>10}{'fixed':>24}"
            for name, error, left, right in zip(COEFFICIENTS, errors, low, high, strict=True)
        ),
    ]


def _without_text(found: OrderCalibration) -> list[str]:
    """Return the two-step estimates without each day, then the least and the most of them."""
    rows = [
        *zip(found.days, found.without, strict=True),
        ("least", found.without.min(axis=0)),
        ("most", found.without.max(axis=0)),
    ]
    return [
        "two-step estimates without one day:",
        f"{'day':<12}" + "".join(f"{name:>12}" for name in COEFFICIENTS),
        *(f"{label:<12}" + "".join(f"{value:>12.4g}" for value in row) for label, row in rows),
    ]


def content(found: OrderCalibration) -> dict[str, Any]:
    """Return the calibration as JSON-ready values, null where there is no number."""
    sample = found.sample
    return json_ready(
        {
            "route": "orders",
            **vars(found.request),
            "definition": sample.definition,
            "rows": sample.rows,
            "used": len(sample.orders),
            "dropped": sample.dropped,
            "noted": sample.noted,
            "result": "two_step",
            "two_step": _fit_json(found, 0),
            "joint": _fit_json(found, 1),
            "leave_one_day_out": [
                {"day": day, **dict(zip(COEFFICIENTS, row.tolist(), strict=True))}
                for day, row in zip(found.days, found.without, strict=True)
            ],
            "warnings": [vars(caveat) for caveat in sample.caveats],
        }
    )


def _fit_json(found: OrderCalibration, place: int) -> dict[str, Any]:
    fit, part = found.fits[place], slice(3 * place, 3 * place + 3)
    free = fit.covariance.standard_errors > 0
    errors = [("clustered", fit.covariance.standard_errors, fit.interval())]
    if found.resampled is not None:
        errors.append(
            (
                "bootstrap",
                found.resampled.standard_errors[part],
                found.resampled.interval()[:, part],
            )
        )
    estimates = {}
    for at, name in enumerate(COEFFICIENTS):
        estimates[name] = {"estimate": fit.values[at], "fixed": not free[at]}
        for kind, error, (low, high) in errors:
            estimates[name][f"standard_error_{kind}"] = float(error[at]) if free[at] else None
            estimates[name][f"interval_95_{kind}"] = (
                [float(low[at]), float(high[at])] if free[at] else None
            )
    exponent, error = fit.permanent_exponent
    return {
        "estimates": estimates,
        "k": 1 + fit.law.delta,
        "covariance": fit.covariance.matrix.tolist(),
        "n": fit.n,
        "n_excluded": fit.n_excluded,
        "clusters": fit.clusters,
        "r2_permanent": fit.r2_permanent,
        "r2_temporary": fit.r2_temporary,
        "scale_permanent": fit.scale_permanent,
        "scale_temporary": fit.scale_temporary,
        "correlation": fit.correlation,
        "permanent_exponent": {"estimate": exponent, "standard_error_clustered": error},
        "replicates": None if found.resampled is None else len(found.resampled.estimates),
        "replicates_failed": None if found.resampled is None else found.resampled.failed,
        "estimator": "models.impact.orders.fit.fit_orders",
        "warnings": [vars(caveat) for caveat in fit.warnings],
    }


def _counts(dropped: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count)
