"""The table of what a calibration's estimates rest on, check by check."""

import math

import pandas as pd

from pipeline.report.tables.digits import MISSING, number
from pipeline.report.tables.table import Table

GAMMA_SOURCES = {
    "hasbrouck": "what stays of it, with no trade following",
    "kyle": "Kyle’s slope, what the period holds; what decays counts",
}
CHECK_ESTIMATORS = (
    "models.impact.book.identification.asymmetry",
    "models.impact.book.identification.reliability",
    "models.impact.flow.kyle.fit_permanent",
    "models.impact.flow.permanent.permanent_impact",
    "models.impact.flow.hasbrouck.fit_hasbrouck",
    "models.impact.flow.immediate.fit_immediate",
    "models.impact.flow.state_response.compare_state",
    "models.impact.slicing.refill.fit_refill",
    "solver.slice_factor",
    "models.impact.admissibility.admissibility",
)


def check_table(facts: pd.Series, parameters: pd.DataFrame) -> Table:
    """List what the estimates rest on: each check's value, its error, and how to read it."""
    rows = (
        *_state_rows(facts),
        *_permanent_rows(facts, parameters),
        *_refill_rows(facts),
    )
    return Table(
        ("Check", "Value", "Standard error", "Meaning"),
        rows,
        words=(0, 3),
        estimators=CHECK_ESTIMATORS,
    )


def _state_rows(facts: pd.Series) -> tuple[tuple[str, ...], ...]:
    """Return the checks of the sides and of the forecast states."""
    return (
        (
            "log α of buys less that of sells",
            *_with_error(facts, "asymmetry"),
            "0 where both sides cost the same",
        ),
        (
            "Realized volatility on the fit’s",
            *_with_error(facts, "volatility_slope"),
            "slope; below 1 its states are noisy, β low",
        ),
        (
            "Realized volume on the fit’s",
            *_with_error(facts, "volume_slope"),
            "slope; below 1 its states are noisy, θ low",
        ),
    )


def _permanent_rows(facts: pd.Series, parameters: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """Return the checks of permanent impact: what γ is a share of, and what else it may be."""
    gamma, *_ = parameters[parameters["name"] == "gamma"].itertuples()
    used = f"γ in use, {number(gamma.value, 3)}"
    at_once, share, between = (
        "of the mid to a trade; not identified: γ is not held below it",
        MISSING,
        "not identified",
    )
    if math.isfinite(facts["gamma_immediate"]):
        lag = number(facts["gamma_immediate_lag"], 3)
        at_once = f"of the mid to a trade within {lag} s, later flow taken out; γ is at most that"
        share = number(facts["gamma_share"], 3)
        ends = (number(facts[f"gamma_share_{end}"], 2) for end in ("low", "high"))
        between = f"{' … '.join(ends)} before pooling; {used}, is p times the immediate response"
    return (
        (
            "γ by Kyle’s slope",
            *_with_error(facts, "gamma_kyle"),
            "what signed volume moves the mid within the period, with what decays later",
        ),
        (
            "γ by the long-run response",
            *_with_error(facts, "gamma_long_run"),
            f"before the bound: {GAMMA_SOURCES[facts['gamma_estimator']]}",
        ),
        ("Immediate response", *_with_error(facts, "gamma_immediate"), at_once),
        ("p, the share that stays", share, "", between),
        (
            "R² that spread and depth add to γ",
            *_with_error(facts, "gamma_state_gain"),
            "of the mid’s moves after later minutes’ flow; "
            + (
                "γ follows the book" if facts["gamma_state_beats"] else "not told from a constant γ"
            ),
        ),
    )


def _refill_rows(facts: pd.Series) -> tuple[tuple[str, ...], ...]:
    """Return the checks of the book's refill."""
    half_life, refill = MISSING, "not identified"
    if math.isfinite(facts["refill_half_life"]):
        half_life = number(facts["refill_half_life"], 3)
        upper = number(facts["refill_half_life_upper"], 3)
        refill = f"of displayed depth after trades; at most {upper} with 95 %"
    return (("Half-life of the book’s refill, s", half_life, "", refill),)


def _with_error(facts: pd.Series, name: str) -> tuple[str, str]:
    return number(facts[name], 3), number(facts[f"{name}_error"], 2)
