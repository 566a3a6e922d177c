"""How grave a warning is: it blocks the plan, weakens it, or is for information."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from pipeline.engine.codes import REFUSING

BLOCKS, WEAKENS, INFORMS = "blocks", "weakens", "informs"
GRADES = (BLOCKS, WEAKENS, INFORMS)
BLOCKING = {*REFUSING, "clock_off", "cost_concave", "round_trip", "too_thin"}
INFORMING = {
    "bootstrap_incomplete",
    "bucket_borrowed",
    "dp_left_out",
    "far_level",
    "flat_plan",
    "frozen_quote",
    "gamma_at_immediate",
    "implausible_depth",
    "implausible_price",
    "implausible_size",
    "liquidity_bounded",
    "missing_periods",
    "nonconvex",
    "not_pooled",
    "permanent_above_immediate",
    "permanent_by_kyle",
    "profile_not_shrunk",
    "qp_left_out",
    "refill_few_blocks",
    "refill_not_identified",
    "session_break",
    "shape_believed",
    "spread_evenly",
    "states_as_predicted",
    "transient_not_identified",
    "urgency",
    "zero_periods",
}
MOST_SAID = 3  # messages of one code


@dataclass(frozen=True)
class Graded:
    """What was said under one code: where, how grave, the messages, how many more there are."""

    code: str
    stage: str
    grade: str
    messages: tuple[str, ...]
    more: int


def grade_of(code: str) -> str:
    """Return a code's grade; what is in neither list weakens."""
    if code in BLOCKING:
        return BLOCKS
    return INFORMS if code in INFORMING else WEAKENS


def graded(told: Iterable[tuple[str, pd.DataFrame]]) -> tuple[Graded, ...]:
    """Return warnings by code, the gravest first, in the order in which they came.

    told: a stage and its table (code, message).
    """
    table = pd.concat([each.assign(stage=stage) for stage, each in told], ignore_index=True)
    table = table.drop_duplicates(["code", "message"])  # a plan repeats what was accepted
    found = []
    for code, rows in table.groupby("code", sort=False):
        said = tuple(rows["message"])
        stage = ", ".join(dict.fromkeys(rows["stage"]))
        more = max(0, len(said) - MOST_SAID)
        found.append(Graded(str(code), stage, grade_of(str(code)), said[:MOST_SAID], more))
    return tuple(sorted(found, key=lambda one: GRADES.index(one.grade)))


def counts_text(found: Iterable[Graded]) -> str:
    """Return how many warnings there are of each grade, as text."""
    grades = [one.grade for one in found]
    words = {
        BLOCKS: ("blocks", "block"),
        WEAKENS: ("weakens", "weaken"),
        INFORMS: ("note", "notes"),
    }
    said = [
        f"{grades.count(grade)} {one if grades.count(grade) == 1 else several}"
        for grade, (one, several) in words.items()
        if grade in grades
    ]
    return ", ".join(said) or "none"
