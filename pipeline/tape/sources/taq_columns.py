"""The column map of a trades-and-quotes tape, from a TOML file."""

from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, Field

from pipeline.engine.config import Positive, Section, checked, read_toml


def _pattern(text: str) -> str:
    try:
        pl.Series([""]).str.contains(_whole(text))
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().splitlines()
        said = next((line for line in reason if line.startswith("error: ")), reason[0])
        raise ValueError(f"not a regular expression that is read: {said}") from None
    return text


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


class TableColumns(Section):
    """What trades and quotes have in common; an empty name is a column that the files lack.

    files: a regular expression for the whole file name; its groups `symbol` and `date`, if it has
    them, stand for those columns. rows: only rows in which the column has one of these values, in
    whatever spelling; "" is a blank. suffix: what tells a symbol's instruments apart; it follows
    the symbol after a dot.
    """

    files: Annotated[str, AfterValidator(_pattern)]
    time: str
    rows: dict[str, tuple[str | bool | int | float, ...]] = Field(default_factory=dict)
    symbol: str = ""
    suffix: str = ""
    date: str = ""
    venue: str = ""
    condition: str = ""
    price_divisor: Positive = 1.0
    size_multiple: Positive = 1.0

    def named(self, file: str) -> dict[str, str | None] | None:
        """Return what the groups of `files` say of a file's name, None where it does not fit.

        The engine takes time in proportion to the name, whatever the expression.
        """
        name, pattern = pl.Series([file]), _whole(self.files)
        if not name.str.contains(pattern)[0]:
            return None
        return name.str.extract_groups(pattern)[0] or {}

    def prices(self) -> tuple[tuple[str, str], ...]:
        """Return (canonical name, column) of every price."""
        raise NotImplementedError

    def sizes(self) -> tuple[tuple[str, str], ...]:
        """Return (canonical name, column) of every size."""
        raise NotImplementedError


class TradeColumns(TableColumns):
    """The trades' columns; `side` is the aggressor's or the resting order's as `side_is` says.

    `buy` and `sell` are its values.
    """

    price: str
    size: str
    side: str = ""
    side_is: Literal["aggressor", "resting"] = "aggressor"
    buy: tuple[str, ...] = ()
    sell: tuple[str, ...] = ()
    id: str = ""

    def prices(self) -> tuple[tuple[str, str], ...]:
        """Return (canonical name, column) of every price."""
        return (("price", self.price),)

    def sizes(self) -> tuple[tuple[str, str], ...]:
        """Return (canonical name, column) of every size."""
        return (("size", self.size),)


class QuoteColumns(TableColumns):
    """The quotes: consolidated, or with a `venue` each venue's own."""

    bid_price: str
    bid_size: str
    ask_price: str
    ask_size: str

    def prices(self) -> tuple[tuple[str, str], ...]:
        """Return (canonical name, column) of every price."""
        return (("bid_px", self.bid_price), ("ask_px", self.ask_price))

    def sizes(self) -> tuple[tuple[str, str], ...]:
        """Return (canonical name, column) of every size."""
        return (("bid_sz", self.bid_size), ("ask_sz", self.ask_size))


class TapeColumns(Section):
    """The whole map: trades, quotes, and how times are written.

    `timezone` is that of times without an offset; `unit` and `since` say how they are written.
    since = "epoch": the column is the whole time. since = "midnight": it is the time of the day
    `date`, local.
    """

    trades: TradeColumns
    quotes: QuoteColumns
    timezone: str = "America/New_York"
    unit: Literal["iso", "s", "ms", "us", "ns"] = "iso"
    since: Literal["epoch", "midnight"] = "epoch"


def read_tape_columns(path: str) -> TapeColumns:
    """Read the map.

    Raises: InputError naming the file and the key, with the nearest valid one.
    """
    return checked(TapeColumns, read_toml(path, "[data] columns"), path)
