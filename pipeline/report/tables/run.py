"""The tables of the run: plans and their costs, models, rows cleaned, stages computed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.tables.calibration import SYMBOLS
from pipeline.report.tables.digits import (
    MISSING,
    count,
    meaningful_digits,
    money,
    number,
    percent,
)
from pipeline.report.tables.table import Table

METHODS = {
    "optimal": "Optimal",
    "nlp": "Continuous (NLP)",
    "dp": "Lattice (DP)",
    "qp": "Quadratic (QP)",
    "twap": "TWAP",
    "vwap": "VWAP",
}
CANDIDATES = {
    "law": "Parametric law",
    "square_root": "Square-root law",
    "spline": "Splines",
    "histogram": "Histogram boosting",
    "lightgbm": "LightGBM",
    "hybrid": "Law x boosting",
}
CHARGED = CANDIDATES | {
    "twap": "TWAP",
    "clairvoyant": "Who knew every curve",
}
CHARGED_HEAD = (
    "Plan",
    "Cost, bps",
    "Regret, bps",
    "Saving against the law, bps",
    "95 %",
    "Days",
)
BREAKDOWN = ("spread", "temporary", "permanent", "drift")
COST_HEAD = (
    "Plan",
    "Cost",
    "s.e.",
    "bps",
    "Std. dev.",
    "Spread",
    "Temporary",
    "Permanent",
    "Drift",
    "Risk charge",
    "Whole order",
    "Proof",
)
SELECTION_HEAD = (
    "Candidate",
    "Role",
    "Deviance",
    "Error of the difference",
    "RMSE, bps",
    "Bias",
    "Cells",
)


def cost_table(costs: pd.DataFrame, family: str) -> Table:
    """List what each plan is expected to cost, where that comes from, and what is proved of it.

    A law without a spread of its own has it in its walks, and the column says so.
    """
    if not family.startswith("spread"):
        costs = costs.assign(temporary=costs["temporary"] + costs["spread"])
        head, parts = tuple(name for name in COST_HEAD if name != "Spread"), BREAKDOWN[1:]
        head = tuple("Spread and walk" if name == "Temporary" else name for name in head)
    else:
        head, parts = COST_HEAD, BREAKDOWN
    rows = tuple(
        (
            METHODS.get(row.method, row.method),
            money(row.cost),
            MISSING if pd.isna(row.cost_error) else money(row.cost_error),
            number(row.cost_bps),
            money(row.deviation),
            *(money(getattr(row, name)) for name in (*parts, "risk", "whole")),
            row.status.lower() + (f", gap {money(row.gap)}" if row.status == "FEASIBLE" else ""),
        )
        for row in costs.itertuples()
    )
    return Table(
        head,
        rows,
        words=(0, len(head) - 1),
        marked=(0,),
        estimators=("solver.solve", "solver.evaluate"),
    )


def truth_table(parameters: pd.DataFrame, planted: Mapping[str, float]) -> Table:
    """List what was planted in a simulated tape beside its estimates; without rows elsewhere."""
    rows = tuple(
        (
            SYMBOLS.get(row.name, row.name),
            number(planted[row.name]),
            number(row.value, meaningful_digits(row.value, row.standard_error)),
            "fixed" if pd.isna(row.standard_error) else number(row.standard_error, 2),
            number((row.value - planted[row.name]) / row.standard_error, 2)
            if row.standard_error > 0
            else MISSING,
        )
        for row in parameters.itertuples()
        if row.name in planted
    )
    return Table(("Parameter", "Planted", "Estimate", "Standard error", "Distance"), rows)


def selection_table(scores: pd.DataFrame) -> Table:
    """List the candidates' held-out scores, the registered one marked."""
    best = scores["deviance"].min()
    rows = tuple(
        (
            CANDIDATES.get(row.candidate, row.candidate),
            _role(row),
            number(row.deviance),
            "best" if row.deviance == best else f"± {number(row.deviance_error, 2)}",
            number(row.rmse_bps),
            percent(row.bias),
            count(row.cells),
        )
        for row in scores.itertuples()
    )
    return Table(
        SELECTION_HEAD,
        rows,
        words=(0, 1),
        marked=tuple(place for place, winner in enumerate(scores["winner"]) if winner),
        estimators=(
            "models.losses.gamma_deviance",
            "models.impact.book.cost_law.fit_law",
            "models.learners.catalogue.fit_curve",
        ),
    )


def charged_table(charged: pd.DataFrame) -> Table:
    """List what held-out days would have charged the candidates' plans, the cheapest first."""
    rows = tuple(
        (
            CHARGED.get(row.plan, row.plan),
            *(number(value) for value in (row.cost, row.regret)),
            MISSING if pd.isna(row.saving_error) else number(row.saving),
            MISSING
            if pd.isna(row.saving_error)
            else f"{number(row.saving_low, 3)} … {number(row.saving_high, 3)}",
            count(row.days),
        )
        for row in charged.sort_values("cost", kind="stable").itertuples()
    )
    return Table(
        CHARGED_HEAD,
        rows,
        words=(0,),
        estimators=("models.tca.day_curves.DayCurves", "models.tca.regret.judge"),
    )


def reach_table(reaches: pd.DataFrame, scores: pd.DataFrame) -> Table:
    """List by size what a period's cost may be times what the law told of it; no rows where no size
    has an interval.
    """
    law = scores.loc[scores["exported"], "candidate"].iloc[0]
    of_law = reaches[reaches["candidate"] == law]
    of_law = of_law if of_law["reach"].notna().any() else of_law.iloc[:0]
    rows = tuple(
        (
            CANDIDATES.get(law, law),
            count(row.size),
            MISSING
            if pd.isna(row.reach)
            else f"{number(np.exp(-row.reach), 3)} … {number(np.exp(row.reach), 3)}",
            count(row.days),
        )
        for row in of_law.itertuples(index=False)
    )
    head = ("Model", "Shares in a period", "Cost over what was told, 90 %", "Held-out days")
    estimators = ("models.learners.conformal.cost_reach",)
    return Table(head, rows, words=(0,), estimators=estimators)


def _role(candidate: Any) -> str:
    roles = (("favoured", candidate.winner), ("exported", candidate.exported))
    return ", ".join(role for role, holds in roles if holds)


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
    total = float(stages["seconds"].sum())
    rows = tuple(
        (
            row.stage,
            count(row.tasks),
            count(row.computed),
            count(row.reused),
            number(row.seconds, 3),
            percent(row.seconds / total) if total else MISSING,
        )
        for row in stages.itertuples()
    )
    return Table(("Stage", "Tasks", "Computed", "Reused", "Seconds of work", "Share"), rows)


def gate_table(gate: pd.DataFrame) -> Table:
    """List the checks that parameters were judged by before they could come in force."""
    rows = tuple(
        (
            row.check,
            MISSING if pd.isna(row.value) else number(row.value, 4),
            MISSING if pd.isna(row.threshold) else number(row.threshold, 4),
            row.verdict,
            row.words,
        )
        for row in gate.itertuples()
    )
    return Table(("Check", "Value", "Threshold", "Verdict", "In words"), rows, words=(0, 3, 4))
