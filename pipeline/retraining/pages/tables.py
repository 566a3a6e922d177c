"""The tables of the page: nights, moves by hand, failed checks, estimates, looks."""

from collections.abc import Sequence

import numpy as np

from pipeline.report.tables.digits import (
    MISSING,
    count,
    interval_text,
    meaningful_digits,
    number,
)
from pipeline.report.tables.table import Table
from pipeline.retraining.night_text import forms_text
from pipeline.retraining.nights import Check, Estimate, Move, Night
from pipeline.retraining.pages.series import Gaps

UNKNOWN = "no error known"
FIXED_DIGITS = 4
Z = 1.96  # of an interval's half, for how many digits mean something


def nights_table(nights: Sequence[Night]) -> Table:
    """Return every night, the last one first: what came of it, and why."""
    rows = tuple(
        (
            night.date,
            night.session,
            night.outcome,
            night.in_force,
            bps(night.charged.difference) if night.charged else MISSING,
            ", ".join(check.name for check in night.checks if not check.passes) or "none",
            forms_text(night),
            moment(night.made),
            night.why,
        )
        for night in nights[::-1]
    )
    head = (
        "Night",
        "For",
        "Outcome",
        "In force after it",
        "Refit less what was, bps",
        "Failed",
        "Family",
        "Made, UTC",
        "Why",
    )
    marked = tuple(at for at, night in enumerate(nights[::-1]) if night.outcome == "kept")
    return Table(head, rows, words=(0, 1, 2, 3, 5, 6, 7, 8), marked=marked)


def moves_table(moves: Sequence[Move]) -> Table:
    """Return what was put in force by hand, the last first: when, by whom, what and why."""
    rows = tuple(
        (moment(one.made), one.who, one.was or "nothing", one.in_force, one.why)
        for one in moves[::-1]
    )
    return Table(
        ("When, UTC", "Who", "Was in force", "Put in force", "Why"), rows, words=tuple(range(5))
    )


def failed_table(nights: Sequence[Night]) -> Table:
    """Return every check that failed, the last night first, with its reason."""
    rows = tuple(
        (night.date, check.name, *_seen(check), check.words)
        for night in nights[::-1]
        for check in night.checks
        if not check.passes
    )
    return Table(("Night", "Check", "Value", "Threshold", "Why"), rows, words=(0, 1, 4))


def last_table(night: Night) -> Table:
    """Return the last night's checks and looks at challengers."""
    checks = [
        (one.name, *_seen(one), "passes" if one.passes else "fails", one.words)
        for one in night.checks
    ]
    looks = [
        (
            f"challenger {one.name}",
            *_seen(one),
            "shown better" if one.passes else "not shown better",
            one.words,
        )
        for one in night.looks
    ]
    marked = tuple(at for at, one in enumerate(night.checks) if not one.passes)
    head = ("Check", "Value", "Threshold", "Verdict", "Words")
    return Table(head, (*checks, *looks), words=(0, 3, 4), marked=marked)


def _seen(check: Check) -> tuple[str, str]:
    value, threshold = (
        MISSING if each is None else number(each, 3) for each in (check.value, check.threshold)
    )
    return value, threshold


def estimates_table(nights: Sequence[Night]) -> Table:
    """Return what nights tell of symbols, the last first, with 95 % intervals."""
    rows, marked = [], []
    for night in nights[::-1]:
        for symbol, one in sorted(night.symbols.items()):
            if night.outcome == "kept":
                marked.append(len(rows))
            cost = estimate(one.cost) if one.cost else MISSING
            told = (estimate(one.k), estimate(one.beta), estimate(one.gamma))
            counts = (count(one.days), count(one.walks), count(one.touched))
            rows.append((night.date, symbol, count(one.shares), cost, *told, *counts))
    head = (
        "Night",
        "Symbol",
        "Shares",
        "Their cost, bps",
        "k",
        "β",
        "γ, currency / share²",
        "Days",
        "Walks",
        "Rows cleaned",
    )
    return Table(head, tuple(rows), words=(0, 1), marked=tuple(marked))


def gaps_table(gaps: dict[str, Gaps]) -> Table:
    """Return the last running mean of what days charged one over another."""
    rows = tuple(
        (name, bps(one.value[-1]), *mean_words(one), count(one.counted[-1]))
        for name, one in gaps.items()
    )
    head = ("Over what was in force", "Last day, bps", "Mean, bps", "95 %", "Days")
    return Table(head, rows)


def left_out_table(nights: Sequence[Night]) -> Table:
    """Return the symbols that nights left out, the last night first, with the reason."""
    rows = tuple(
        (night.date, symbol, why)
        for night in nights[::-1]
        for symbol, why in sorted(night.left_out.items())
    )
    return Table(("Night", "Left out", "Why"), rows, words=(0, 1, 2))


def mean_words(one: Gaps) -> tuple[str, str]:
    """Return the last running mean and its interval in words."""
    low, high = one.low[-1], one.high[-1]
    ends = f"{bps(low)} … {bps(high)}" if np.isfinite(low) else "one day: no error"
    return bps(one.mean[-1]), ends


def estimate(one: Estimate) -> str:
    """Return a number with its 95 % interval, in the digits that this allows."""
    if one.low is None or one.high is None:
        return f"{number(one.value, FIXED_DIGITS)}, {UNKNOWN}"
    digits = meaningful_digits(one.value, (one.high - one.low) / (2 * Z))
    ends = interval_text(one.value, one.low, one.high, digits)
    return f"{number(one.value, digits)} ({ends})"


def bps(value: float) -> str:
    """Return signed bps to a thousandth."""
    return MISSING if not np.isfinite(value) else f"{value:+.3f}".replace("-", "−")


def moment(text: str) -> str:
    """Return an ISO moment to the minute."""
    return text[:16].replace("T", " ")
