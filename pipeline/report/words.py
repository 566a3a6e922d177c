"""A symbol's run in words: its law, its forecasts, its saving, and all of it in a few sentences."""

import numpy as np
import pandas as pd

from pipeline.engine.tables import Forecast, Schedule
from pipeline.parameters.schema import Law
from pipeline.planning.plan_text import CENT
from pipeline.report.results import SymbolReport
from pipeline.report.tables.digits import count, number, percent
from pipeline.report.tables.forecasts import CONSTANT
from pipeline.stages.selection.select import HELD

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
    "spline": "the splines' curve",
    "histogram": "histogram boosting",
    "lightgbm": "LightGBM",
    "hybrid": "the law times boosting",
}
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
    better = sum(gain > 0 for gain in known.values())
    return f"{better} of {len(known)} beat the average day"


def forecast_sentence(forecast: Forecast) -> str:
    """Return by how much the forecasts beat the average day on held-out days, or not."""
    known = gains(forecast)
    if not known:
        return "The forecasts could not be tested: the history is too short, or nothing varies."
    told = ", ".join(
        f"{name.replace('_', ' ')} {percent(abs(gain))} {'better' if gain > 0 else 'worse'}"
        for name, gain in known.items()
    )
    return f"Held-out forecasts against the average day: {told}."


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
    """Return what the law was fitted on."""
    facts, read = report.calibration.facts.iloc[0], report.read
    days = "1 day" if read.days == 1 else f"{read.days} days"
    return (
        f"{count(facts['observations'])} book walks of {days} ({read.window.replace('..', ' to ')})"
    )


def decision_word(decision: pd.Series) -> str:
    """Return what the law was chosen by, and why."""
    how = "is held" if decision["criterion"] == HELD else f"was chosen by {decision['criterion']}"
    return f"The law {how}: {decision['reason']}."


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


def scored_words(scores: pd.DataFrame) -> str:
    """Return how many held-out walks were scored, and of how many the cost was not known."""
    one = scores[scores["exported"]].iloc[0]
    return (
        f"{count(one['cells'])} walks are scored, {count(one['bounded'])} of them, whose depth ran "
        f"out, by what they cost at least; {count(one['free'])} that cost nothing are not."
    )


def describe(report: SymbolReport) -> str:
    """Return a symbol's run in words: fit, comparison, forecasts, plan, caveats."""
    order, best = report.order, report.schedule.costs.set_index("method").loc["optimal"]
    error = best["cost_error"] * best["cost_bps"] / best["cost"] if best["cost"] else np.nan
    told = f" ± {number(error, 2)}" if np.isfinite(error) else ", no error known"
    family = FAMILIES[report.calibration.facts["family"].iloc[0]]
    codes = list(dict.fromkeys([*report.calibration.warnings["code"], *report.findings["code"]]))
    return " ".join(
        [
            f"{report.symbol}: {family}, fitted on {fitted_on(report)}.",
            winner_word(report.selection.scores),
            forecast_sentence(report.forecast),
            f"To {order.side} {count(order.shares)} shares the plan is expected to cost "
            f"{number(best['cost_bps'], 3)}{told} bps; against TWAP it saves "
            f"{saving_word(report.schedule, 'twap')}.",
            f"Caveats: {', '.join(codes) or 'none'}.",
        ]
    )
