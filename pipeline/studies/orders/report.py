"""A calibration from orders as text and as JSON content."""

from typing import Any

import numpy as np
import pandas as pd

from models.impact.orders.cost import OrderShape
from models.impact.orders.equations import COEFFICIENTS, FREE, SIZE
from models.inference.bootstrap import Bootstrap
from pipeline.engine.json_content import json_ready
from pipeline.studies.orders.route import OrderCalibration
from pipeline.studies.orders.sample import OrderSample

SHAPES = ((0.05, 0.2), (0.01, 0.6), (0.05, 0.05))  # share of daily volume, days


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
    lines += ["", *_costs_text(found), "", *_without_text(found), ""]
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
    part = slice(4 * place, 4 * place + 4)
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


def _costs_text(found: OrderCalibration) -> list[str]:
    """Return what orders of three shapes cost by the fit, and by the other law where it stands."""
    costs = pd.DataFrame(_costs(found))
    lines = [
        f"J of an order, bps with s.e., at the median volatility {costs['volatility'].iloc[0]:.4g} "
        "a day:"
    ]
    for by, rows in costs.groupby("by", sort=False):
        told = ", ".join(
            f"{row.participation:.0%} of V in {row.duration_days:g} day {row.cost_bps:.1f} ± "
            f"{row.standard_error:.1f}"
            for row in rows.itertuples()
        )
        lines.append(f"  by {by}: {told}")
    return lines


def _costs(found: OrderCalibration) -> list[dict[str, float | str]]:
    fit, orders = found.fits[0], found.sample.orders
    turnover = 1.0 if orders.inverse_turnover is None else float(np.median(orders.inverse_turnover))
    laws = {fit.form.duration: fit.fitted} | ({} if fit.other is None else {SIZE: fit.other})
    rows: list[dict[str, float | str]] = []
    for by, law in laws.items():
        for size, duration in SHAPES:
            shape = OrderShape(size, duration, float(np.median(orders.volatility)), turnover)
            cost, error = law.cost_bps(shape)
            rows.append(
                {
                    "by": by if by != FREE else "size and duration",
                    "participation": size,
                    "duration_days": duration,
                    "volatility": shape.volatility,
                    "cost_bps": cost,
                    "standard_error": error,
                }
            )
    return rows


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
            "costs": _costs(found),
            "leave_one_day_out": [
                {"day": day, **dict(zip(COEFFICIENTS, row.tolist(), strict=True))}
                for day, row in zip(found.days, found.without, strict=True)
            ],
            "warnings": [vars(caveat) for caveat in sample.caveats],
        }
    )


def _fit_json(found: OrderCalibration, place: int) -> dict[str, Any]:
    fit, part = found.fits[place], slice(4 * place, 4 * place + 4)
    free = fit.covariance.standard_errors > 0  # tau follows delta where cost goes by rate
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
        "cost_by": fit.form.duration,
        "duration_test": None if fit.durations is None else vars(fit.durations),
        "k": 1 + fit.law.delta,
        "covariance": fit.covariance.matrix.tolist(),
        "n": fit.n,
        "n_unfinished": fit.n_unfinished,
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
