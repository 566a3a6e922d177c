"""An order as it was asked, stated as the solver takes it: terms, drift, the problem."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from models.inference.caveat import Caveat
from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import Params
from pipeline.planning.price_of_risk import urgent_plans
from solver import KnottedLaw, OrderTerms, Problem, ProblemError, Tilt, learned_curve, tilt_of
from solver.planning.parameters import whole_caps

AHEAD = timedelta(days=7)  # a session so far ahead has no forecast worth the name


def order_terms(params: Params, symbol: str, order: AllocateConfig) -> OrderTerms:
    """Return how the order may be worked, as the solver takes it.

    A risk aversion that is left to the order ("auto") is that of its most urgent plan.
    Raises: InputError when the drift is no number and no file of drifts, or the order as `_urgent`.
    """
    auto = order.risk_aversion == "auto"
    terms = OrderTerms(
        side=order.side,
        lot=order.lot,
        risk_aversion=0.0 if auto else order.risk_aversion,
        max_participation=order.max_participation,
        min_participation=order.min_participation,
        own_impact=order.own_impact,
        plan=order.plan,
        slices=None if order.slices == "auto" else order.slices,
        drift=read_drift(order.drift, params, symbol),
        start=order.start or None,
        end=order.end or None,
    )
    if not auto:
        return terms
    return replace(terms, risk_aversion=_urgent(params, symbol, order.shares, terms))


def _urgent(params: Params, symbol: str, shares: float, terms: OrderTerms) -> float:
    """Return the risk aversion of the most urgent plan, 0 where none takes any risk away.

    Raises: InputError when the order cannot be stated, or trades escape their own impact.
    """
    if terms.own_impact == "none":
        raise InputError("--risk-aversion auto: give a number where --own-impact is none")
    try:
        stated = tilt_of(params.model_dump(by_alias=True), symbol, shares, terms).problem
    except ProblemError as error:
        raise InputError(str(error)) from error
    found = {row["point"]: row["risk_aversion"] for row in urgent_plans(stated)}
    return float(found.get("urgent", 0.0))


def read_drift(text: str, params: Params, symbol: str) -> float | np.ndarray:
    """Return the drift in currency / share per period: a number, or one a period of the file.

    text: currency a day, bps a day ("5bps"), or a CSV file with columns i and drift.
    Raises: InputError when it is none of them.
    """
    number = text.removesuffix("bps").strip()
    try:
        a_day = float(number)
    except ValueError:
        return _drift_file(text, params, symbol)
    unit = 1e-4 * params.symbols[symbol].reference.price if text.endswith("bps") else 1.0
    return a_day * unit / params.calendar.periods


def _drift_file(path: str, params: Params, symbol: str) -> np.ndarray:
    import pandas as pd  # only a file needs it, and it takes long to import

    wanted = [period.i for period in params.symbols[symbol].periods]
    try:
        table = pd.read_csv(path).set_index("i")["drift"]
        return table.loc[wanted].to_numpy(dtype=float)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"--drift {path}: neither a number, nor bps, nor a CSV file with columns i and drift "
            f"for the periods {wanted[0]} to {wanted[-1]} ({error})"
        ) from None


def check_capacity(symbol: str, order: AllocateConfig, volume: np.ndarray) -> None:
    """Check that the forecast volume (by period, shares) holds the order, before anything is
    fitted.

    Raises: InputError naming the symbol.
    """
    terms = OrderTerms(lot=order.lot, max_participation=order.max_participation)
    try:
        whole_caps(order.shares, volume, terms)
    except ProblemError as error:
        raise InputError(f"symbol {symbol}: {error}") from error


def check_in_force(params: Params, now: datetime) -> None:
    """Check that parameters may be used now: they have not expired, and their session is near.

    now: with a zone.
    Raises: InputError saying for which session they are.
    """
    valid, told = params.valid, f"the parameters are for the session of {_session(params)}"
    if valid.expires and now >= datetime.fromisoformat(valid.expires):
        why = f"and expired at {valid.expires}"
    elif datetime.fromisoformat(valid.start) - now > AHEAD:
        why = f"more than {AHEAD.days} days ahead"
    else:
        return
    raise InputError(f"{told}, {why}; make them anew with `impact run`, or plan with --stale")


def file_caveats(params: Params, symbol: str, now: datetime) -> list[Caveat]:
    """Say what a parameter file is not: of this day, of the whole session.

    now: with a zone.
    """
    found = []
    begin, end = (datetime.fromisoformat(each) for each in (params.valid.start, params.valid.end))
    if now >= end or begin - now > AHEAD:
        when = f"{(now - end).days} days ago" if now >= end else f"in {(begin - now).days} days"
        message = (
            f"the parameters are for the session of {_session(params)}, {when}: "
            "price, volume and volatility are of that day"
        )
        found.append(Caveat("another_date", message))
    places = [period.i for period in params.symbols[symbol].periods]
    if places[0] > 0:
        zone = ZoneInfo(params.calendar.timezone)
        message = (
            f"the file holds {len(places)} of the session's {places[-1] + 1} periods, "
            f"{len(places) / (places[-1] + 1):.0%}, from {begin.astimezone(zone):%H:%M} on"
        )
        found.append(Caveat("part_of_session", message))
    return found


def _session(params: Params) -> str:
    zone = ZoneInfo(params.calendar.timezone)
    begin, end = (
        datetime.fromisoformat(each).astimezone(zone)
        for each in (params.valid.start, params.valid.end)
    )
    return f"{begin:%Y-%m-%d %H:%M} to {end:%H:%M} {params.calendar.timezone}"


def stated_problem(params: Params, symbol: str, order: AllocateConfig) -> Problem:
    """Return the order as an optimisation problem in the parameters' units.

    Raises: InputError as `stated_tilt`.
    """
    return stated_tilt(params, symbol, order).problem


def stated_curve(
    params: Params, symbol: str, order: AllocateConfig, tilt: Tilt
) -> KnottedLaw | None:
    """Return the learned curve of the order's periods at the tilt's states, None without one."""
    if params.symbols[symbol].curves is None:
        return None
    terms = order_terms(params, symbol, order)
    return learned_curve(params.model_dump(by_alias=True), symbol, order.shares, terms, tilt)


def stated_tilt(params: Params, symbol: str, order: AllocateConfig) -> Tilt:
    """Return the order's problem with how far its states are believed.

    Raises: InputError when it cannot be stated: an unknown symbol, shares that are not whole lots,
    a window without periods, or caps that do not hold it.
    """
    if symbol not in params.symbols:
        known = ", ".join(params.symbols)
        raise InputError(f"symbol {symbol}: not in the parameter file; it has {known}")
    if order.shares % order.lot:
        raise InputError(
            f"shares {order.shares}: not a multiple of the lot {order.lot}; change one of them"
        )
    terms = order_terms(params, symbol, order)
    try:
        return tilt_of(params.model_dump(by_alias=True), symbol, order.shares, terms)
    except ProblemError as error:
        raise InputError(str(error)) from error
