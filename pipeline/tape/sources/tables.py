"""Tables of files with columns of any type, opened in one place, made numbers, text or times."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from pipeline.engine.errors import InputError, reason_of, shown
from pipeline.engine.places import reading

AGAIN = "fetch or export it again"
MANY_ROWS, MOST_ROWS = 1_000_000, 4  # so many rows a byte are no tape's
NUL_WITHIN, COMPRESSED = 1024, (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
SEPARATORS = (";", "\t", "|")
LATEST_NS = 9_183_110_400_000_000_000  # 2261: later is no time, and its local time may not fit
DAY_NS = 86_400 * 10**9
UNIT_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000}
SIMPLE = (
    *(types.is_integer, types.is_floating, types.is_decimal128, types.is_boolean, types.is_null),
    *(types.is_string, types.is_large_string, types.is_string_view),
    *(types.is_date, types.is_time, types.is_timestamp, types.is_duration),
)


def parquet_types(path: Path, url: str) -> dict[str, pa.DataType]:
    """Return the types of a Parquet file's columns by name.

    Raises: InputError when it is damaged, or holds more rows than its bytes can be of a tape.
    """
    with reading(url, "truncated, damaged or no Parquet file", AGAIN), pq.ParquetFile(path) as file:
        rows, size = file.metadata.num_rows, path.stat().st_size
        if rows > max(MANY_ROWS, MOST_ROWS * size):
            raise InputError(f"{url}: {rows:,} rows in {size:,} bytes are no tape; {AGAIN}")
        return {field.name: _value_type(field.type) for field in file.schema_arrow}


def parquet_batches(
    path: Path, url: str, rows: int, names: list[str] | None = None
) -> Iterator[pl.DataFrame]:
    """Yield the columns of these names, without any the simple ones (no lists, structs or bytes).

    Dictionaries and categories are text; dates and times before 1970 or after 2260 are null. At
    most `rows` rows a frame.
    Raises: InputError naming the file, or the column that is not simple.
    """
    kinds = parquet_types(path, url)
    simple = {name for name, kind in kinds.items() if any(each(kind) for each in SIMPLE)}
    for name in names or ():
        if name not in simple:
            raise InputError(
                f"{url}: column '{name}' holds {kinds[name]}; write one number, text or time a row"
            )
    wanted = [name for name in kinds if name in (simple if names is None else names)]
    with reading(url, "truncated, damaged or no Parquet file", AGAIN):
        file = pq.ParquetFile(path)
        batches = file.iter_batches(rows, columns=wanted, use_threads=False)
    with file:
        while True:
            with reading(url, "truncated, damaged or no Parquet file", AGAIN):
                batch = next(batches, None)
                if batch is None:
                    return
                frame = pl.DataFrame([_decoded(batch[name]) for name in wanted], schema=wanted)
            yield frame


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if types.is_dictionary(kind) else kind


def _decoded(column: pa.Array) -> pl.Series:
    plain = column.dictionary_decode() if types.is_dictionary(column.type) else column
    series = pl.Series(pl.from_arrow(plain))
    if series.dtype not in (pl.Date, pl.Datetime):
        return series
    unit = UNIT_NS[series.dtype.time_unit or "us"] if series.dtype != pl.Date else DAY_NS
    count = series.to_physical()  # the engine stops at a time that no calendar has
    return (
        pl.select(pl.when(count.is_between(0, LATEST_NS // unit)).then(count))
        .to_series()
        .cast(series.dtype)
    )


def check_text(path: Path, url: str) -> None:
    """Raise InputError for a CSV file that is not in an encoding of text that is read."""
    with reading(url, "cannot be read", AGAIN), path.open("rb") as file:
        head = file.read(NUL_WITHIN)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or (
        b"\0" in head and not head.startswith(COMPRESSED)
    ):
        raise InputError(f"{url}: not CSV as UTF-8 (UTF-16, or no text at all); save it as UTF-8")


def separated(columns: list[str]) -> str | None:
    """Return by what else than commas a file's columns are separated, None where they are not."""
    return next((each for each in SEPARATORS if len(columns) == 1 and each in columns[0]), None)


def csv_fault(path: Path, kinds: Mapping[str, Any], error: Exception, header: bool) -> str:
    """Return which row and value of a CSV file is not of its column's kind, else what was said."""
    names = [name for name, kind in kinds.items() if kind != pl.String]
    try:
        frame = (
            pl.scan_csv(path, infer_schema=False, glob=False)
            if header
            else pl.scan_csv(
                path, has_header=False, schema=dict.fromkeys(kinds, pl.String), glob=False
            )
        )
        for name in names:
            text = pl.col(name).str.strip_chars()
            kind = pl.Float64 if kinds[name] == pl.Float64 else pl.Int64
            wrong = text.replace("", None).is_not_null() & text.cast(kind, strict=False).is_null()
            found = frame.select(name).with_row_index("row", 1).filter(wrong).head(1).collect()
            if len(found):
                whole = "" if kind == pl.Float64 else "whole "
                row, value = found.row(0)
                return f"row {row}: {name} = {shown(value)} is not a {whole}number"
    except pl.exceptions.PolarsError:
        pass
    return reason_of(error)


def check_numeric(kind: pl.DataType, name: str, url: str) -> None:
    """Raise InputError for a column of times, which are no prices or sizes."""
    if not (kind.is_numeric() or kind in (pl.String, pl.Boolean, pl.Null)):
        raise InputError(f"{url}: column '{name}' holds {kind}, not numbers")


def numbers(frame: pl.DataFrame, name: str, url: str) -> pl.Series:
    """Return a column as floats, null where it is blank or NaN.

    Raises: InputError naming the first row (of column `row`) that is no number, or the type of a
    column that holds none.
    """
    column = frame[name]
    check_numeric(column.dtype, name, url)
    if column.dtype == pl.String:
        column = column.str.strip_chars().replace("", None)
    number = column.cast(pl.Float64, strict=False)
    wrong = column.is_not_null() & number.is_null()
    if wrong.any():
        at = wrong.arg_max()
        raise InputError(
            f"{url}: row {frame['row'][at]}: {name} = {shown(frame[name][at])} is no "
            "number; mend it, or leave it empty"
        )
    return number.fill_nan(None)


def texts(frame: pl.DataFrame, name: str, url: str) -> pl.Series:
    """Return a column as text.

    Raises: InputError naming the type of a column that holds times.
    """
    column = frame[name]
    if column.dtype.is_temporal():
        raise InputError(f"{url}: column '{name}' holds {column.dtype}, not text")
    return column.cast(pl.String)


def nanoseconds(column: pl.Series) -> pl.Series:
    """Return datetimes or dates as ns since 1970."""
    count, kind = column.to_physical().cast(pl.Int64), column.dtype
    return count * (UNIT_NS[kind.time_unit] if isinstance(kind, pl.Datetime) else DAY_NS)


def sayable(text: pl.Expr) -> pl.Expr:
    """Return ISO times of years that ns since 1970 can say, null for others: they would wrap."""
    return pl.when(text.str.slice(0, 4).is_between(pl.lit("1970"), pl.lit("2260"))).then(text)
