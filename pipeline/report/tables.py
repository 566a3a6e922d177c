"""The report's tables as text: numbers in the digits that their errors allow, and what each column
means.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.engine.tables import Schedule

if TYPE_CHECKING:
    from pipeline.report.plots import Clock

MISSING = "–"
SMALLEST_POWER = -4  # of ten that is written out in zeros
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
METHODS = {
    "optimal": "Optimal",
    "nlp": "Continuous (NLP)",
    "dp": "Lattice (DP)",
    "twap": "TWAP",
    "vwap": "VWAP",
}
CANDIDATES = {
    "law": "Parametric law",
    "square_root": "Square-root law",
    "gamma_regression": "Gamma regression",
    "lightgbm": "LightGBM",
}
SERIES = {
    "volatility": "Volatility",
    "volume": "Volume",
    "half_spread": "Half spread",
    "depth": "Depth",
}
SYMBOLS = {"k": "k", "beta": "β", "theta": "θ", "gamma": "γ"}
LOSSES = {"qlike": "QLIKE", "mse_log": "MSE of logarithms"}
BREAKDOWN = ("spread", "temporary", "permanent", "drift")
ESTIMATED = ("Estimate", "Standard error", "95% interval", "Degrees of freedom", "Bootstrap error")
INFERENCE = ("models.inference.covariance.jackknifed", "models.inference.joint.one_step_bootstrap")


@dataclass(frozen=True)
class Table:
    """A table of text: the columns numbered in `words` are left-aligned, the rows in `marked` stand
    out.

    estimators: dotted names of the functions that made the numbers; sources: of the one that made
    the second column's, one a row.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    marked: tuple[int, ...] = ()
    estimators: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def number(value: float, digits: int = 4) -> str:
    """Return a number in that many significant digits: thousands separated, tiny as m × 10ⁿ,
    missing as a dash.
    """
    if pd.isna(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    unit, decimals = _form(value, digits)
    text = f"{value / 10.0**unit:,.{decimals}f}"
    return (f"{text} × {_ten_to(unit)}" if unit else text).replace("-", "−")


def _form(value: float, digits: int) -> tuple[int, int]:
    """Return the power of ten to write apart (0 for none) and the decimals that show so many digits
    of a value.
    """
    power = int(
        f"{value:.{digits - 1}e}".partition("e")[2]
    )  # after rounding: 9.9996 is 10.00 in four digits
    return (power, digits - 1) if power < SMALLEST_POWER else (0, max(digits - 1 - power, 0))


def _ten_to(power: int) -> str:
    return "10" + str(power).translate(SUPERSCRIPTS)


def count(value: float) -> str:
    """Return a whole number with its thousands separated."""
    return MISSING if pd.isna(value) else f"{value:,.0f}".replace("-", "−")


def money(value: float) -> str:
    """Return an amount to the cent, or to two digits where that is less than ten cents."""
    if pd.isna(value) or math.isinf(value) or 0 < abs(value) < 0.1:
        return number(value, 2)
    return f"{value:,.2f}".replace("-", "−")


def percent(value: float) -> str:
    """Return a share as per cent."""
    return MISSING if pd.isna(value) else f"{value:.1%}".replace("-", "−")


def parameter_table(parameters: pd.DataFrame) -> Table:
    """List the parameters that hold all day with their errors, 95% interval (Student) and unit."""
    table = parameters[~parameters["name"].str.startswith("log_alpha_")]
    rows = tuple(
        (SYMBOLS.get(row.name, row.name), *_estimated(row), _profile(row), row.unit)
        for row in table.itertuples()
    )
    head = ("Parameter", *ESTIMATED, "Profile range", "Unit")
    return Table(
        head,
        rows,
        words=(0, 7),
        sources=tuple(table["source"]),
        estimators=(
            *INFERENCE,
            "models.impact.book.identification.identification",
            "models.pooling.symbols.pool",
        ),
    )


def level_table(parameters: pd.DataFrame, calendar_periods: int, clock: "Clock") -> Table:
    """List the level of temporary impact by time of day as `parameter_table` does: its log and what
    that stands for.
    """
    table = parameters[parameters["name"].str.startswith("log_alpha_")]
    rows = tuple(
        (
            _bucket_name(bucket, len(table), calendar_periods, clock),
            *_estimated(row),
            number(math.exp(row.value), 3),
        )
        for bucket, row in enumerate(table.itertuples())
    )
    return Table(
        ("Parameter", *ESTIMATED, "α"),
        rows,
        sources=tuple(table["source"]),
        estimators=(*INFERENCE, "models.pooling.time_of_day.shrink_profile"),
    )


def _estimated(row: Any) -> tuple[str, ...]:
    """Return the cells under ESTIMATED."""
    digits = _digits(row.value, row.standard_error)
    error, interval = "fixed", MISSING
    if pd.notna(row.standard_error):
        error, interval = (
            number(row.standard_error, 2),
            _range(row.value, row.low, row.high, digits),
        )
    return (
        number(row.value, digits),
        error,
        interval,
        number(row.dof, 2),
        number(row.bootstrap_error, 2),
    )


def _profile(row: Any) -> str:
    if pd.isna(row.profile_low):
        return ""
    digits = _digits(row.value, row.standard_error)
    return " … ".join(number(end, digits) for end in (row.profile_low, row.profile_high))


def family_table(families: pd.DataFrame) -> Table:
    """List the families compared, the one that the walks support and the one in use."""
    rows = tuple(
        (
            row.family.replace("_", " "),
            number(row.k, 4),
            number(row.k_error, 2) if row.k_error else "fixed",
            number(row.deviance),
            number(row.criterion, 6),
            row.restriction,
            number(row.p_value, 2),
            ", ".join(
                word for word, yes in (("supported", row.selected), ("used", row.used)) if yes
            ),
            row.note,
        )
        for row in families.itertuples()
    )
    marked = tuple(place for place, used in enumerate(families["used"]) if used)
    head = (
        "Family",
        "k",
        "Standard error",
        "Deviance",
        "Criterion",
        "Restriction",
        "p of it",
        "Role",
        "Left out",
    )
    return Table(
        head,
        rows,
        words=(0, 5, 7, 8),
        marked=marked,
        estimators=("models.impact.book.selection.compare_families",),
    )


def check_table(facts: pd.Series, parameters: pd.DataFrame, shrinkage: pd.DataFrame) -> Table:
    """List what the estimates rest on: each check's value, its error, and how to read it."""

    def pair(name: str) -> tuple[str, str]:
        return number(facts[name], 3), number(facts[f"{name}_error"], 2)

    gamma, *_ = parameters[parameters["name"] == "gamma"].itertuples()
    used = {"hasbrouck": "its long-run response", "kyle": "this slope"}[facts["gamma_estimator"]]
    half_life, known = facts["refill_half_life"], math.isfinite(facts["refill_half_life"])
    rows = (
        *_exponent_rows(facts, shrinkage),
        (
            "log α of buys less that of sells",
            *pair("asymmetry"),
            "0 where both sides cost the same",
        ),
        (
            "Realized on predicted volatility",
            *pair("volatility_slope"),
            "slope; below 1 the forecast is noisy, β low",
        ),
        (
            "Realized on predicted volume",
            *pair("volume_slope"),
            "slope; below 1 the forecast is noisy, θ low",
        ),
        (
            "γ by Kyle’s slope",
            *pair("gamma_kyle"),
            "what signed volume moves the mid within the period, with what "
            f"decays later; γ in use, {number(gamma.value, 3)}, is from {used}",
        ),
        (
            "Half-life of the book’s refill, s",
            number(half_life, 3) if known else MISSING,
            "",
            f"of displayed depth after trades, but for {percent(facts['refill_lasting'])} that "
            "does not come back"
            if known
            else "not identified",
        ),
        (
            "Cost factor of slices",
            *pair("slice_factor"),
            f"{facts['slices']:.0f} a period, {number(facts['slice_spacing'], 3)} s apart; in α",
        ),
    )
    return Table(
        ("Check", "Value", "Standard error", "Meaning"),
        rows,
        words=(0, 3),
        estimators=(
            "models.impact.book.identification.asymmetry",
            "models.impact.book.identification.reliability",
            "models.impact.flow.kyle.fit_permanent",
            "models.impact.flow.hasbrouck.fit_hasbrouck",
            "models.impact.slicing.refill.fit_refill",
            "models.impact.slicing.slices.plan_slices",
            "models.impact.admissibility.admissibility",
        ),
    )


def _exponent_rows(facts: pd.Series, shrinkage: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """Return the exponent with and without the censoring correction, before pooling; nothing where
    it is fixed.
    """
    own = shrinkage[shrinkage["parameter"] == "k"]
    if own.empty or math.isnan(facts["k_dropped"]):
        return ()
    estimate = own.iloc[0]
    return (
        (
            "k with the censoring correction",
            number(estimate["estimate"]),
            number(estimate["estimate_error"], 2),
            f"{percent(facts['censored_share'])} of the walks’ time, in which displayed depth ran "
            "out, is imputed at k",
        ),
        (
            "k if that time were dropped",
            number(facts["k_dropped"]),
            number(facts["k_dropped_error"], 2),
            "what is left of the large sizes is the time of thick books, in which they look cheap",
        ),
    )


def shrinkage_table(shrinkage: pd.DataFrame, calendar_periods: int, clock: "Clock") -> Table:
    """List every shrunk parameter: its own estimate, what it became, and how much of it is
    its own.
    """
    levels = shrinkage.loc[
        shrinkage["parameter"].str.startswith("log_alpha_"), "parameter"
    ].tolist()
    names = SYMBOLS | {
        name: _bucket_name(bucket, len(levels), calendar_periods, clock)
        for bucket, name in enumerate(levels)
    }
    rows = tuple(
        (
            names.get(row.parameter, row.parameter),
            number(row.estimate),
            number(row.estimate_error, 2),
            number(row.pooled),
            number(row.pooled_error, 2),
            percent(row.own_weight),
            number(row.centre),
            number(row.between, 2),
            number(row.effective_dof, 3),
            count(row.symbols),
        )
        for row in shrinkage.itertuples()
    )
    head = (
        "Parameter",
        "Own estimate",
        "Standard error",
        "Shrunk",
        "Standard error",
        "Own weight",
        "Centre",
        "Spread around it",
        "Effective degrees of freedom",
        "Symbols",
    )
    return Table(
        head,
        rows,
        estimators=("models.pooling.symbols.pool", "models.pooling.time_of_day.shrink_profile"),
    )


def _digits(value: float, error: float) -> int:
    """Return how many digits of a value mean something: down to the second digit of its standard
    error.
    """
    if not (pd.notna(error) and error > 0 and pd.notna(value) and value != 0):
        return 4
    return min(max(math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2, 2), 8)


def _range(value: float, low: float, high: float, digits: int) -> str:
    """Return low … high, in the decimals and the power of ten that `number` gives the value."""
    unit, decimals = _form(value, digits)
    ends = " … ".join(f"{end / 10.0**unit:,.{decimals}f}" for end in (low, high))
    return (f"({ends}) × {_ten_to(unit)}" if unit else ends).replace("-", "−")


def _bucket_name(bucket: int, buckets: int, periods: int, clock: "Clock") -> str:
    if buckets == 1:
        return "log α, all day"
    first, end = (
        -(-edge * periods // buckets) for edge in (bucket, bucket + 1)
    )  # period * buckets // periods
    return f"log α, {clock.label(first)}–{clock.label(end)}"


def cost_table(schedule: Schedule) -> Table:
    """List what each way of trading is expected to cost, where the cost comes from, and what is
    proved of it.
    """
    rows = []
    for row in schedule.costs.itertuples():
        pieces = tuple(money(getattr(row, name)) for name in (*BREAKDOWN, "risk"))
        proof = row.status.lower() + (f", gap {money(row.gap)}" if pd.notna(row.gap) else "")
        rows.append(
            (
                METHODS.get(row.method, row.method),
                money(row.cost),
                number(row.cost_bps),
                money(row.deviation),
                number(row.deviation_bps),
                *pieces,
                proof,
            )
        )
    head = (
        "Plan",
        "Cost",
        "bps",
        "Std. dev.",
        "bps",
        "Spread",
        "Temporary",
        "Permanent",
        "Drift",
        "Risk charge",
        "Proof",
    )
    return Table(
        head,
        tuple(rows),
        words=(0, 10),
        marked=(0,),
        estimators=("solver.solve", "solver.evaluate"),
    )


def fit_table(facts: pd.Series) -> Table:
    """List how the law was fitted and what its states are measured against."""
    rows = (
        ("Family, route", f"{facts['family']}, {facts['route']}"),
        ("Cells used, excluded", f"{count(facts['observations'])}, {count(facts['excluded'])}"),
        ("Clusters of the errors", count(facts["clusters"])),
        (
            "Gamma deviance, pseudo R²",
            f"{number(facts['deviance'])}, {number(facts['pseudo_r2'], 3)}",
        ),
        ("Censored share of the walks", percent(facts["censored_share"])),
        (
            "Flow regression: R², periods",
            f"{number(facts['flow_r2'], 3)}, {count(facts['flow_observations'])}",
        ),
        ("Reference price", money(facts["price"])),
        ("Reference volatility, per period", number(facts["volatility"])),
        ("Reference depth, shares", count(facts["depth_shares"])),
        ("Reference volume, shares per period", count(facts["volume_shares"])),
    )
    return Table(
        ("Fit", ""),
        rows,
        estimators=("models.impact.book.cost_law.fit_law", "models.impact.flow.kyle.fit_permanent"),
    )


def score_table(scores: pd.DataFrame) -> Table:
    """List each forecast's loss beside the seasonal baseline's."""
    rows = tuple(
        (
            SERIES.get(row.series, row.series),
            row.origin,
            LOSSES.get(row.metric, row.metric),
            number(row.model),
            number(row.baseline),
            percent(row.model / row.baseline - 1) if row.baseline else MISSING,
            MISSING if math.isnan(row.coverage) else percent(row.coverage),
            row.candidates.replace("_", " "),
            count(row.n),
        )
        for row in scores.itertuples()
    )
    head = (
        "Series",
        "Origin",
        "Loss",
        "Model",
        "Baseline",
        "Change",
        "90 % interval holds",
        "Chosen",
        "Periods",
    )
    return Table(
        head,
        rows,
        words=(0, 1, 2, 7),
        estimators=(
            "models.forecast.evaluation.contest.losses",
            "models.forecast.evaluation.contest.interval",
            "models.forecast.intraday.state_space.fit_intraday",
            "models.forecast.intraday.averaged.fit_averaged",
        ),
    )


def contest_table(contest: pd.DataFrame) -> Table:
    """List every candidate's record over the whole history, those that forecast the horizon
    marked.
    """
    rows = tuple(
        (
            SERIES.get(row.series, row.series),
            row.origin,
            row.candidate.replace("_", " "),
            *(
                MISSING if math.isnan(value) else number(value, 3)
                for value in (row.loss, row.dm_p, row.mcs_p)
            ),
            row.reason if row.chosen else "",
        )
        for row in contest.itertuples()
    )
    marked = tuple(place for place, yes in enumerate(contest["chosen"]) if yes)
    head = (
        "Series",
        "Origin",
        "Candidate",
        "Loss",
        "p against profile",
        "p in confidence set",
        "Chosen because",
    )
    return Table(
        head,
        rows,
        words=(0, 1, 2, 6),
        marked=marked,
        estimators=("models.forecast.evaluation.contest.choose",),
    )


def selection_table(scores: pd.DataFrame) -> Table:
    """List the candidates' held-out scores, the registered one marked."""
    best, rows = scores["deviance"].min(), []
    for row in scores.itertuples():
        roles = [
            role
            for role, holds in (("registered", row.winner), ("exported", row.exported))
            if holds
        ]
        rows.append(
            (
                CANDIDATES.get(row.candidate, row.candidate),
                ", ".join(roles),
                number(row.deviance),
                "best" if row.deviance == best else f"± {number(row.deviance_error, 2)}",
                number(row.rmse_bps),
                percent(row.bias),
                count(row.cells),
            )
        )
    winners = tuple(place for place, winner in enumerate(scores["winner"]) if winner)
    head = (
        "Candidate",
        "Role",
        "Deviance",
        "Error of the difference",
        "RMSE, bps",
        "Bias",
        "Cells",
    )
    return Table(
        head,
        tuple(rows),
        words=(0, 1),
        marked=winners,
        estimators=(
            "models.losses.gamma_deviance",
            "models.impact.book.cost_law.fit_law",
            "models.learners.regressors.fit_gamma_regression",
            "models.learners.regressors.fit_boosting",
        ),
    )


def quality_totals(quality: pd.DataFrame) -> Table:
    """List the rows each rule touched by symbol, one column a rule that touched any."""
    touched = quality[quality["rows"] > 0]
    totals = touched.pivot_table(
        index="symbol", columns="rule", values="rows", aggfunc="sum", fill_value=0
    )
    totals = totals.reindex(sorted(quality["symbol"].unique()), fill_value=0)
    rows = tuple((symbol, *map(count, values)) for symbol, *values in totals.itertuples())
    return Table(("Symbol", *(rule.replace("_", " ") for rule in totals.columns)), rows)


def quality_days(quality: pd.DataFrame) -> Table:
    """List the rows each rule touched on each day it touched any."""
    touched = quality[quality["rows"] > 0].sort_values(["symbol", "date", "rule"])
    rows = tuple(
        (row.symbol, str(row.date), row.rule.replace("_", " "), count(row.rows))
        for row in touched.itertuples()
    )
    return Table(("Symbol", "Date", "Rule", "Rows"), rows, words=(0, 1, 2))


def stage_table(stages: pd.DataFrame) -> Table:
    """List what each stage did in this run."""
    rows = tuple(
        (
            row.stage,
            count(row.tasks),
            count(row.computed),
            count(row.reused),
            number(row.seconds, 3),
        )
        for row in stages.itertuples()
    )
    return Table(("Stage", "Tasks", "Computed", "Reused", "Seconds of work"), rows)
