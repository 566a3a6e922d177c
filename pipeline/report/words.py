"""A symbol's run in words: its law, its forecasts, its saving, and all of it in a few sentences."""

import numpy as np
import pandas as pd

from pipeline.engine.tables import Calibration, Forecast, Schedule
from pipeline.parameters.schema import Law
from pipeline.planning.plan_text import CENT
from pipeline.report.results import SymbolReport
from pipeline.report.tables.digits import count, number, percent

FAMILIES = {
    "spread_power": "half spread + power law",
    "spread_sqrt": "half spread + square-root law",
    "power": "power law",
    "square_root": "square-root law",
    "linear": "linear: the half spread and what the book costs beyond it, as one",
}
CANDIDATES = {
    "law": "the parametric law",
    "square_root": "the square-root law",
    "gamma_regression": "the Gamma regression",
    "lightgbm": "LightGBM",
}
CONSTANT = 1e-12  # a loss below it: the series does not vary, and nothing is compared
AHEAD = "day ahead"


def law_word(law: Law) -> str:
    """Return the law in a word, with its exponent where that is not fixed."""
    if law.family == "linear":
        return "linear"
    spread = "spread + " if law.family.startswith("spread") else ""
    return f"{spread}x^{number(law.k, 3)}"


def gains(forecast: Forecast) -> dict[str, float]:
    """Return by series how much lower the day-ahead loss is than the time-of-day baseline's, as a
    share; a series without any loss, or not scored, is left out.
    """
    scored = forecast.scores[forecast.scores["origin"] == AHEAD]
    return {
        str(row.series): 1 - row.model / row.baseline
        for row in scored.itertuples()
        if row.baseline > CONSTANT and np.isfinite(row.model)
    }


def forecast_word(forecast: Forecast) -> str:
    """Return how the forecasts did on held-out days, in a few words."""
    known = gains(forecast)
    if not known:
        return "untested"
    better = [name.replace("_", " ") for name, gain in known.items() if gain > 0]
    if not better:
        return "no better than the average day"
    return f"{', '.join(better)} better than the average day"


def saving(schedule: Schedule, against: str) -> tuple[float, float, float]:
    """Return what the plan saves against a benchmark, its standard error, and half of the 95 %
    interval, bps.
    """
    costs = schedule.costs.set_index("method")
    best, other = costs.loc["optimal"], costs.loc[against]
    unit = best["cost_bps"] / best["cost"] if best["cost"] else np.nan
    saved = other["cost"] - best["cost"]
    return unit * saved, unit * other["saving_error"], unit * other["saving_reach"]


def saving_word(schedule: Schedule, against: str) -> str:
    """Return what the plan saves against a benchmark with its error, or that it is not told."""
    costs = schedule.costs.set_index("method")["cost"]
    saved, error, reach = saving(schedule, against)
    if abs(costs[against] - costs["optimal"]) < CENT:
        return "the same"
    if np.isnan(error):
        return f"{number(saved, 2)} bps, no error known"
    told = "" if abs(saved) > reach else ", not told from zero"
    return f"{number(saved, 2)} ± {number(error, 2)} bps{told}"


def fitted_on(report: SymbolReport) -> str:
    """Return what was fitted on what."""
    facts, read = report.calibration.facts.iloc[0], report.read
    days = "1 day" if read.days == 1 else f"{read.days} days"
    return (
        f"{FAMILIES[facts['family']]}, fitted on {count(facts['observations'])} book walks of "
        f"{days} ({read.window.replace('..', ' to ')})"
    )


def winner_word(scores: pd.DataFrame) -> str:
    """Return which model told held-out costs best, and by how much."""
    ranked = scores.sort_values("deviance")
    best, stands = ranked.iloc[0], scores[scores["exported"]].iloc[0]
    held = f"On {count(best['cells'])} held-out walks"
    if best["candidate"] == stands["candidate"]:
        return f"{held} it has the lowest deviance ({number(best['deviance'], 3)})."
    gap, error = stands["deviance"] - best["deviance"], stands["deviance_error"]
    proof = "within" if not gap > 2 * error else "beyond"
    return (
        f"{held} {CANDIDATES[best['candidate']]} has a deviance lower by {number(gap, 2)}, "
        f"{proof} two standard errors ({number(error, 2)})."
    )


def describe(report: SymbolReport) -> str:
    """Return a symbol's run in words: fit, comparison, forecasts, plan, caveats."""
    order, best = report.order, report.schedule.costs.set_index("method").loc["optimal"]
    known = gains(report.forecast)
    forecasts = ", ".join(
        f"{name.replace('_', ' ')} {percent(abs(gain))} {'better' if gain > 0 else 'worse'}"
        for name, gain in known.items()
    )
    error = best["cost_error"] * best["cost_bps"] / best["cost"] if best["cost"] else np.nan
    told = f" ± {number(error, 2)}" if np.isfinite(error) else ", no error known"
    codes = list(dict.fromkeys([*report.calibration.warnings["code"], *report.findings["code"]]))
    return " ".join(
        [
            f"{report.symbol}: {fitted_on(report)}.",
            winner_word(report.selection.scores),
            f"Held-out forecasts against the average day: {forecasts or 'untested'}.",
            f"To {order.side} {count(order.shares)} shares the plan is expected to cost "
            f"{number(best['cost_bps'], 3)}{told} bps; against TWAP it saves "
            f"{saving_word(report.schedule, 'twap')}.",
            f"Caveats: {', '.join(codes) or 'none'}.",
        ]
    )


def uncertain_parameters(calibration: Calibration) -> list[str]:
    """Return the parameters that are not estimated but fixed by the family or a fallback."""
    table = calibration.parameters
    fixed = table[table["standard_error"].isna() & ~table["name"].str.startswith("log_alpha")]
    return [str(name) for name in fixed["name"]]
