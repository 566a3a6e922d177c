"""The page on the nights of an output folder: one text that needs nothing outside."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.engine.errors import InputError
from pipeline.report.page import page_template
from pipeline.report.tables.digits import MISSING, count
from pipeline.report.tables.table import Table
from pipeline.report.view import Card
from pipeline.retraining.night_text import WORDS
from pipeline.retraining.nights import Move, Night
from pipeline.retraining.pages import tables
from pipeline.retraining.pages.series import (
    Gaps,
    SymbolSeries,
    check_series,
    count_series,
    move_places,
    refit_gaps,
    rival_gaps,
    symbol_series,
)

HERE = Path(__file__).parent
MOST_SYMBOLS = 12  # whose numbers are drawn
MOST_NIGHTS = 30  # in the table of estimates
REFIT = "the refit"


def render_history(nights: Sequence[Night], moves: Sequence[Move], out: str) -> str:
    """Return the page on nights and moves, oldest first.

    Raises: InputError where there is no night.
    """
    if not nights:
        raise InputError(
            f"--out {out}: no night yet, nothing to show; `impact retrain --as-of DATE` makes the "
            "first"
        )
    gaps = {REFIT: refit_gaps(nights), **rival_gaps(nights)}
    gaps = {name: one for name, one in gaps.items() if len(one.x)}
    series = symbol_series(nights, moves)
    drawn_of = _drawn(series)
    return page_template(HERE / "history.html").render(
        first=nights[0].date,
        last=nights[-1].date,
        nights=len(nights),
        most_nights=MOST_NIGHTS,
        cards=_cards(nights, moves, gaps.get(REFIT)),
        svg=_pictures(nights, moves, gaps, drawn_of),
        symbols=drawn_of,
        undrawn=len(series) - len(drawn_of),
        untold=sum(not night.symbols for night in nights),
        coverage=_coverage(nights),
        tables=_tables(nights, moves, gaps),
    )


def _tables(
    nights: Sequence[Night], moves: Sequence[Move], gaps: dict[str, Gaps]
) -> dict[str, Table]:
    return {
        "nights": tables.nights_table(nights),
        "moves": tables.moves_table(moves),
        "failed": tables.failed_table(nights),
        "last": tables.last_table(nights[-1]),
        "gaps": tables.gaps_table(gaps),
        "estimates": tables.estimates_table(nights[-MOST_NIGHTS:]),
        "left_out": tables.left_out_table(nights),
    }


def _drawn(series: Sequence[SymbolSeries]) -> list[SymbolSeries]:
    """Return the symbols that are drawn: where there are many, those whose cost moved most."""
    most = sorted(series, key=_moved, reverse=True)[:MOST_SYMBOLS]
    return sorted(most, key=lambda one: one.symbol)


def _moved(one: SymbolSeries) -> float:
    cost = one.tracks["cost"].value
    known = cost[np.isfinite(cost) & (cost > 0)]
    return float(np.log(known.max() / known.min())) if len(known) else 0.0


def _pictures(
    nights: Sequence[Night],
    moves: Sequence[Move],
    gaps: dict[str, Gaps],
    series: Sequence[SymbolSeries],
) -> dict[str, str]:
    from pipeline.report.figures.style import drawn
    from pipeline.retraining.pages import pictures

    dates, places = [night.date for night in nights], move_places(nights, moves)
    made = {
        one.symbol: drawn(
            pictures.plot_symbol, f"{one.symbol}: estimates over nights", one, dates, places
        )
        for one in series
    }
    refit = {name: one for name, one in gaps.items() if name == REFIT}
    rivals = {name: one for name, one in gaps.items() if name != REFIT}
    for name, some in (("refit over", refit), ("challengers over", rivals)):
        if some:
            label = f"What days charged the {name} what was in force"
            made[name] = drawn(pictures.plot_gaps, label, some, dates, places)
    checks = check_series(nights)
    coverage = checks.pop("coverage", None)
    if coverage is not None:
        made["coverage over"] = drawn(
            pictures.plot_checks, "Coverage over nights", [coverage], dates
        )
    others = list(checks.values())
    for name, some in (("checks 1", others[::2]), ("checks 2", others[1::2])):
        if some:
            made[name] = drawn(pictures.plot_checks, f"{name} over nights", some, dates)
    label = "Data of every night"
    made["counts over"] = drawn(pictures.plot_counts, label, count_series(nights), dates)
    return made


def _coverage(nights: Sequence[Night]) -> str:
    """Return what the last night's intervals held."""
    found = [check for check in nights[-1].checks if check.name == "coverage"]
    return found[0].words if found else "the last night did not judge it"


def _cards(nights: Sequence[Night], moves: Sequence[Move], refit: Gaps | None) -> tuple[Card, ...]:
    last = nights[-1]
    by_hand = [move for move in moves if move.made >= last.made]
    now = by_hand[-1].in_force if by_hand else last.in_force
    how = f"by hand, {by_hand[-1].who}" if by_hand else f"after the night of {last.date}"
    held = sum(night.outcome == "kept" for night in nights)
    changed = sum(night.outcome == "changed" for night in nights)
    mean, ends = (MISSING, "no day charged yet")
    if refit is not None:
        mean, interval = tables.mean_words(refit)
        ends = f"95 %: {interval}" if np.isfinite(refit.low[-1]) else interval
        mean = f"{mean} bps"
    return (
        Card("Last night", last.date, WORDS[last.outcome]),
        Card("In force", now, how),
        Card("Nights held back", f"{held} of {count(len(nights))}", f"{changed} changed family"),
        Card("Refit less what was in force", mean, ends),
    )
