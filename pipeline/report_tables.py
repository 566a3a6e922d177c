"""The report's tables as text: numbers in the digits that their errors allow, and what each column means."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.tables import Schedule

if TYPE_CHECKING:
    from pipeline.plots import Clock

MISSING = "–"
SMALLEST_POWER = -4  # of ten that is written out in zeros
NORMAL_95 = NormalDist().inv_cdf(0.975)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
METHODS = {"optimal": "Optimal", "nlp": "Continuous (NLP)", "dp": "Lattice (DP)", "twap": "TWAP", "vwap": "VWAP"}
CANDIDATES = {"law": "Parametric law", "square_root": "Square-root law", "gamma_regression": "Gamma regression",
              "lightgbm": "LightGBM"}
SERIES = {"volatility": "Volatility", "volume": "Volume", "half_spread": "Half spread", "depth": "Depth"}
SYMBOLS = {"k": "k", "beta": "β", "theta": "θ", "gamma": "γ"}
LOSSES = {"qlike": "QLIKE", "mse_log": "MSE of logarithms"}
BREAKDOWN = ("spread", "temporary", "permanent", "drift")


@dataclass(frozen=True)
class Table:
    """A table of text: the columns numbered in `words` are left-aligned, the rows in `marked` stand out."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    marked: tuple[int, ...] = ()


def number(value: float, digits: int = 4) -> str:
    """Return a number in that many significant digits: thousands separated, tiny as m × 10ⁿ, missing as a dash."""
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
    """Return the power of ten to write apart (0 for none) and the decimals that show so many digits of a value."""
    power = int(f"{value:.{digits - 1}e}".partition("e")[2])  # after rounding: 9.9996 is 10.00 in four digits
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


def parameter_table(parameters: pd.DataFrame, calendar_periods: int, clock: "Clock") -> Table:
    """List every parameter with its standard error, 95% interval (normal), level, unit and estimator."""
    buckets = int(parameters["name"].str.startswith("log_alpha_").sum())
    rows = []
    for row in parameters.itertuples():
        name, level = SYMBOLS.get(row.name, row.name), ""
        if row.name.startswith("log_alpha_"):
            bucket = int(row.name.removeprefix("log_alpha_"))
            name, level = _bucket_name(bucket, buckets, calendar_periods, clock), number(math.exp(row.value), 3)
        digits = _digits(row.value, row.standard_error)
        error, interval = "fixed", MISSING
        if pd.notna(row.standard_error):
            error = number(row.standard_error, 2)
            interval = _interval(row.value, NORMAL_95 * row.standard_error, digits)
        rows.append((name, number(row.value, digits), error, interval, level, row.unit, row.source))
    head = ("Parameter", "Estimate", "Standard error", "95% interval", "α", "Unit", "Source")
    return Table(head, tuple(rows), words=(0, 5, 6))


def _digits(value: float, error: float) -> int:
    """Return how many digits of a value mean something: down to the second digit of its standard error."""
    if not (pd.notna(error) and error > 0 and pd.notna(value) and value != 0):
        return 4
    return min(max(math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 2, 2), 8)


def _interval(value: float, reach: float, digits: int) -> str:
    """Return value ± reach as from … to, in the decimals and the power of ten that `number` gives the value."""
    unit, decimals = _form(value, digits)
    ends = " … ".join(f"{end / 10.0**unit:,.{decimals}f}" for end in (value - reach, value + reach))
    return (f"({ends}) × {_ten_to(unit)}" if unit else ends).replace("-", "−")


def _bucket_name(bucket: int, buckets: int, periods: int, clock: "Clock") -> str:
    if buckets == 1:
        return "log α, all day"
    first, end = (-(-edge * periods // buckets) for edge in (bucket, bucket + 1))  # period * buckets // periods
    return f"log α, {clock.label(first)}–{clock.label(end)}"


def cost_table(schedule: Schedule) -> Table:
    """List what each way of trading is expected to cost, where the cost comes from, and what is proved of it."""
    rows = []
    for row in schedule.costs.itertuples():
        pieces = tuple(money(getattr(row, name)) for name in (*BREAKDOWN, "risk"))
        proof = row.status.lower() + (f", gap {money(row.gap)}" if pd.notna(row.gap) else "")
        rows.append((METHODS.get(row.method, row.method), money(row.cost), number(row.cost_bps), money(row.deviation),
                     number(row.deviation_bps), *pieces, proof))
    head = ("Plan", "Cost", "bps", "Std. dev.", "bps", "Spread", "Temporary", "Permanent", "Drift", "Risk charge",
            "Proof")
    return Table(head, tuple(rows), words=(0, 10), marked=(0,))


def fit_table(facts: pd.Series) -> Table:
    """List how the law was fitted and what its states are measured against."""
    rows = (
        ("Family, route", f"{facts['family']}, {facts['route']}"),
        ("Cells used, excluded", f"{count(facts['observations'])}, {count(facts['excluded'])}"),
        ("Clusters of the errors", count(facts["clusters"])),
        ("Gamma deviance, pseudo R²", f"{number(facts['deviance'])}, {number(facts['pseudo_r2'], 3)}"),
        ("Censored share of the walks", percent(facts["censored_share"])),
        ("Flow regression: R², periods", f"{number(facts['flow_r2'], 3)}, {count(facts['flow_observations'])}"),
        ("Reference price", money(facts["price"])),
        ("Reference volatility, per period", number(facts["volatility"])),
        ("Reference depth, shares", count(facts["depth_shares"])),
        ("Reference volume, shares per period", count(facts["volume_shares"])),
    )
    return Table(("Fit", ""), rows)


def score_table(scores: pd.DataFrame) -> Table:
    """List each forecast's loss beside the seasonal baseline's."""
    rows = tuple(
        (SERIES.get(row.series, row.series), row.origin, LOSSES.get(row.metric, row.metric),
         number(row.model), number(row.baseline), percent(row.model / row.baseline - 1) if row.baseline else MISSING,
         MISSING if math.isnan(row.coverage) else percent(row.coverage), row.candidates.replace("_", " "), count(row.n))
        for row in scores.itertuples())
    head = ("Series", "Origin", "Loss", "Model", "Baseline", "Change", "90 % interval holds", "Chosen", "Periods")
    return Table(head, rows, words=(0, 1, 2, 7))


def contest_table(contest: pd.DataFrame) -> Table:
    """List every candidate's record over the whole history, those that forecast the horizon marked."""
    rows = tuple((SERIES.get(row.series, row.series), row.origin, row.candidate.replace("_", " "),
                  *(MISSING if math.isnan(value) else number(value, 3) for value in (row.loss, row.dm_p, row.mcs_p)),
                  row.reason if row.chosen else "")
                 for row in contest.itertuples())
    marked = tuple(place for place, yes in enumerate(contest["chosen"]) if yes)
    head = ("Series", "Origin", "Candidate", "Loss", "p against profile", "p in confidence set", "Chosen because")
    return Table(head, rows, words=(0, 1, 2, 6), marked=marked)


def selection_table(scores: pd.DataFrame) -> Table:
    """List the candidates' held-out scores, the registered one marked."""
    best, rows = scores["deviance"].min(), []
    for row in scores.itertuples():
        roles = [role for role, holds in (("registered", row.winner), ("exported", row.exported)) if holds]
        rows.append((CANDIDATES.get(row.candidate, row.candidate), ", ".join(roles), number(row.deviance),
                     "best" if row.deviance == best else f"± {number(row.deviance_error, 2)}",
                     number(row.rmse_bps), percent(row.bias), count(row.cells)))
    winners = tuple(place for place, winner in enumerate(scores["winner"]) if winner)
    head = ("Candidate", "Role", "Deviance", "Error of the difference", "RMSE, bps", "Bias", "Cells")
    return Table(head, tuple(rows), words=(0, 1), marked=winners)


def quality_totals(quality: pd.DataFrame) -> Table:
    """List the rows each rule touched by symbol, one column a rule that touched any."""
    touched = quality[quality["rows"] > 0]
    totals = touched.pivot_table(index="symbol", columns="rule", values="rows", aggfunc="sum", fill_value=0)
    totals = totals.reindex(sorted(quality["symbol"].unique()), fill_value=0)
    rows = tuple((symbol, *map(count, values)) for symbol, *values in totals.itertuples())
    return Table(("Symbol", *(rule.replace("_", " ") for rule in totals.columns)), rows)


def quality_days(quality: pd.DataFrame) -> Table:
    """List the rows each rule touched on each day it touched any."""
    touched = quality[quality["rows"] > 0].sort_values(["symbol", "date", "rule"])
    rows = tuple((row.symbol, str(row.date), row.rule.replace("_", " "), count(row.rows))
                 for row in touched.itertuples())
    return Table(("Symbol", "Date", "Rule", "Rows"), rows, words=(0, 1, 2))


def stage_table(stages: pd.DataFrame) -> Table:
    """List what each stage did in this run."""
    rows = tuple((row.stage, count(row.tasks), count(row.computed), count(row.reused), number(row.seconds, 3))
                 for row in stages.itertuples())
    return Table(("Stage", "Tasks", "Computed", "Reused", "Seconds of work"), rows)
