"""Quotes and trades of many venues as one tape: the best quotes, and trades signed by them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.microstructure.standing import standing_before
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources.clean import BOOK_FIELDS, EXCLUSIONS

Floats = NDArray[np.float64]
Signs = NDArray[np.int8]
# no session moves a price eightfold; a few stub quotes may lie anywhere
OFF_SCALE, OFF_SCALE_SHARE = 8.0, 0.01
# venues' quotes cross for moments, so a book crossed for half its rows was not venues' quotes
CROSSED_SHARE = 0.5
FLOAT_NOISE = 1e-9
LEAST_ROWS = 100  # of trades or quotes, below which a share says nothing
# a side known from the trade's own report agrees with the quotes in most trades
CONTRADICTION = 0.65


@dataclass(frozen=True)
class SymbolDay:
    """One symbol's quotes and trades of one local date, before they are merged.

    quotes: row, ts (ns UTC), venue, bid_px, bid_sz, ask_px, ask_sz, half_quote (the next row is its
    other side): a null price is a side the row does not state, a NaN price or size 0 one its venue
    has withdrawn; halted. trades: row, ts, price, size, aggressor (null: to be inferred). Both may
    carry more flags named as the cleaning rules; `quotes_url` and `trades_url` name the tables in
    messages.
    """

    symbol: str
    quotes: pl.DataFrame
    trades: pl.DataFrame
    quotes_url: str
    trades_url: str

    def records(self, calendar: SessionCalendar) -> pl.DataFrame:
        """Return the records that `Cleaner` takes, by time.

        At one time trades come first, as they move the book.
        Raises: InputError when a table is not in order of time, every trade is there twice, prices
        are in two scales, a book is crossed throughout, or stated sides contradict the quotes.
        """
        for table, url in ((self.quotes, self.quotes_url), (self.trades, self.trades_url)):
            check_order(table, self.symbol, url)
        best = best_quotes(self.quotes).with_columns(halted=_halts(self.quotes))
        halted = _standing(best, best["halted"].cast(pl.Float64).to_numpy(), self.trades)
        trades = sign_trades(self.trades, best).with_columns(pl.Series("halted", halted == 1))
        inside = _in_session(best.filter(~pl.col("half_quote")), calendar)
        regular = _in_session(trades.filter(~_excluded(trades)), calendar)
        self._check_crossed(inside)
        self._check_scale(inside, regular)
        self._check_double_prints(regular)
        self._check_sides(regular)
        return (
            pl.concat(
                [
                    trades.drop("expected").with_columns(is_trade=True, is_quote=False),
                    best.with_columns(is_trade=False, is_quote=True),
                ],
                how="diagonal",
            )
            .sort("ts", maintain_order=True)
            .with_columns(pl.col("ts").alias("order"))
        )

    def _check_crossed(self, best: pl.DataFrame) -> None:
        venues = self.quotes["venue"].n_unique()
        whole = best.drop_nans(["bid_px_0", "ask_px_0"])
        crossed = (whole["bid_px_0"] > whole["ask_px_0"]).sum()
        if venues > 1 and len(whole) >= LEAST_ROWS and crossed > CROSSED_SHARE * len(whole):
            raise InputError(
                f"{self.quotes_url}: {self.symbol}: the best quotes over {venues} venues are "
                f"crossed in {crossed} of {len(whole)} rows; if they are consolidated already, "
                "name no venue column"
            )

    def _check_scale(self, best: pl.DataFrame, trades: pl.DataFrame) -> None:
        mid = best.select("row", price=(pl.col("bid_px_0") + pl.col("ask_px_0")) / 2)
        mid = mid.filter(pl.col("price").is_finite() & (pl.col("price") > 0))
        level = mid["price"].median()
        if level is None:
            return
        for table, url, what in (
            (mid, self.quotes_url, "quotes"),
            (trades, self.trades_url, "trade prices"),
        ):
            ratio = pl.col("price") / level
            off = table.filter((ratio > OFF_SCALE) | (ratio < 1 / OFF_SCALE))
            if len(off) > OFF_SCALE_SHARE * len(table):
                row = off.row(0, named=True)
                raise InputError(
                    f"{url}: row {row['row']}: {self.symbol}: {what} in two scales: "
                    f"{row['price']:g}, where the quotes' median is {level:g}; bring all prices to "
                    "one unit"
                )

    def _check_double_prints(self, trades: pl.DataFrame) -> None:
        if "duplicate" in self.trades.columns or len(trades) < LEAST_ROWS:
            return
        if (trades.group_by("ts", "price", "size").len()["len"] % 2 == 0).all():
            raise InputError(
                f"{self.trades_url}: {self.symbol}: each of the {len(trades)} trades is there "
                "twice, as where both orders of an execution report it; keep one of the two"
            )

    def _check_sides(self, trades: pl.DataFrame) -> None:
        stated = trades.filter(
            (pl.col("expected") != 0) & (pl.col("aggressor") != 0) & ~pl.col("quote_signed")
        )
        against = (stated["expected"] != stated["aggressor"]).mean()
        if len(stated) >= LEAST_ROWS and against > CONTRADICTION:
            raise InputError(
                f"{self.trades_url}: {self.symbol}: {against:.0%} of the stated sides contradict "
                "the quotes; say in the column map whose side it is: side_is, buy, sell"
            )


def best_quotes(quotes: pl.DataFrame) -> pl.DataFrame:
    """Return the quotes with the best bid and ask over venues in place of the row's own.

    Every venue's last quote stands; sizes are summed over the venues at the best price. No venue's:
    NaN, size 0.
    """
    venue = (
        quotes["venue"]
        .cast(pl.Categorical)
        .to_physical()
        .fill_null(np.iinfo(np.uint32).max)
        .to_numpy()
    )
    columns = {}
    for side, sign in (("bid", 1.0), ("ask", -1.0)):
        stated = quotes[f"{side}_px"].is_not_null().to_numpy()
        size = quotes[f"{side}_sz"].fill_null(0.0).to_numpy()
        price = quotes[f"{side}_px"].fill_null(np.nan).to_numpy()
        rank = np.where(np.isnan(price) | (size == 0), -np.inf, sign * price)
        best, depth = _best_side(venue, stated, rank, size)
        columns[f"{side}_px_0"] = np.where(np.isfinite(best), sign * best, np.nan)
        columns[f"{side}_sz_0"] = depth
    return quotes.drop("venue", *BOOK_FIELDS).with_columns(
        pl.Series(name, value) for name, value in columns.items()
    )


def _best_side(
    venue: np.ndarray, stated: np.ndarray, rank: Floats, size: Floats
) -> tuple[Floats, Floats]:
    """Return the highest standing rank over venues after each row and the size there, (n,) both.

    A venue's standing quote is kept as the row it is in, four bytes rather than its price and size.
    """
    best, depth = np.full(len(rank), -np.inf), np.zeros(len(rank))
    rows = np.arange(len(rank))
    standing = (
        {
            code: np.maximum.accumulate(np.where(stated & (venue == code), rows, -1)).astype(
                np.int32
            )
            for code in np.unique(venue)
        }
        if len(rank)
        else {}
    )
    for last in standing.values():
        np.maximum(best, np.where(last >= 0, rank[last], -np.inf), out=best)
    for last in standing.values():
        depth += np.where((last >= 0) & (rank[last] == best) & np.isfinite(best), size[last], 0.0)
    return best, depth


def sign_trades(trades: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    """Return the trades with `aggressor` filled in where it was null, and which test did so.

    The quote test first: above the mid that stood before the trade's time a buy, below it a sell.
    At the mid, or where the standing quote is one-sided, locked or crossed, the tick test: the sign
    of the last change of price; 0 before the first. Trades that an exclusion rule takes out have no
    part in either. Adds quote_signed, tick_signed, and `expected`, the quote test's answer for
    every trade, 0 where it has none.
    Source: Lee, Ready 1991, "Inferring trade direction from intraday data", section 2, without its
    5-second lag.
    """
    price = trades["price"].fill_null(np.nan).to_numpy()
    taken = trades.select(_excluded(trades) | pl.col("price").is_null())
    regular = ~taken.to_series().to_numpy()
    quotes = best.filter(~pl.col("half_quote"))
    bid, ask = (quotes[name].to_numpy() for name in ("bid_px_0", "ask_px_0"))
    mid = _standing(quotes, np.where(bid < ask, (bid + ask) / 2, np.nan), trades)
    # half of two prices is rarely exact in binary
    at_mid = np.isclose(price, mid, rtol=FLOAT_NOISE, atol=0.0)
    by_quote = np.nan_to_num(np.sign(price - mid)).astype(np.int8) * (regular & ~at_mid)
    by_tick = np.zeros(len(price), dtype=np.int8)
    by_tick[regular] = _ticks(price[regular])
    inferred = trades["aggressor"].is_null().to_numpy()
    answer = pl.Series(np.where(by_quote != 0, by_quote, by_tick), dtype=pl.Int8)
    return trades.with_columns(
        trades["aggressor"].fill_null(answer),
        pl.Series("expected", by_quote),
        pl.Series("quote_signed", inferred & (by_quote != 0)),
        pl.Series("tick_signed", inferred & (by_quote == 0) & (by_tick != 0)),
    )


def _ticks(price: Floats) -> Signs:
    """Return the sign of the last change of price up to each trade, 0 before the first."""
    change = np.sign(np.diff(price, prepend=price[:1]))
    last = np.maximum.accumulate(np.where(change != 0, np.arange(len(price)), 0))
    return change[last].astype(np.int8)


def _excluded(trades: pl.DataFrame) -> pl.Expr:
    return pl.any_horizontal(
        pl.lit(False), *(name for name in EXCLUSIONS if name in trades.columns)
    )


def _in_session(table: pl.DataFrame, calendar: SessionCalendar) -> pl.DataFrame:
    return table.filter(pl.Series(~np.isnat(calendar.session_of(table["ts"].to_numpy()))))


def check_order(table: pl.DataFrame, symbol: str, url: str) -> None:
    """Check that a table of one symbol is in order of `ts`; equal times are.

    Raises: InputError naming the first row that is not.
    """
    back = table.filter(pl.col("ts") < pl.col("ts").shift(1))
    if len(back):
        raise InputError(
            f"{url}: row {back['row'][0]}: time runs backwards for {symbol}; sort the file by its "
            "time"
        )


def _standing(quotes: pl.DataFrame, value: Floats, trades: pl.DataFrame) -> Floats:
    """Return the value that stood just before each trade, NaN without any quote."""
    times = trades["ts"].to_numpy()
    return (
        standing_before(quotes["ts"].to_numpy(), value, times)
        if len(quotes)
        else np.full(len(times), np.nan)
    )


def _halts(quotes: pl.DataFrame) -> pl.Series:
    """Return whether trading is halted after each row.

    It is from a venue's halted row to its next that is not.
    """
    venues = quotes.filter("halted")["venue"].unique()
    turns = [
        pl.when(pl.col("venue").eq_missing(venue)).then("halted").forward_fill() for venue in venues
    ]
    return quotes.select(halted=pl.any_horizontal("halted", *turns).fill_null(False)).to_series()
