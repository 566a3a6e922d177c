"""How a day's volume and variance are shared out over its periods: flat, a table, or a tape's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.parameters.schema import Params, SymbolParams, read_params
from pipeline.parameters.sections import ProfileSection
from pipeline.studies.tables import read_table

Floats = NDArray[np.float64]
FLAT = "flat"


@dataclass(frozen=True, eq=False)
class DayProfile:
    """Shares of a day's volume and variance by period, (N,) each, that sum to 1.

    source: "flat", or the file; shared: of symbols that it does not name; by_symbol: of those that
    it does.
    """

    source: str
    shared: tuple[Floats, Floats]
    by_symbol: dict[str, tuple[Floats, Floats]]

    def of(self, symbol: str) -> tuple[Floats, Floats]:
        """Return the shares of volume and of variance of a symbol."""
        return self.by_symbol.get(symbol, self.shared)

    @property
    def said(self) -> str:
        """Return how they share the day out, in words."""
        return "evenly" if self.source == FLAT else f"as {self.source} has them"

    @property
    def section(self) -> ProfileSection:
        """Return what the file says of it."""
        kind = "flat" if self.source == FLAT else "given"
        return ProfileSection(volume=kind, sigma=kind, source=self.source)


def read_profile(path: str | None, calendar: SessionCalendar, day: str) -> DayProfile:
    """Return the profile of a file for the session after a day, or the flat one.

    path: a `params.json` that `impact run` made of a tape, or a CSV or Parquet table with i, volume
    and volatility (of any unit).
    Raises: InputError naming the file where it has other periods, or no numbers above 0.
    """
    count = calendar.next_session(day).periods
    if path is None:
        even = np.full(count, 1 / count)
        return DayProfile(FLAT, (even, even), {})
    if path.endswith(".json"):
        return _of_params(path, read_params(path), calendar, count)
    table = read_table(path, "--profile")
    for name in ("i", "volume", "volatility"):
        if name not in table:
            raise InputError(
                f"{path}: no column '{name}'; a profile has i, volume and volatility by period"
            )
    return DayProfile(path, _shares(path, table, count), {})


def _of_params(path: str, params: Params, calendar: SessionCalendar, count: int) -> DayProfile:
    if params.calendar.period_seconds != calendar.period_seconds:
        raise InputError(
            f"{path}: its periods have {params.calendar.period_seconds} s; give --period-seconds "
            f"{params.calendar.period_seconds}"
        )
    known = {name: _shares(path, _table(one), count) for name, one in params.symbols.items()}
    parts = list(known.values())
    shared = tuple(np.mean([part[at] for part in parts], axis=0) for at in (0, 1))
    return DayProfile(path, (shared[0], shared[1]), known)


def _table(one: SymbolParams) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "i": [period.i for period in one.periods],
            "volume": [period.volume for period in one.periods],
            "volatility": [period.sigma for period in one.periods],
        }
    )


def _shares(path: str, table: pd.DataFrame, count: int) -> tuple[Floats, Floats]:
    numbers = table[["i", "volume", "volatility"]].apply(pd.to_numeric, errors="coerce")
    numbers = numbers.sort_values("i").astype(float)
    if not np.array_equal(numbers["i"], np.arange(count)):
        raise InputError(
            f"{path}: a profile needs each period of the next session once, i = 0 to {count - 1}; "
            f"it has {len(numbers)}"
        )
    if not (
        np.isfinite(numbers).all(axis=None)
        and (numbers[["volume", "volatility"]] > 0).all(axis=None)
    ):
        raise InputError(f"{path}: a profile needs a volume and a volatility above 0 everywhere")
    volume, variance = numbers["volume"].to_numpy(), numbers["volatility"].to_numpy() ** 2
    return volume / volume.sum(), variance / variance.sum()
