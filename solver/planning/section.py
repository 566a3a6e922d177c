"""One symbol's section of a parameter file, and which of its periods an order may trade in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from solver.planning.order_terms import OrderTerms
from solver.problem.laws import ProblemError

SCHEMA = "impact-params/2"


def symbol_section(params: Mapping[str, Any], symbol: str) -> Mapping[str, Any]:
    """One symbol's section of a parameter file.

    Raises:
        ProblemError: another schema, a symbol that is not there, or periods that are neither the
            whole session nor what is left of it up to its end.
    """
    found = params.get("schema")
    if found != SCHEMA:
        raise ProblemError(
            f"schema must be {SCHEMA}, found {found}: make the file anew with `impact run`"
        )
    if symbol not in params["symbols"]:
        known = ", ".join(params["symbols"])
        raise ProblemError(f"symbol {symbol}: not in the parameter file; it has {known}")
    section: Mapping[str, Any] = params["symbols"][symbol]
    _check_periods(params, symbol, section["periods"])
    return section


def _check_periods(
    params: Mapping[str, Any], symbol: str, periods: Sequence[Mapping[str, Any]]
) -> None:
    count, places = params["calendar"]["periods"], [one["i"] for one in periods]
    follow = places == list(range(places[0], places[0] + len(places)))
    if follow and (places[-1] + 1 == count or _ends_with_session(params, periods[-1])):
        return
    raise ProblemError(
        f"symbol {symbol}: the file lists {len(places)} of the session's {count} periods "
        f"(i = {places[0]} to {places[-1]}), which are not all that is left of it from one moment "
        "on: make the file anew with `impact run`; a part of the session is traded with start and "
        "end"
    )


def _ends_with_session(params: Mapping[str, Any], last: Mapping[str, Any]) -> bool:
    """Whether the session is over after the last period, as on a half day."""
    length = timedelta(seconds=params["calendar"]["period_seconds"])
    close = datetime.fromisoformat(params["valid"]["to"])
    return datetime.fromisoformat(last["start"]) + length >= close


def periods_within(params: Mapping[str, Any], symbol: str, terms: OrderTerms) -> list[int]:
    """Which of the symbol's periods an order may trade in, by their place in the file.

    Raises:
        ProblemError: a time that is none, or a window without periods.
    """
    starts = [one["start"] for one in symbol_section(params, symbol)["periods"]]
    zone = ZoneInfo(params["calendar"]["timezone"])
    moments = [datetime.fromisoformat(start) for start in starts]
    begin, close = moments[0].astimezone(zone), moments[-1].astimezone(zone)
    first, last = (
        None if text is None else _moment(name, text, (begin, close))
        for name, text in (("start", terms.start), ("end", terms.end))
    )
    chosen = [
        place
        for place, moment in enumerate(moments)
        if (first is None or moment >= first) and (last is None or moment < last)
    ]
    if not chosen:
        raise ProblemError(
            f"no period begins from {terms.start} and before {terms.end}: the file's periods begin "
            f"from {starts[0]} to {starts[-1]}"
        )
    return chosen


def _moment(name: str, text: str, session: tuple[datetime, datetime]) -> datetime:
    """A time of the session whose first and last periods begin so, in the calendar's zone.

    HH:MM is of the first period's day; where the session runs past midnight, of the next one if it
    would come before the session (as an end: before anything could be traded).
    """
    first, last = session
    of_day = not ("T" in text or " " in text)
    try:
        moment = datetime.fromisoformat(f"{first.date()}T{text}" if of_day else text)
    except ValueError:
        raise ProblemError(f"{name} must be a time, found {text}: write it as 10:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=first.tzinfo)
    early = moment <= first if name == "end" else moment < first
    if of_day and early and last.date() > first.date():
        moment += timedelta(days=1)
    return moment
