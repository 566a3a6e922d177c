"""From the parameter file to a problem: what `json.load` gives of `params.json`, and an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from solver.planning.uncertainty import Uncertainty
from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import Floats, ProblemError, as_vector
from solver.problem.problem import Problem
from solver.problem.slicing import Slicing

SCHEMA = "impact-params/2"


@dataclass(frozen=True)
class OrderTerms:
    """How an order may be worked; every field has the default of `impact allocate`.

    max_participation and min_participation: most and least of each period's forecast volume.
    own_impact: "half" (a trade pays half of its own permanent move) or "none" (it escapes it).
    slices: children a period, None for as many as the book's refill favours. drift: of the price,
    currency / share per period, a number or one a period of the file (0 is an assumption). start,
    end: trade only in periods that begin from start and before end; HH:MM in the calendar's zone
    (past midnight where the session runs on), or ISO times.
    """

    side: str = "buy"
    lot: float = 1.0
    risk_aversion: float = 0.0
    max_participation: float = 0.2
    min_participation: float = 0.0
    own_impact: str = "half"
    slices: int | None = None
    drift: ArrayLike = 0.0
    start: str | None = None
    end: str | None = None


def from_params(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms | None = None
) -> Problem:
    """The problem of trading `shares` of `symbol` under a parameter file.

    params: the content of `params.json`, as `json.load` gives it. The law is that of m children a
    period, m the fewest within 5 % of the least cost at the upper end of the refill's half-life,
    one where the refill is not identified. A law that is linear for want of depth on tape is kept
    within displayed depth wherever that can hold the order.

    Raises:
        ProblemError: another schema, a symbol that is not there, a window without periods, shares
            that are no whole lots or more than the caps hold.
    """
    asked = terms or OrderTerms()
    section = symbol_section(params, symbol)
    chosen = periods_within(params, symbol, asked)
    law = chosen_law(params, symbol, shares, asked)
    volume, sigma = (
        np.array([section["periods"][place][name] for place in chosen], dtype=np.float64)
        for name in ("volume", "sigma")
    )
    cap = _cap(section, shares, volume, asked)
    drift = as_vector("drift", asked.drift)
    return Problem(
        shares=shares,
        law=law.temporary,
        permanent=law.gamma,
        drift=drift if drift.ndim == 0 else _of_periods("drift", drift, section)[chosen],
        sigma=sigma,
        risk_aversion=asked.risk_aversion,
        price=section["reference"]["price"],
        side=asked.side,
        cap=np.minimum(cap, shares),
        floor=_floor(shares, volume, asked) if asked.min_participation else None,
        lot=asked.lot,
        own_impact=asked.own_impact,
    )


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


def chosen_law(
    params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms
) -> ImpactLaw:
    """The law of the periods that an order may trade in, alpha that of its children."""
    section = symbol_section(params, symbol)
    chosen = periods_within(params, symbol, terms)
    law = ImpactLaw.from_section(section).at(chosen)
    slicing = Slicing.from_section(section, params["calendar"]["period_seconds"])
    children = child_orders(params, symbol, shares, terms)
    return replace(law, alpha=np.asarray(law.alpha) * slicing.factor(children, law.k))


def child_orders(params: Mapping[str, Any], symbol: str, shares: float, terms: OrderTerms) -> int:
    """How many children a period's shares are worked in."""
    section = symbol_section(params, symbol)
    slicing = Slicing.from_section(section, params["calendar"]["period_seconds"])
    if terms.slices is not None:
        return terms.slices
    if not section["law"]["family"].startswith("spread"):
        return 1  # slicing saves nothing on the spread, which is in the power law there
    mean = shares / len(periods_within(params, symbol, terms))
    return slicing.fewest(mean, float(section["law"]["k"]))


def uncertainty_of(params: Mapping[str, Any], symbol: str) -> Uncertainty:
    """The file's covariance as errors common to all periods, for intervals and robust plans.

    The scale's error is that of its mean log over the file's periods; gamma's is relative. What is
    fixed has no error, a gamma of 0 none that could be told relative to it.

    Source: the delta method, e.g. van der Vaart (1998), "Asymptotic Statistics", theorem 3.1.
    """
    section = symbol_section(params, symbol)
    names = list(section["covariance"]["names"])
    matrix = np.array(section["covariance"]["matrix"], dtype=np.float64)
    law, count = section["law"], params["calendar"]["periods"]
    levels = [name for name in names if name.startswith("log_alpha_")]
    slopes = np.zeros((3, len(names)))
    for period in section["periods"]:
        slopes[0, names.index(f"log_alpha_{period['i'] * len(levels) // count}")] += 1.0
        slopes[0, names.index("beta")] += period["volatility"] / (
            1.0 + law["beta"] * period["volatility"]
        )
        slopes[0, names.index("theta")] += np.log(
            section["reference"]["volume_shares"] / period["volume"]
        )
    slopes[0] /= len(section["periods"])
    slopes[1, names.index("k")] = 1.0
    slopes[2, names.index("gamma")] = 1.0 / law["gamma"] if law["gamma"] else 0.0
    return Uncertainty(("scale", "exponent", "permanent"), slopes @ matrix @ slopes.T)


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


def _cap(section: Mapping[str, Any], shares: float, volume: Floats, terms: OrderTerms) -> Floats:
    """The most shares of each period, in whole lots."""
    cap = _whole_lots(terms.max_participation * volume, terms.lot)
    if shares > cap.sum():
        raise ProblemError(
            f"shares {shares:.0f}: more than any plan can hold; {cap.sum():.0f} fit into "
            f"{terms.max_participation:.0%} of the forecast volume of {len(cap)} periods; "
            "lower --shares or raise --max-participation"
        )
    if section["law"]["family"] == "linear":
        depth = section["reference"]["depth_shares"]
        shown = np.minimum(cap, np.floor(depth / terms.lot) * terms.lot)
        return shown if shown.sum() >= shares else cap
    return np.asarray(cap)


def _whole_lots(cap: Floats, lot: float) -> Floats:
    """Caps in whole lots; of periods that hold less than one, the periods in which their sum does.

    So a thin symbol's total keeps its share, and no sum of caps is more than that share.
    """
    small = cap < lot
    held = np.floor(np.cumsum(np.where(small, cap, 0.0)) / lot)
    return np.asarray(np.where(small, np.diff(held, prepend=0.0), np.floor(cap / lot)) * lot)


def _floor(shares: float, volume: Floats, terms: OrderTerms) -> Floats:
    """The least shares of each period, in whole lots."""
    floor = np.ceil(terms.min_participation * volume / terms.lot) * terms.lot
    if floor.sum() > shares:
        raise ProblemError(
            f"shares {shares:.0f}: fewer than {terms.min_participation:.0%} of the forecast volume "
            f"in {len(floor)} periods, {floor.sum():.0f}; lower --min-participation"
        )
    return np.asarray(floor)


def _of_periods(name: str, values: Floats, section: Mapping[str, Any]) -> Floats:
    count = len(section["periods"])
    if values.shape != (count,):
        raise ProblemError(
            f"{name} must be a number or one a period of the file, {count}, found {values.size}"
        )
    return values
