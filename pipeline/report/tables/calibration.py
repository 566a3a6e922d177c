"""The tables of the cost law: its parameters, how they were fitted, what they rest on."""

import math
from itertools import pairwise
from typing import Any

import pandas as pd

from pipeline.report.figures.clock import Clock, bucket_edges
from pipeline.report.tables.digits import (
    MISSING,
    count,
    interval_text,
    meaningful_digits,
    money,
    number,
    percent,
)
from pipeline.report.tables.table import Table

LEVEL = "log_alpha_"  # and the bucket, in a parameter's name
SYMBOLS = {"k": "k", "beta": "β", "theta": "θ", "gamma": "γ"}
ESTIMATED = ("Estimate", "Standard error", "95% interval", "Degrees of freedom", "Bootstrap error")
INFERENCE = ("models.inference.covariance.jackknifed", "models.inference.joint.one_step_bootstrap")
FAMILY_HEAD = (
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
SIZE_HEAD = (
    "Shares at once",
    "Time with less depth",
    "Exponent around it",
    "Standard error",
    "Error of the law beyond shown sizes",
)
SHRINKAGE_HEAD = (
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


def parameter_table(parameters: pd.DataFrame) -> Table:
    """List the parameters that hold all day with their errors, 95% interval (Student) and unit."""
    table = parameters[~parameters["name"].str.startswith(LEVEL)]
    rows = tuple(
        (SYMBOLS.get(row.name, row.name), *_estimated(row), _profile(row), row.unit)
        for row in table.itertuples()
    )
    return Table(
        ("Parameter", *ESTIMATED, "Profile range", "Unit"),
        rows,
        words=(0, 7),
        sources=tuple(table["source"]),
        estimators=(
            *INFERENCE,
            "models.impact.book.identification.identification",
            "models.pooling.symbols.pool",
        ),
    )


def level_table(parameters: pd.DataFrame, calendar_periods: int, clock: Clock) -> Table:
    """List the level of temporary impact by time of day: its log, and what that stands for."""
    table = parameters[parameters["name"].str.startswith(LEVEL)]
    names = _bucket_names(len(table), calendar_periods, clock)
    rows = tuple(
        (name, *_estimated(row), number(math.exp(row.value), 3))
        for name, row in zip(names, table.itertuples(), strict=True)
    )
    return Table(
        ("Parameter", *ESTIMATED, "α"),
        rows,
        sources=tuple(table["source"]),
        estimators=(*INFERENCE, "models.pooling.time_of_day.shrink_profile"),
    )


def fit_table(facts: pd.Series) -> Table:
    """List how the law was fitted and what its states are measured against."""
    fit = f"{number(facts['deviance'])}, {number(facts['pseudo_r2'], 3)}"
    flow = f"{number(facts['flow_r2'], 3)}, {count(facts['flow_observations'])}"
    rows = (
        ("Family, route", f"{facts['family']}, {facts['route']}"),
        ("Cells used, excluded", f"{count(facts['observations'])}, {count(facts['excluded'])}"),
        ("Clusters of the errors", count(facts["clusters"])),
        ("Gamma deviance, pseudo R²", fit),
        ("Censored share of the walks", percent(facts["censored_share"])),
        ("Flow regression: R², periods", flow),
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


def size_table(sizes: pd.DataFrame) -> Table:
    """List by order size how often depth fell short, the exponent around it, the law's error."""
    rows = tuple(
        (
            f"{row.size:,.10g}",
            percent(row.censored),
            number(row.local_k, 3),
            number(row.local_k_error, 2),
            percent(row.log_error) if row.log_error else "",
        )
        for row in sizes.itertuples()
    )
    return Table(
        SIZE_HEAD,
        rows,
        estimators=(
            "models.impact.book.extrapolation.extrapolation",
            "models.impact.book.extrapolation.local_exponents",
        ),
    )


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
            _role(row),
            row.note,
        )
        for row in families.itertuples()
    )
    return Table(
        FAMILY_HEAD,
        rows,
        words=(0, 5, 7, 8),
        marked=tuple(place for place, used in enumerate(families["used"]) if used),
        estimators=("models.impact.book.selection.compare_families",),
    )


def shrinkage_table(shrinkage: pd.DataFrame, calendar_periods: int, clock: Clock) -> Table:
    """List every shrunk parameter: its own estimate, what it became, how much of it is its own."""
    parameters = shrinkage["parameter"]
    levels = parameters[parameters.str.startswith(LEVEL)].tolist()
    buckets = _bucket_names(len(levels), calendar_periods, clock)
    names = SYMBOLS | dict(zip(levels, buckets, strict=True))
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
    return Table(
        SHRINKAGE_HEAD,
        rows,
        estimators=("models.pooling.symbols.pool", "models.pooling.time_of_day.shrink_profile"),
    )


def _estimated(row: Any) -> tuple[str, ...]:
    """Return the cells under ESTIMATED."""
    digits = meaningful_digits(row.value, row.standard_error)
    error, reach = "fixed", MISSING
    if pd.notna(row.standard_error):
        error = number(row.standard_error, 2)
        reach = interval_text(row.value, row.low, row.high, digits)
    estimate, bootstrap = number(row.value, digits), number(row.bootstrap_error, 2)
    return (estimate, error, reach, number(row.dof, 2), bootstrap)


def _profile(row: Any) -> str:
    if pd.isna(row.profile_low):
        return ""
    digits = meaningful_digits(row.value, row.standard_error)
    return " … ".join(number(end, digits) for end in (row.profile_low, row.profile_high))


def _role(family: Any) -> str:
    roles = (("supported", family.selected), ("used", family.used))
    return ", ".join(role for role, holds in roles if holds)


def _bucket_names(buckets: int, periods: int, clock: Clock) -> tuple[str, ...]:
    """Return what the levels of the day's buckets are called."""
    if buckets == 1:
        return ("log α, all day",)
    edges = bucket_edges(periods, buckets) if buckets else []
    return tuple(
        f"log α, {clock.label(first)}–{clock.end_label(end - 1)}" for first, end in pairwise(edges)
    )
