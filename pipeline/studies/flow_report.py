"""The flow route's result as text and as JSON content; units stand with every number."""

import math
from dataclasses import asdict
from typing import Any

import pandas as pd

from models.impact.flow.hasbrouck import RESPONSES, HasbrouckFit
from models.impact.flow.imbalance import ImbalanceFit, JointFit
from models.impact.flow.kyle import FlowFit
from pipeline.engine.json_content import json_ready
from pipeline.studies.flow import FlowCalibration, SymbolFlow

UNITS = {
    "signed volume": "currency / share^2",
    "imbalance": "currency / share per share of imbalance",
    "half_life": "seconds",
}
COLUMNS = {  # of the table by time of day: label, format; slopes in currency / share^2
    "r2_imbalance": ("R2 OFI", ".3f"),
    "r2_integrated": ("R2 integ.", ".3f"),
    "r2_volume": ("R2 trades", ".3f"),
    "gamma": ("Kyle", ".4g"),
    "standard_error": ("s.e.", ".2g"),
    "shrunk": ("shrunk", ".4g"),
    "shrunk_error": ("s.e.", ".2g"),
    "weight": ("weight", ".3f"),
    "permanent": ("permanent", ".4g"),
}
KYLE, HASBROUCK = (
    "models.impact.flow.kyle.fit_permanent",
    "models.impact.flow.hasbrouck.fit_hasbrouck",
)
IMBALANCE, JOINT = (
    "models.impact.flow.imbalance.fit_imbalance",
    "models.impact.flow.imbalance.fit_joint",
)
TIMES, CHOICE = "models.impact.flow.kyle.shrink", "models.impact.flow.permanent.permanent_impact"


def content(calibration: FlowCalibration) -> dict[str, Any]:
    """Return the result as JSON content, null where there is no number."""
    return json_ready(
        {
            "route": "flow",
            "source": calibration.source,
            "period_seconds": calibration.period_seconds,
            "window_seconds": calibration.window_seconds,
            "units": UNITS,
            "symbols": {
                one.symbol: _symbol(one, calibration.period_seconds) for one in calibration.symbols
            },
        }
    )


def report_text(calibration: FlowCalibration) -> str:
    """Return the result as text: by symbol the estimators, then the table by time of day."""
    heading = (
        f"flow route, source {calibration.source}: periods of {calibration.period_seconds} s, "
        f"windows of {calibration.window_seconds} s"
    )
    symbols = (_symbol_text(one, calibration.period_seconds) for one in calibration.symbols)
    return "\n".join([heading, *calibration.left_out, *symbols])


def estimators(one: SymbolFlow) -> pd.DataFrame:
    """Return a table of every estimate with its error, unit, sample and estimator.

    Columns: name, value, standard_error, unit, r2, n, n_excluded, source (its docstring).
    """
    rows = [_slope("kyle", one.permanent.kyle, "signed volume", KYLE)]
    if one.permanent.response:
        rows += _response_rows(one.permanent.response)
    rows.append(_slope("imbalance_best", one.best.slope, "imbalance", IMBALANCE))
    if one.integrated:
        rows.append(_slope("imbalance_integrated", one.integrated.slope, "imbalance", IMBALANCE))
    if one.joint:
        rows += _joint_rows(one.joint)
    if one.shrunk:
        rows.append(
            {
                "name": "time_of_day_common",
                "value": one.shrunk.common,
                "standard_error": one.shrunk.common_error,
                "unit": UNITS["signed volume"],
                "r2": math.nan,
                "n": one.n_windows,
                "n_excluded": one.n_windows_excluded,
                "source": TIMES,
            }
        )
    return pd.DataFrame(rows)


def _response_rows(response: HasbrouckFit) -> list[dict[str, Any]]:
    errors = response.covariance.standard_errors
    return [
        {
            "name": name,
            "value": getattr(response, name),
            "standard_error": float(error),
            "unit": UNITS["signed volume"],
            "r2": response.r2,
            "n": response.n,
            "n_excluded": response.n_early + response.n_unknown,
            "source": HASBROUCK,
        }
        for name, error in zip(RESPONSES, errors, strict=True)
    ]


def _joint_rows(joint: JointFit) -> list[dict[str, Any]]:
    slopes = (
        ("joint_imbalance", joint.imbalance, joint.imbalance_error, "imbalance"),
        ("joint_volume", joint.volume, joint.volume_error, "signed volume"),
    )
    return [
        {
            "name": name,
            "value": value,
            "standard_error": error,
            "unit": UNITS[unit],
            "r2": joint.r2,
            "n": joint.n,
            "n_excluded": joint.n_excluded,
            "source": JOINT,
        }
        for name, value, error, unit in slopes
    ]


def _slope(name: str, fit: FlowFit, unit: str, source: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": fit.estimate,
        "standard_error": fit.standard_error,
        "unit": UNITS[unit],
        "r2": fit.r2,
        "n": fit.n,
        "n_excluded": fit.n_excluded,
        "source": source,
    }


def _symbol(one: SymbolFlow, period_seconds: int) -> dict[str, Any]:
    chosen = one.permanent
    return {
        "days": one.days,
        "periods": one.periods,
        "gamma": {
            "value": chosen.gamma,
            "estimate": chosen.estimate,
            "standard_error": chosen.standard_error,
            "estimator": chosen.estimator,
            "unit": UNITS["signed volume"],
            "source": CHOICE,
        },
        "estimators": estimators(one).to_dict("records"),
        "response": _response(chosen.response, period_seconds),
        "imbalance": {
            "best": _imbalance(one.best),
            "integrated": one.integrated and _imbalance(one.integrated),
        },
        "correlation": one.joint and one.joint.correlation,
        "times": one.times.reset_index().to_dict("records"),
        "windows": {"fitted": one.n_windows, "excluded": one.n_windows_excluded},
        "shrinkage": one.shrunk
        and {
            "common": one.shrunk.common,
            "common_error": one.shrunk.common_error,
            "spread": one.shrunk.spread,
            "effective_degrees_of_freedom": one.shrunk.effective,
            "unit": UNITS["signed volume"],
            "source": TIMES,
        },
        "r2_volume": _mean(one.times, "r2_volume"),
        "warnings": [asdict(caveat) for caveat in one.warnings],
    }


def _response(response: HasbrouckFit | None, period_seconds: int) -> dict[str, Any] | None:
    if response is None:
        return None
    return {
        "half_life_seconds": response.half_life * period_seconds,
        "follow_on_shares": response.follow_on,
        "lags": response.lags,
        "groups": response.groups,
        "criterion": response.criterion,
        "n": response.n,
        "n_early": response.n_early,
        "n_unknown": response.n_unknown,
        "covariance": {"names": RESPONSES, "matrix": response.covariance.matrix.tolist()},
        "source": HASBROUCK,
    }


def _imbalance(fit: ImbalanceFit) -> dict[str, Any]:
    return {
        "r2_windows": fit.r2.mean(),
        "r2_next_window": pd.Series(fit.r2_next).mean(),
        "windows": len(fit.window),
        "excluded": fit.n_excluded,
        "weights": fit.weights.tolist(),
        "explained": fit.explained,
        "source": IMBALANCE,
    }


def _symbol_text(one: SymbolFlow, period_seconds: int) -> str:
    chosen, response = one.permanent, one.permanent.response
    lines = [
        f"\n{one.symbol}: {one.days} days, {one.periods:,} periods",
        f"gamma {chosen.gamma:.4g} {UNITS['signed volume']} (s.e. {chosen.standard_error:.2g}) by "
        f"{CHOICE}: {chosen.estimator}",
        f"{'estimator':<22}{'value':>12}{'s.e.':>10}{'R2':>7}{'n':>9}{'excluded':>9}  unit; "
        "docstring",
    ]
    lines += [
        f"{row.name:<22}{row.value:>12.4g}{row.standard_error:>10.2g}"
        f"{_cell(row.r2, '.3f', 7)}{row.n:>9,}"
        f"{row.n_excluded:>9,}  {row.unit}; {row.source}"
        for row in estimators(one).itertuples(index=False, name="Row")
    ]
    if response:
        lines.append(
            "half-life of the transient part "
            f"{_cell(response.half_life * period_seconds, '.3g', 0)} s, {response.follow_on:.2f} "
            f"shares follow one unexpected share (itself included), {response.lags} lags, "
            f"{response.n_early} periods too early for them, {response.n_unknown} with a missing "
            "mid"
        )
    for name, fit in (("best level", one.best), ("integrated", one.integrated)):
        if fit:
            weights = ", ".join(f"{weight:.3f}" for weight in fit.weights)
            lines.append(
                f"imbalance, {name}: R2 within windows {fit.r2.mean():.3f}, of the next window "
                f"{_cell(pd.Series(fit.r2_next).mean(), '.3f', 0)}; {len(fit.window)} windows, "
                f"{fit.n_excluded} excluded; weights {weights} hold {fit.explained:.0%} of the "
                "variance"
            )
    if one.shrunk:
        shrunk = one.shrunk
        lines.append(
            f"trade imbalance: R2 within windows {_mean(one.times, 'r2_volume'):.3f}; "
            f"{one.n_windows} windows, {one.n_windows_excluded} excluded; gamma by time of day has "
            f"spread {shrunk.spread:.3g} {UNITS['signed volume']}, {shrunk.effective:.1f} "
            "effective degrees of freedom"
        )
    lines += [f"\nby time of day (slopes in {UNITS['signed volume']})", _table(one.times)]
    return "\n".join([*lines, *(f"{caveat.code}: {caveat.message}" for caveat in one.warnings)])


def _table(times: pd.DataFrame) -> str:
    shown = {key: column for key, column in COLUMNS.items() if key in times}
    lines = [
        "  ".join(
            [f"{'time':<5}", f"{'days':>4}", *(f"{label:>10}" for label, _ in shown.values())]
        )
    ]
    for row in times.to_dict("records"):
        cells = [_cell(row[key], form, 10) for key, (_, form) in shown.items()]
        lines.append("  ".join([f"{row['time']:<5}", f"{row['days']:>4}", *cells]))
    return "\n".join(lines)


def _cell(value: float, form: str, width: int) -> str:
    return f"{'-' if math.isnan(value) else format(value, form):>{width}}"


def _mean(times: pd.DataFrame, name: str) -> float:
    return float(times[name].mean()) if name in times else math.nan
