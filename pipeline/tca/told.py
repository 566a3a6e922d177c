"""What parameter files tell of real orders: their cost before the trade, and their own impact."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.tca.shortfall import BPS
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS
from pipeline.parameters.schema import Params, read_params
from pipeline.tca.order_rows import OrderRows
from solver import (
    ImpactLaw,
    Problem,
    ProblemError,
    Slicing,
    evaluate,
    sensitivities,
    uncertainty_of,
)
from solver.planning.parameters import fewest_children

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DAY_NS = 24 * 3600 * SECOND_NS
OVER_MID = ("scale", "exponent", "spread")  # what the cost over mid depends on
TOLD = (
    "gamma",
    "gamma_error",
    "told_over_mid",
    "told_over_mid_error",
    "told_permanent",
    "told_error",
    "told_risk",
)


@dataclass(frozen=True, eq=False)
class ToldCosts:
    """What the files tell of every order, NaN where they know nothing of its symbol or its hours.

    table: one row an order: gamma (currency / share^2) with its error; told_over_mid,
    told_permanent, their errors (from the parameters' covariance, NaN where the file holds none),
    told_risk (standard deviation of the price's own moves), bps of the order at the file's
    reference price, at an even pace over its time; file: the place of the file in `files`, -1 for
    none; later: whether that was made of what came after the order's start.
    """

    table: pd.DataFrame
    files: tuple[str, ...]


def read_files(paths: tuple[str, ...]) -> list[tuple[str, Params, int]]:
    """Return parameter files with the time from which on they hold, ns, the earliest first."""
    found = []
    for path in paths:
        params = read_params(path)
        begin = datetime.fromisoformat(params.valid.start)
        found.append((path, params, round(begin.timestamp()) * SECOND_NS))
    return sorted(found, key=lambda one: one[2])


def told_costs(rows: OrderRows, end: Ints, files: list[tuple[str, Params, int]]) -> ToldCosts:
    """Return what the files tell: each order of the latest that was in force as it started, or of
    the earliest where none was.

    end: (m,) ns.
    Raises: InputError where a file cannot be used by the solver.
    """
    orders = rows.orders
    since = np.array([begin for _, _, begin in files], dtype=np.int64)
    start = orders["start"].to_numpy()
    at = np.searchsorted(since, start, side="right") - 1
    books = [_Book(path, params) for path, params, _ in files]
    spans = [book.clocks(start, end) for book in books]
    made: list[dict[str, float]] = []
    for place, (symbol, shares) in enumerate(
        zip(orders["symbol"], orders["quantity"], strict=True)
    ):
        latest = int(at[place])
        of = max(latest, 0)
        if books and symbol in books[of].params.symbols:
            told = books[of].tell(symbol, shares, *spans[of][place].tolist())
            made.append(told | {"file": of, "later": latest < 0})
        else:
            made.append({"file": -1, "later": False})
    table = pd.DataFrame(made, columns=[*TOLD, "file", "later"])
    table[list(TOLD)] = table[list(TOLD)].astype(float)
    return ToldCosts(table, tuple(path for path, _, _ in files))


@dataclass(frozen=True, eq=False)
class _Section:
    """One symbol of a file: its periods' starts (ns after local midnight), their law of one child
    and sigma, how they are sliced, names and covariance of errors.
    """

    starts: Ints
    law: ImpactLaw
    sigma: Floats
    slicing: Slicing
    names: tuple[str, ...]
    covariance: Floats


class _Book:
    """One parameter file, its symbols prepared once."""

    def __init__(self, path: str, params: Params):
        self.path, self.params = path, params
        self.content: dict[str, Any] = params.model_dump(by_alias=True)
        self.seconds = params.calendar.period_seconds
        self.prepared = lru_cache(maxsize=None)(self._prepared)

    def _prepared(self, symbol: str) -> _Section:
        """Return a symbol's section.

        Raises: InputError where the solver cannot use it.
        """
        section = self.content["symbols"][symbol]
        periods = self.params.symbols[symbol].periods
        starts = pd.to_datetime([period.start for period in periods], utc=True)
        try:
            known = uncertainty_of(self.content, symbol)
        except ProblemError as error:
            raise InputError(f"{self.path}: {error}") from error
        return _Section(
            starts=_clock(starts.as_unit("ns").asi8, self.params.calendar.timezone),
            law=ImpactLaw.from_section(section),
            sigma=np.array([period.sigma for period in periods]),
            slicing=Slicing.from_section(section, self.seconds),
            names=known.names,
            covariance=np.asarray(known.covariance),
        )

    def clocks(self, start: Ints, end: Ints) -> Ints:
        """Return times of the day of orders' starts and ends, (m, 2) ns; -1 for an end more than a
        day later.
        """
        zone = self.params.calendar.timezone
        return np.column_stack(
            [_clock(start, zone), np.where(end - start > DAY_NS, -1, _clock(end, zone))]
        )

    def tell(self, symbol: str, shares: float, begin: int, end: int) -> dict[str, float]:
        """Return what the file tells of one order worked evenly between two times of the day."""
        known, one = self.prepared(symbol), self.params.symbols[symbol]
        at = known.names.index("permanent")
        relative, gamma = float(np.sqrt(known.covariance[at, at])), one.law.gamma
        found = {"gamma": gamma, "gamma_error": gamma * relative if relative else np.nan}
        length = self.seconds * SECOND_NS
        shared = np.minimum(known.starts + length, max(end, begin + 1))
        shared = shared - np.maximum(known.starts, begin)
        places = np.flatnonzero(shared > 0)
        if not len(places) or end < 0:
            return found
        part = shared[places] / shared[places].sum()
        section = self.content["symbols"][symbol]
        children = fewest_children(section, known.slicing, shares / len(places))
        factor = float(known.slicing.factor(children, one.law.k))
        law = known.law.at(places.tolist())
        stated = Problem(
            shares=shares,
            law=replace(law, alpha=np.asarray(law.alpha) * factor).temporary,
            permanent=law.gamma,
            sigma=known.sigma[places] * np.sqrt(shared[places] / length),
            price=one.reference.price,
            own_impact="half",
        )
        unit = BPS / (shares * one.reference.price)
        return found | _costed(stated, part * shares, unit, known)


def _costed(stated: Problem, x: Floats, unit: float, known: _Section) -> dict[str, float]:
    """Return the told cost and its errors in bps; unit: bps / currency.

    Source: the delta method, e.g. van der Vaart (1998), "Asymptotic Statistics", theorem 3.1.
    """
    names, matrix = known.names, known.covariance
    parts, slopes = evaluate(stated, x), sensitivities(stated, x)
    slope = np.array([slopes[name] for name in names])
    mid = np.array([slopes[name] if name in OVER_MID else 0.0 for name in names])
    variances = {name: float(each @ matrix @ each) for name, each in (("all", slope), ("mid", mid))}
    error = {name: unit * np.sqrt(each) if each > 0 else np.nan for name, each in variances.items()}
    return {
        "told_over_mid": unit * (parts.spread + parts.temporary),
        "told_over_mid_error": error["mid"],
        "told_permanent": unit * parts.permanent,
        "told_error": error["all"],
        "told_risk": unit * float(np.sqrt(parts.variance)),
    }


def _clock(ts: Ints, timezone: str) -> Ints:
    """Return times of the day in a zone, ns after midnight."""
    local = pd.to_datetime(ts, unit="ns", utc=True).tz_convert(timezone)
    return np.asarray(local.tz_localize(None).as_unit("ns").asi8 % DAY_NS)
