"""The command `impact tca`: orders and fills, the market beside them, and what they cost."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.studies.orders.columns import BrokerColumns, read_broker_columns
from pipeline.tca.book import Book, make_book
from pipeline.tca.join import Joined, join
from pipeline.tca.market import Market, NoMarket, open_tape_market, read_bar_market
from pipeline.tca.order_rows import OrderRows, read_order_rows
from pipeline.tca.replayed import read_replay
from pipeline.tca.sheet import make_sheet
from pipeline.tca.told import read_files, told_costs


@dataclass(frozen=True)
class TcaRequest:
    """Files of orders and fills; bars or, of the configuration, a tape beside them.

    replay: the sheet of a replay in place of orders and fills, its policies as orders; params:
    files of parameters that told costs; currency: of the orders, all where empty; index: the
    market's symbol that stands for all of it.
    """

    orders: str = ""
    fills: str = ""
    replay: str = ""
    columns: str | None = None
    bars: str | None = None
    tape: bool = False
    params: tuple[str, ...] = ()
    currency: str = ""
    index: str = ""
    out: str = "out"


@dataclass(frozen=True, eq=False)
class Analysis:
    """A book of costs, and the market it was held against."""

    book: Book
    market: Market


def analyse(request: TcaRequest, config: Config) -> Analysis:
    """Return what the orders cost.

    Raises: InputError naming the file at fault, or when no order is left.
    """
    files = read_files(request.params)
    if request.replay:
        rows, seen = read_replay(request.replay, _calendar(config))
        market: Market = open_tape_market(config, request.out) if request.tape else seen
    else:
        columns = read_broker_columns(request.columns)
        rows = _of_currency(read_order_rows(request.orders, request.fills, columns), request)
        market = _market(request, columns, config)
    if request.index and not market.dates(request.index):
        raise InputError(f"--index {request.index}: neither the tape nor the bars have that symbol")
    rows, joined = _priced(rows, join(rows, market, request.index))
    told = told_costs(rows, joined.end, files)
    sheet = make_sheet(rows, joined, told, market.source, apart=bool(request.replay))
    return Analysis(make_book(sheet, market.calendar.timezone), market)


def _calendar(config: Config) -> SessionCalendar:
    return SessionCalendar(config.data.calendar, config.data.period_seconds)


def _market(request: TcaRequest, columns: BrokerColumns, config: Config) -> Market:
    if request.tape and request.bars:
        raise InputError("--tape and --bars: give the one that the orders are to be held against")
    if request.tape:
        return open_tape_market(config, request.out)
    if request.bars:
        zone, calendar = columns.timezone, _calendar(config)
        return read_bar_market(request.bars, columns.bars, zone, calendar)
    return NoMarket(_calendar(config))


def _of_currency(rows: OrderRows, request: TcaRequest) -> OrderRows:
    """Return the orders of one currency: amounts of two have no sum.

    Raises: InputError where there are several, or none of the one asked for.
    """
    there, currency = sorted(set(rows.orders["currency"]) - {""}), request.currency
    if not currency:
        if len(there) > 1:
            raise InputError(
                f"{request.orders}: orders are in {', '.join(there)}, and their costs have no sum; "
                f"choose one with --currency {there[0]}"
            )
        return rows
    if currency not in there:
        raise InputError(f"--currency {currency}: no order is in it; there are {', '.join(there)}")
    return rows.without({"other_currency": (rows.orders["currency"] != currency).to_numpy()})


def _priced(rows: OrderRows, joined: Joined) -> tuple[OrderRows, Joined]:
    """Leave out, and list, orders without an arrival price, or a rest without any price at its end.

    Raises: InputError when none is left.
    """
    orders = rows.orders
    unknown = np.isnan(joined.arrival.mid) & orders["arrival_price"].isna().to_numpy()
    filled = rows.fills.groupby("order")["quantity"].sum().reindex(orders.index, fill_value=0.0)
    open_end = np.isnan(joined.exit.mid) & (filled == 0).to_numpy()
    lost = {"no_arrival_price": unknown, "no_price_at_end": open_end}
    gone = unknown | open_end
    if gone.all():
        raise InputError(
            f"{rows.file}: no order has an arrival price, given or from the market at its start; "
            "give --tape or --bars of its days, or name the column in --columns MAP.toml"
        )
    if not gone.any():
        return rows, joined
    return rows.without(lost), joined.only(~gone, ~gone[rows.fills["order"].to_numpy()])
