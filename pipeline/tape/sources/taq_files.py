"""One file of a trades-and-quotes tape read through the column map into columns of fixed names."""

import difflib
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS
from pipeline.tape.sources.clean import scaled
from pipeline.tape.sources.nbbo import check_order
from pipeline.tape.sources.source import RawFile
from pipeline.tape.sources.taq_columns import QuoteColumns, TapeColumns, TradeColumns

UNITS_NS = {"s": SECOND_NS, "ms": SECOND_NS // 10**3, "us": SECOND_NS // 10**6, "ns": 1}
OFFSET = r"(Z|[+-]\d{2}:?\d{2})$"
OPTIONAL = ("symbol", "date", "venue", "condition", "side", "id")


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
    names = _texts(table)
    found = _selected(path, url, table, mapped)
    found = _numbers(found, numbers, url)
    found = found.with_columns(
        *(
            scaled(name, table.price_divisor).fill_nan(None).alias(name)
            for name, _ in table.prices()
        ),
        *((pl.col(name) * table.size_multiple).alias(name) for name, _ in table.sizes()),
        *(
            pl.lit(getattr(raw, name), pl.String).alias(name)
            for name in ("symbol", "date")
            if name not in names
        ),
        *(pl.lit(None, pl.String).alias(name) for name in OPTIONAL[2:] if name not in names),
    )
    _refuse(
        found,
        "symbol",
        pl.col("symbol").fill_null("") == "",
        url,
        "a symbol; name its column, or a group of files, in the column map",
    )
    found = _timed(found, mapped, url).drop("time", "date")
    for (symbol,), part in found.partition_by("symbol", as_dict=True).items():
        check_order(part, str(symbol), url)
    return found


def _texts(table: TradeColumns | QuoteColumns) -> dict[str, str]:
    """Return canonical name -> column of the text columns that the map names."""
    return {name: getattr(table, name) for name in OPTIONAL if getattr(table, name, "")}


def _selected(
    path: Path, url: str, table: TradeColumns | QuoteColumns, mapped: TapeColumns
) -> pl.DataFrame:
    """Return the rows and columns that the map names, under canonical names, as they are read."""
    try:
        frame = _scan(path).with_row_index("row", 1)
        _check_columns(frame.collect_schema().names(), table, mapped, url)
        whole = frame.filter(
            *(pl.col(name).cast(pl.String).is_in(values) for name, values in table.rows.items())
        )
        return whole.select(
            pl.col("row").cast(pl.Int64),
            pl.col(table.time).alias("time"),
            *(
                pl.col(column).cast(pl.String).str.strip_chars().alias(name)
                for name, column in _texts(table).items()
            ),
            *(pl.col(column).alias(name) for name, column in (*table.prices(), *table.sizes())),
        ).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{url}: cannot be read ({str(error).strip().splitlines()[0]}); is it whole?"
        ) from None


def _scan(path: Path) -> pl.LazyFrame:
    """CSV is read as text, so that a value that is no number can be named."""
    return (
        pl.scan_parquet(path)
        if path.suffix == ".parquet"
        else pl.scan_csv(path, infer_schema=False)
    )


def _check_columns(
    columns: list[str], table: TradeColumns | QuoteColumns, mapped: TapeColumns, url: str
) -> None:
    keys = (
        _texts(table)
        | {"time": table.time}
        | {column: column for _, column in (*table.prices(), *table.sizes())}
    )
    keys |= {f"rows.{name}": name for name in table.rows}
    for key, column in keys.items():
        if column not in columns:
            near = difflib.get_close_matches(column, columns[1:], n=3, cutoff=0.5) or columns[1:9]
            where = f" ({key} in the column map)" if key != column else ""
            raise InputError(f"{url}: no column '{column}'{where}; it has {', '.join(near)}")


def _numbers(found: pl.DataFrame, names: dict[str, str], url: str) -> pl.DataFrame:
    for name, column in names.items():
        text = found[name].cast(pl.String).str.strip_chars().replace("", None)
        number = (
            text.cast(pl.Float64, strict=False)
            if found[name].dtype == pl.String
            else found[name].cast(pl.Float64)
        )
        wrong = (text.is_not_null() & number.is_null()) | number.is_infinite().fill_null(False)
        _refuse(found, name, wrong, url, f"a number (column {column})")
        found = found.with_columns(number.fill_nan(None).alias(name))
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
    try:
        zone = str(ZoneInfo(mapped.timezone))
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError(
            f"timezone '{mapped.timezone}': unknown; give an IANA name such as America/New_York"
        ) from None
    if mapped.since == "midnight":
        _refuse(
            found,
            "date",
            _midnight().is_null(),
            url,
            "YYYY-MM-DD or YYYYMMDD beside a time since midnight; name its column, or a group of "
            "files",
        )
    moment = _moment(found["time"].dtype, mapped)
    local = {"ambiguous": "earliest", "non_existent": "null"}
    kind = found["time"].dtype
    if (
        isinstance(kind, pl.Datetime) and kind.time_zone and mapped.since == "epoch"
    ):  # Parquet's own zone
        zoned = pl.col("time").cast(pl.Datetime("ns", kind.time_zone)).dt.convert_time_zone(zone)
    elif mapped.unit == "iso" or mapped.since == "midnight":
        zoned = moment.dt.replace_time_zone(zone, **local)
        if mapped.unit == "iso" and found["time"].dtype == pl.String and mapped.since == "epoch":
            stated = (
                pl.col("time")
                .str.replace("T", " ", literal=True)
                .str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="ns", strict=False)
            )
            zoned = pl.coalesce(stated.dt.convert_time_zone(zone), zoned)
    else:
        zoned = moment.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    found = found.with_columns(zoned.alias("moment"))
    _refuse(
        found,
        "time",
        pl.col("moment").is_null(),
        url,
        f"a time ({mapped.unit}, since {mapped.since})",
    )
    moment = pl.col("moment")
    return found.with_columns(
        moment.dt.epoch("ns").alias("ts"), moment.dt.date().alias("day")
    ).drop("moment")


def _moment(kind: pl.DataType, mapped: TapeColumns) -> pl.Expr:
    """Return the time as written, without a zone."""
    time = pl.col("time")
    if kind.is_temporal():  # Parquet's own: a whole time, or one of the day
        whole = (
            time.cast(pl.Time).cast(pl.Int64)
            if mapped.since == "midnight"
            else time.dt.replace_time_zone(None)
        )
        return (
            _midnight() + pl.duration(nanoseconds=whole)
            if mapped.since == "midnight"
            else whole.cast(pl.Datetime("ns"))
        )
    if mapped.unit == "iso":
        text = time.cast(pl.String).str.replace("T", " ", literal=True)
        if mapped.since == "midnight":
            text = pl.format("{} {}", _midnight().dt.strftime("%Y-%m-%d"), text)
        return text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="ns", strict=False)
    unit = UNITS_NS[mapped.unit]
    count = (time.cast(pl.Float64, strict=False) * unit).round().cast(pl.Int64, strict=False)
    if not kind.is_float():  # whole numbers of ns since 1970 do not fit a float
        count = pl.coalesce(time.cast(pl.Int64, strict=False) * unit, count)
    return (
        _midnight() + pl.duration(nanoseconds=count)
        if mapped.since == "midnight"
        else count.cast(pl.Datetime("ns"))
    )


def _midnight() -> pl.Expr:
    return (
        pl.col("date")
        .str.replace_all("-", "")
        .str.to_datetime("%Y%m%d", time_unit="ns", strict=False)
    )


def _refuse(
    found: pl.DataFrame, name: str, wrong: pl.Expr | pl.Series, url: str, expected: str
) -> None:
    rows = found.filter(wrong)
    if len(rows):
        value = rows[name][0]
        raise InputError(
            f"{url}: row {rows['row'][0]}: {name} "
            f"{'is missing' if value is None else repr(value)}: expected {expected}"
        )
