"""The tables of the forecasts: the loss of those in use, and the contest that chose them."""

import math
from typing import Any

import pandas as pd

from pipeline.report.tables.digits import MISSING, count, number, percent
from pipeline.report.tables.table import Table

SERIES = {
    "volatility": "Volatility",
    "volume": "Volume",
    "half_spread": "Half spread",
    "depth": "Depth",
}
LOSSES = {
    "qlike": "QLIKE",
    "mse_log": "MSE of logarithms",
    "qlike_zeros": "QLIKE, zeros scored by log h",
    "tweedie": "Tweedie deviance, power 3/2",
}
CONSTANT = 1e-12  # a loss up to it: the series does not vary, and nothing is compared
SCORE_HEAD = (
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
CONTEST_HEAD = (
    "Series",
    "Origin",
    "Candidate",
    "Loss",
    "p against profile",
    "p in confidence set",
    "Weight",
    "Chosen because",
)


def score_table(scores: pd.DataFrame) -> Table:
    """List each forecast's loss beside the seasonal baseline's."""
    rows = tuple(
        (
            SERIES.get(row.series, row.series),
            row.origin,
            *_losses(row),
            MISSING if math.isnan(row.coverage) else percent(row.coverage),
            row.candidates.replace("_", " "),
            count(row.n),
        )
        for row in scores.itertuples()
    )
    return Table(
        SCORE_HEAD,
        rows,
        words=(0, 1, 2, 7),
        estimators=(
            "models.forecast.evaluation.contest.losses",
            "models.forecast.evaluation.contest.interval",
            "models.forecast.intraday.state_space.fit_intraday",
            "models.forecast.intraday.sparse.occurrence.fit_occurrence",
            "models.forecast.intraday.averaged.fit_averaged",
        ),
    )


def _losses(row: Any) -> tuple[str, ...]:
    """Return loss, both values and the change; where nothing varies there is nothing to compare."""
    if row.baseline <= CONSTANT:
        return ("does not vary", MISSING, MISSING, MISSING)
    change = percent(row.model / row.baseline - 1)
    name = LOSSES.get(row.metric, row.metric)
    return (name, number(row.model), number(row.baseline), change)


def contest_table(contest: pd.DataFrame) -> Table:
    """List every candidate's record over the history; those that forecast the horizon stand out.

    A series that does not vary has no contest.
    """
    contest = contest[contest.groupby(["series", "origin"])["loss"].transform("max") > CONSTANT]
    rows = tuple(
        (
            SERIES.get(row.series, row.series),
            row.origin,
            row.candidate.replace("_", " "),
            *(number(value, 3) for value in (row.loss, row.dm_p, row.mcs_p)),
            percent(row.weight) if row.chosen else MISSING,
            row.reason if row.chosen else "",
        )
        for row in contest.itertuples()
    )
    return Table(
        CONTEST_HEAD,
        rows,
        words=(0, 1, 2, 7),
        marked=tuple(place for place, chosen in enumerate(contest["chosen"]) if chosen),
        estimators=("models.forecast.evaluation.choice.choose",),
    )
