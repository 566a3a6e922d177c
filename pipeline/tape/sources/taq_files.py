"""One file of a trades-and-quotes tape read through the column map into columns of fixed names."""

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pipeline.engine.errors import InputError, shown
from pipeline.engine.places import reading
from pipeline.engine.sessions import SECOND_NS
from pipeline.tape.sources.clean import scaled
from pipeline.tape.sources.nbbo import check_order
from pipeline.tape.sources.source import RawFile
from pipeline.tape.sources.tables import (
    AGAIN,
    LATEST_NS,
    UNIT_NS,
    check_numeric,
    nanoseconds,
    sayable,
)
from pipeline.tape.sources.taq_columns import QuoteColumns, TapeColumns, TradeColumns
from pipeline.tape.sources.taq_rows import (
    check_one_instrument,
    taken,
    whole_ids,
)
from pipeline.tape.sources.taq_selected import (
    OPTIONAL,
    from_names,
    scan,
    selected,
    stripped,
    text_columns,
    with_suffix,
)

UNITS_NS = {"s": SECOND_NS, "ms": SECOND_NS // 10**3, "us": SECOND_NS // 10**6, "ns": 1}
OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
LONGEST_DAY_NS = 172_800 * SECOND_NS  # a later time is of another day
NAMING = ("symbol", "date", "suffix")
# undefined values of a vendor that some exports hand on, as a price, in its units, and as a size
UNDEFINED_PRICE, UNDEFINED_UNITS, UNDEFINED_SIZE = 9223372036.85, 9.223372036854e18, 2**32 - 1


def read_tape_table(
    path: Path, url: str, table: TradeColumns | QuoteColumns, mapped: TapeColumns, raw: RawFile
) -> pl.DataFrame:
    """Return the file's trades or quotes.

    Columns: row, symbol, day (local date), ts (ns UTC), the prices and sizes under their canonical
    names, venue and condition (text, null where the map names none), and for trades side and id.
    Raises: InputError naming the file, and the column that is missing, the row and value that
    cannot be read, or the row at which a symbol's time runs backwards.
    """
    numbers = dict((*table.prices(), *table.sizes()))
    names = text_columns(table)
    found, unnamed = selected(path, url, table, mapped)
    found = _numbers(found, numbers, url)
    if "id" in names:
        found = whole_ids(found, url)
    found = found.with_columns(
        *(
            scaled(name, table.price_divisor).fill_nan(None).alias(name)
            for name, _ in table.prices()
        ),
        *((pl.col(name) * table.size_multiple).alias(name) for name, _ in table.sizes()),
        *from_names(names, raw),
        *(pl.lit(None, pl.String).alias(name) for name in OPTIONAL[2:] if name not in names),
    )
    found = found.with_columns(with_suffix()).drop("suffix")
    _refuse(
        found,
        "symbol",
        pl.col("symbol").fill_null("") == "",
        url,
        "a symbol; name its column, or a group of files, in the column map",
    )
    found = _timed(found, mapped, url).drop("time", "date")
    check_one_instrument(found, unnamed, url)
    found = found.drop(f"instrument {name}" for name in unnamed)
    for (symbol,), part in found.partition_by("symbol", as_dict=True).items():
        check_order(part, str(symbol), url)
    return found


def left_out(
    place: tuple[Path, str],
    tables: list[TradeColumns | QuoteColumns],
    mapped: TapeColumns,
    raw: RawFile,
) -> pl.DataFrame:
    """Return how many rows of the file no table's `rows` take: symbol, day, rows.

    place: path and URL. Symbol and day are null where a row does not tell them.
    """
    none = pl.DataFrame(schema={"symbol": pl.String, "day": pl.Date, "rows": pl.Int64})
    if not all(table.rows for table in tables):
        return none
    (path, url), first = place, tables[0]
    names = {name: column for name, column in text_columns(first).items() if name in NAMING}
    asked = [name for table in tables for name in table.rows]
    frame = scan(path, url, [first.time, *names.values(), *asked])
    rest = frame.filter(~pl.any_horizontal(*(taken(table) for table in tables))).select(
        pl.col(first.time).alias("time"),
        *(stripped(column).alias(name) for name, column in names.items()),
    )
    rest = rest.with_columns(
        *from_names(names, raw),
        *(pl.lit(None, pl.String).alias(name) for name in ("suffix",) if name not in names),
    ).with_columns(with_suffix())
    with reading(url, "cannot be read", AGAIN):
        rows = rest.collect()
    if rows.is_empty():
        return none
    rows = _plain_time(rows, mapped, url)
    moment = _zoned(rows["time"].dtype, mapped)
    counted = rows.group_by("symbol", day=moment.dt.date()).len("rows")
    return counted.with_columns(pl.col("rows").cast(pl.Int64))


def _numbers(found: pl.DataFrame, names: dict[str, str], url: str) -> pl.DataFrame:
    for name, column in names.items():
        check_numeric(found[name].dtype, column, url)
        text = found[name].cast(pl.String).str.strip_chars().replace("", None)
        number = (
            text.cast(pl.Float64, strict=False)
            if found[name].dtype == pl.String
            else found[name].cast(pl.Float64)
        )
        wrong = (text.is_not_null() & number.is_null()) | number.is_infinite().fill_null(False)
        _refuse(found, name, wrong, url, f"a number (column {column})")
        size = name.endswith("_sz") or name == "size"
        undefined = (number >= UNDEFINED_UNITS) | (
            (number == UNDEFINED_SIZE)
            if size
            else number.is_between(UNDEFINED_PRICE, UNDEFINED_PRICE + 0.01)
        )
        number = pl.select(pl.when(~undefined).then(number.fill_nan(None))).to_series()
        found = found.with_columns(number.alias(name))
        if name == "bid_px":  # a book below 0, as a spread's may be, not a side marked as absent
            below = (found["bid_px"].cast(pl.Float64, strict=False) < 0) & (
                found["ask_px"].cast(pl.Float64, strict=False) < 0
            )
            _refuse(found, name, below, url, "a price of 0 or more, for impact is a part of it")
    sizes = [name for name in names if name.endswith("_sz") or name == "size"]
    for name in sizes:
        price = {"size": "price"}.get(name, name.replace("_sz", "_px"))
        _refuse(
            found,
            name,
            found[name].is_null() & (found[price] > 0),
            url,
            f"a size (column {names[name]}) though there is a price; is the file whole?",
        )
    return found


def _timed(found: pl.DataFrame, mapped: TapeColumns, url: str) -> pl.DataFrame:
    """Add ts and day; local times that a change of clocks repeats are taken as the earlier."""
    if mapped.since == "midnight":
        _refuse(
            found,
            "date",
            _midnight().is_null(),
            url,
            "YYYY-MM-DD or YYYYMMDD beside a time since midnight; name its column, or a group of "
            "files",
        )
    found = _plain_time(found, mapped, url)
    found = found.with_columns(_zoned(found["time"].dtype, mapped).alias("moment"))
    _refuse(
        found,
        "time",
        pl.col("moment").is_null(),
        url,
        f"a time from 1970 to 2260 ({mapped.unit}, since {mapped.since})",
    )
    moment = pl.col("moment")
    return found.with_columns(
        moment.dt.epoch("ns").alias("ts"), moment.dt.date().alias("day")
    ).drop("moment")


def _zoned(kind: pl.DataType, mapped: TapeColumns) -> pl.Expr:
    """Return `time` (of the day `date` where it is since midnight) as local time, else null."""
    try:
        zone = str(ZoneInfo(mapped.timezone))
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError(
            f"timezone '{mapped.timezone}': unknown; give an IANA name such as America/New_York"
        ) from None
    moment = _moment(kind, mapped)
    local = {"ambiguous": "earliest", "non_existent": "null"}
    if (
        isinstance(kind, pl.Datetime) and kind.time_zone and mapped.since == "epoch"
    ):  # Parquet's own zone
        return pl.col("time").cast(pl.Datetime("ns", kind.time_zone)).dt.convert_time_zone(zone)
    if mapped.unit == "iso" or mapped.since == "midnight":
        zoned = moment.dt.replace_time_zone(zone, **local)
        if mapped.unit == "iso" and kind == pl.String and mapped.since == "epoch":
            stated = sayable(pl.col("time").str.replace("T", " ", literal=True)).str.to_datetime(
                "%Y-%m-%d %H:%M:%S%.f%#z", time_unit="ns", strict=False
            )
            zoned = pl.coalesce(stated.dt.convert_time_zone(zone), zoned)
        return zoned
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def _plain_time(found: pl.DataFrame, mapped: TapeColumns, url: str) -> pl.DataFrame:
    """Return `time` of Parquet's own types in ns, null where that cannot be said, else as it is.

    Raises: InputError for a duration or a time of the day where a whole time is asked for.
    """
    column, whole = found["time"], mapped.since == "epoch"
    kind = column.dtype
    if kind in (pl.Duration, pl.Time):
        if whole:
            raise InputError(
                f"{url}: times are {kind}, not whole ones; write since = 'midnight' in the column "
                "map if they are of the day"
            )
        unit = UNIT_NS[kind.time_unit] if isinstance(kind, pl.Duration) else 1
        count = column.cast(pl.Int64)
        inside = count.is_between(0, LONGEST_DAY_NS // unit)
        return found.with_columns(
            pl.select(pl.when(inside).then(count)).to_series().alias("time") * unit
        ).with_columns(pl.col("time").cast(pl.Duration("ns")))
    if kind in (pl.Date, pl.Datetime):
        zone = kind.time_zone if isinstance(kind, pl.Datetime) else None
        return found.with_columns(nanoseconds(column).alias("time")).with_columns(
            pl.col("time").cast(pl.Datetime("ns", zone))
        )
    return found


def _moment(kind: pl.DataType, mapped: TapeColumns) -> pl.Expr:
    """Return the time as written, without a zone."""
    time, of_day = pl.col("time"), mapped.since == "midnight"
    if kind.is_temporal():  # Parquet's own: a whole time, or one of the day
        if not of_day:
            return time.dt.replace_time_zone(None)
        return _midnight() + (time if kind == pl.Duration else time - time.dt.truncate("1d"))
    if mapped.unit == "iso":
        text = time.cast(pl.String).str.replace("T", " ", literal=True)
        if of_day:
            text = pl.format("{} {}", _midnight().dt.strftime("%Y-%m-%d"), text)
        return sayable(text).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
    unit = UNITS_NS[mapped.unit]
    most = (LONGEST_DAY_NS if of_day else LATEST_NS) // unit
    number = time.cast(pl.Float64, strict=False)
    count = (pl.when(number.is_between(0, most)).then(number) * unit).round().cast(pl.Int64)
    if not kind.is_float():  # whole numbers of ns since 1970 do not fit a float
        whole = time.cast(pl.Int64, strict=False)
        count = pl.coalesce(pl.when(whole.is_between(0, most)).then(whole) * unit, count)
    return _midnight() + pl.duration(nanoseconds=count) if of_day else count.cast(pl.Datetime("ns"))


def _midnight() -> pl.Expr:
    day = pl.col("date").str.replace(r"[ T]00:00:00(\.0+)?$", "").str.replace_all("-", "")
    return sayable(day).str.to_datetime("%Y%m%d", time_unit="ns", strict=False)


def _refuse(
    found: pl.DataFrame, name: str, wrong: pl.Expr | pl.Series, url: str, expected: str
) -> None:
    rows = found.filter(wrong)
    if len(rows):
        value = rows[name][0]
        raise InputError(
            f"{url}: row {rows['row'][0]}: {name} "
            f"{'is missing' if value is None else shown(value)}: expected {expected}"
        )
