"""The columns of the files of parent orders and fills, and a broker's own names of them."""

from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, ValidationError

from pipeline.engine.config import Section, read_toml
from pipeline.engine.errors import InputError
from pipeline.engine.places import reading
from pipeline.studies.tables import check_plain, read_table

REQUIRED = {
    "orders": ("id", "symbol", "side", "quantity", "start", "arrival_price"),
    "fills": ("order", "time", "quantity", "price"),
}

IDS = ("id", "order")
EXACT = 2**53  # whole numbers beyond are rounded in a float
# read with every digit
TEXT = ("side", "start", "end", "arrival_time", "decision_time", "post_time", "time")
NO_COLUMNS = ("file", "fill_event", "own", "seconds", "stamp")  # keys of a table that name none


def _known_zone(name: str) -> str:
    try:
        return str(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"'{name}' is no IANA name such as America/New_York") from None


class OrderColumns(Section):
    """The orders' file and the name of each column in it; one row a parent order.

    id, symbol, side (words, signs or codes of FIX), quantity (shares, positive), start and end (of
    the time it may trade; ISO, FIX or epoch), arrival_price (mid as the order arrived) and
    arrival_time (when it was read; else start), adv (shares a day), volatility (1 / day^(1/2)),
    shares_outstanding, post_price and post_time (mid some time after the last fill: lasting
    impact), unit (of the quantity; orders not in the symbol's usual one are left out), beta (to the
    market of --market; else one of all is estimated). Needed: id, symbol, side, quantity, start,
    arrival_price.

    For what orders cost: decision_time and decision_price, commission and fees (currency),
    cancelled (shares), limit_price, currency, account, broker, algo, venue, order_type, and own:
    columns of yours to group by, under the names they have.
    """

    file: str = "orders"
    id: str = "order_id"
    symbol: str = "symbol"
    side: str = "side"
    quantity: str = "quantity"
    start: str = "start"
    end: str = "end"
    arrival_price: str = "arrival_price"
    arrival_time: str = "arrival_time"
    adv: str = "adv"
    volatility: str = "volatility"
    shares_outstanding: str = "shares_outstanding"
    post_price: str = "post_price"
    post_time: str = "post_time"
    unit: str = "unit"
    decision_time: str = "decision_time"
    decision_price: str = "decision_price"
    commission: str = "commission"
    fees: str = "fees"
    cancelled: str = "cancelled"
    limit_price: str = "limit_price"
    beta: str = "beta"
    currency: str = "currency"
    account: str = "account"
    broker: str = "broker"
    algo: str = "algo"
    venue: str = "venue"
    order_type: str = "order_type"
    own: tuple[str, ...] = ()


class FillColumns(Section):
    """The fills' file and the name of each column in it; one row a fill, or an event.

    order (the parent's id), id, time, quantity (positive), price, side, mid (at the fill;
    that of the last fill stands for post_price where orders have none), event (rows whose event is
    not fill_event are not fills). Needed: order, time, quantity, price.
    """

    file: str = "fills"
    order: str = "order_id"
    id: str = "fill_id"
    time: str = "time"
    quantity: str = "quantity"
    price: str = "price"
    side: str = "side"
    mid: str = "mid"
    bid: str = "bid"
    ask: str = "ask"
    venue: str = "venue"
    commission: str = "commission"
    fees: str = "fees"
    event: str = "event"
    fill_event: str = "trade"


class BarColumns(Section):
    """The names of columns of bars; one row a bar and symbol.

    symbol, time, close and volume are needed; open, high, low, vwap, bid and ask (standing as the
    bar ends) are used where they are there. stamp: whether time is the bar's start or its end;
    seconds: its length, without it the commonest distance of two bars.
    """

    symbol: str = "symbol"
    time: str = "time"
    open: str = "open"
    high: str = "high"
    low: str = "low"
    close: str = "close"
    volume: str = "volume"
    vwap: str = "vwap"
    bid: str = "bid"
    ask: str = "ask"
    stamp: Literal["start", "end"] = "start"
    seconds: float | None = Field(default=None, gt=0)


class MarketColumns(Section):
    """The columns of the file of --market: time and price; symbol where it holds several names."""

    time: str = "time"
    price: str = "price"
    symbol: str = "symbol"


class BrokerColumns(Section):
    """A broker's format: the two files, day_seconds of trading in a day, in which durations are
    counted, and the timezone of times that state no offset; bars and the market beside them.
    """

    day_seconds: float = Field(default=23_400.0, gt=0)
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    orders: OrderColumns = OrderColumns()
    fills: FillColumns = FillColumns()
    bars: BarColumns = BarColumns()
    market: MarketColumns = MarketColumns()


def read_broker_columns(path: str | None) -> BrokerColumns:
    """Return the map of a TOML file; without one, every column has the name of its key.

    Raises: InputError naming the file and the key at fault.
    """
    if path is None:
        return BrokerColumns()
    values = read_toml(path, "--columns")
    try:
        return BrokerColumns.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        tables = {
            "orders": OrderColumns,
            "fills": FillColumns,
            "bars": BarColumns,
            "market": MarketColumns,
        }
        known = tables.get(str(first["loc"][0]), BrokerColumns).model_fields
        raise InputError(
            f"{path}: {key}: {first['msg']}; the keys are {', '.join(known)}"
        ) from None


def read_broker_table(
    folder: str, part: str, columns: OrderColumns | FillColumns, needed: tuple[str, ...] = ()
) -> tuple[pd.DataFrame, Path]:
    """Return a file's columns under the names of their keys, and its path.

    needed: keys that must be there, without it those of `REQUIRED`. Ids are text, digit for digit,
    and NaN where blank. Columns that the file does not have are left out; those of `own` keep their
    names.
    Raises: InputError naming the file, and a column that is needed or was asked for and is not
    there, or the row of an id that is rounded.
    """
    path = _find(Path(folder), columns.file)
    ids = {key: getattr(columns, key) for key in IDS if key in type(columns).model_fields}
    texts = [getattr(columns, key) for key in TEXT if key in type(columns).model_fields]
    frame = _read(path, list(ids.values()), texts)
    names = {key: name for key, name in columns.model_dump().items() if key not in NO_COLUMNS}
    names |= {name: name for name in getattr(columns, "own", ())}
    asked = {*(needed or REQUIRED[part]), *columns.model_fields_set, *getattr(columns, "own", ())}
    for key, name in names.items():
        if name not in frame.columns and key in asked:
            raise InputError(
                f"{path}: no column '{name}' for {part}.{key}; the columns are "
                f"{', '.join(map(str, frame.columns))}; name it in --columns MAP.toml"
            )
    for name in names.values():
        if name in frame.columns:
            check_plain(frame[name], name, path)
    found = pd.DataFrame({key: frame[name] for key, name in names.items() if name in frame.columns})
    plain = {key: _text(found[key], ids[key], path) for key in ids if key in found}
    return found.assign(**plain), path


def _read(path: Path, ids: list[str], texts: list[str]) -> pd.DataFrame:
    """Read the file; ids are not taken for numbers, which a blank among them makes floats, nor in
    a CSV the columns named in texts.
    """
    frame = read_table(path, "--data", (*ids, *texts))
    if path.suffix != ".parquet":
        return frame
    with reading(str(path), "cannot be read as Parquet", "check --data"):
        exact = pd.read_parquet(
            path, columns=[name for name in ids if name in frame], dtype_backend="numpy_nullable"
        )
    return frame.assign(**{name: exact[name] for name in exact})


def _text(ids: pd.Series, name: str, path: Path) -> pd.Series:
    """Return ids as text, whole numbers without a decimal, NaN where blank."""
    if pd.api.types.is_float_dtype(ids):
        number = ids.astype(float)
        rounded = number.abs() >= EXACT
        whole = (number.dropna() % 1 == 0).all() and not rounded.any()
        text = (number.astype("Int64") if whole else number).astype("string")
    else:
        text = ids.astype("string").str.strip()
        decimal = text.str.fullmatch(r"\d+\.0+").fillna(False)
        rounded = text.str.fullmatch(r"\d(\.\d+)?[eE]\+?\d+").fillna(False)
        text = text.mask(decimal, text.str.replace(r"\.0+$", "", regex=True))
        rounded |= pd.to_numeric(text.where(decimal)).astype(float) >= EXACT
    rounded = rounded.fillna(False).to_numpy(dtype=bool)
    if rounded.any():
        row = int(np.argmax(rounded))
        raise InputError(
            f"{path}: row {row + 2}: {name} {ids.iloc[row]} is rounded, as numbers beyond 2^53 are "
            "in a float; write ids as text or as whole numbers"
        )
    return text.replace("", pd.NA).astype(object).where(lambda each: each.notna(), np.nan)


def _find(folder: Path, name: str) -> Path:
    """Return the file of that name, its ending .csv or .parquet where it has none."""
    for path in (folder / name, folder / f"{name}.parquet", folder / f"{name}.csv"):
        if path.is_file():
            return path
    raise InputError(
        f"{folder}: no file {name}, {name}.parquet or {name}.csv; check --data, or name the file "
        "in --columns MAP.toml"
    )
