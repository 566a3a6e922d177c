"""The encodings of Databento's records (DBN, CSV, Parquet) as frames of one layout."""

import datetime
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipeline.engine.errors import InputError, reason_of
from pipeline.engine.places import FULL, reading
from pipeline.tape.sources.source import rebatch
from pipeline.tape.sources.tables import (
    AGAIN,
    check_text,
    csv_fault,
    numbers,
    parquet_batches,
    separated,
    texts,
)

SCHEMAS = ("mbp-10", "mbp-1")
SAMPLE_ROWS = 1000
BLOCK = 1 << 20
FARTHEST = 1e19  # a price in units of 1e-9 beyond it is none, nor what stands for none
# what stands for no price among integers: nothing, or the undefined one in another notation
NO_PRICE = ("", "nan", "NaN", "null", "NULL", "9223372036.854775807", "9.223372036854776e18")
NO_PRICE += ("9223372036.854776", "9.223372036854776e+18", "9.223372036854775807e18")


class _Damaged(Exception):
    """The file ends in the middle, or holds something else than its name says."""


def read_records(path: Path, url: str, rows: int) -> Iterator[pl.DataFrame]:
    """Yield frames of at most `rows` records.

    They have the file's columns, `row` (from 1) and `symbol` (text); prices and sizes are numbers.
    Raises: InputError naming the file and the last good record, or the row and column at fault.
    """
    kind = next(suffix for suffix in (".dbn", ".csv", ".parquet") if suffix in path.name.lower())
    if kind == ".parquet":
        frames = rebatch(parquet_batches(path, url, rows), rows)
    else:
        frames = {".dbn": _dbn, ".csv": _csv}[kind](path, url, rows)
    done = 0
    while True:
        try:
            frame = next(frames)
        except StopIteration:
            if not done:
                raise InputError(
                    f"{url}: truncated, damaged or no mbp-10 {kind} file: it has no records"
                ) from None
            return
        except (pl.exceptions.PolarsError, OSError, _Damaged) as error:
            if getattr(error, "errno", None) in FULL:
                raise
            raise InputError(
                f"{url}: truncated, damaged or no mbp-10 {kind} file: {reason_of(error)} (after "
                f"record {done}); fetch or export it again"
            ) from None
        frame = frame.with_columns(pl.int_range(done + 1, done + len(frame) + 1).alias("row"))
        yield _with_symbol(_typed(frame, url), url)
        done += len(frame)


def _typed(frame: pl.DataFrame, url: str) -> pl.DataFrame:
    """Return the records with letters as text and finite numbers, whatever type wrote them."""
    letters = [name for name in ("action", "side") if name in frame.columns]
    for name in letters:
        if frame[name].dtype not in (pl.String, pl.Null):
            raise InputError(
                f"{url}: column '{name}' holds {frame[name].dtype}, not letters such as T, A, B; "
                "write text"
            )
    frame = frame.with_columns(pl.col(letters).cast(pl.String))
    for name in (name for name in ("ts_event", "ts_recv") if name in frame.columns):
        kind = frame[name].dtype
        if not (kind.is_numeric() or kind in (pl.String, pl.Date, pl.Datetime, pl.Null)):
            raise InputError(f"{url}: column '{name}' holds {kind}, not times since 1970")
    measures = [
        name
        for name in frame.columns
        if name in ("price", "size", "flags") or "_px_" in name or "_sz_" in name
    ]
    found = {name: numbers(frame, name, url) for name in measures}
    for name in (name for name in measures if "_px_" in name or name == "price"):
        far = (found[name].is_finite() & (found[name].abs() > FARTHEST)).fill_null(False)
        if far.any():
            row, price = frame["row"][far.arg_max()], found[name][far.arg_max()]
            raise InputError(
                f"{url}: row {row}: {name} = {price:g} is no price; mend it, or leave it empty"
            )
    # whole numbers stay, digit for digit
    return frame.with_columns(
        values for name, values in found.items() if not frame[name].dtype.is_integer()
    )


def _with_symbol(frame: pl.DataFrame, url: str) -> pl.DataFrame:
    names = [name for name in ("symbol", "instrument_id") if name in frame.columns]
    if not names:
        raise InputError(
            f"{url}: no column 'symbol' or 'instrument_id'; one must tell which book a record is of"
        )
    said = [
        (
            frame[name].cast(pl.Int64, strict=False).cast(pl.String)
            if frame[name].dtype.is_float()
            else texts(frame, name, url)
        ).replace("", None)
        for name in names
    ]
    frame = frame.with_columns(pl.select(pl.coalesce(said)).to_series().alias("symbol"))
    if frame["symbol"].null_count():
        row = frame.filter(pl.col("symbol").is_null())["row"][0]
        raise InputError(
            f"{url}: row {row}: neither symbol nor instrument_id; fill it in or remove the record"
        )
    return frame


def _csv(path: Path, url: str, rows: int) -> Iterator[pl.DataFrame]:
    """Prices are integers when the first rows hold no decimal point, but in undefined ones.

    A later one is then rejected.
    """
    check_text(path, url)
    sample = pl.read_csv(path, n_rows=SAMPLE_ROWS, infer_schema_length=SAMPLE_ROWS, glob=False)
    other = separated(sample.columns)
    if other:
        raise InputError(f"{url}: its columns are separated by {other!r}; write commas")
    if path.suffix.lower() == ".csv":  # what is compressed carries its own check
        _check_last_line(path, sample.width)
    prices = [name for name in sample.columns if name == "price" or "_px_" in name]
    names = dict.fromkeys(prices, pl.String)
    texts_of = pl.read_csv(path, n_rows=SAMPLE_ROWS, infer_schema=False, columns=prices, glob=False)
    decimal = any((text.str.contains(r"\d\.") & ~text.is_in(NO_PRICE)).any() for text in texts_of)
    kinds: dict[str, Any] = dict.fromkeys(sample.columns, pl.String)
    for name, kind in sample.schema.items():
        if name in names:
            kinds[name] = pl.Float64 if decimal else pl.String
        elif name == "size" or "_sz_" in name:
            kinds[name] = pl.Float64
        elif name in ("ts_event", "ts_recv") and kind.is_integer():
            kinds[name] = pl.Int64
    whole = pl.col(prices).str.strip_chars()
    try:
        frames = pl.scan_csv(path, schema_overrides=kinds, glob=False).collect_batches(
            chunk_size=rows
        )
        for frame in rebatch(frames, rows):
            yield (
                frame
                if decimal
                else frame.with_columns(pl.when(~whole.is_in(NO_PRICE)).then(whole).cast(pl.Int64))
            )
    except pl.exceptions.PolarsError as error:
        read = kinds if decimal else kinds | dict.fromkeys(prices, pl.Int64)
        raise _Damaged(csv_fault(path, read, error, header=True)) from None


def _check_last_line(path: Path, columns: int) -> None:
    """Count the last line's fields, because polars fills up a line that breaks off."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - BLOCK))
        last = file.read().rstrip().splitlines()[-1]
    if last.count(b",") != columns - 1:
        raise _Damaged(f"its last line has {last.count(b',') + 1} fields, not {columns}")


def _dbn(path: Path, url: str, rows: int) -> Iterator[pl.DataFrame]:
    import databento  # takes seconds, and only this encoding needs it
    from databento.common.error import BentoWarning
    from databento.common.symbology import InstrumentMap

    with reading(url, "truncated, damaged or no DBN file", AGAIN):
        store = databento.DBNStore.from_file(path)
    if store.schema not in SCHEMAS:
        raise _Damaged(f"its schema is {store.schema or 'mixed'}, not {' or '.join(SCHEMAS)}")
    with reading(url, "its metadata is damaged", AGAIN):
        symbols = InstrumentMap()
        symbols.insert_metadata(store.metadata)
    chunks = iter(store.to_ndarray(count=rows))
    while True:
        try:
            with warnings.catch_warnings():
                # how the client says that a record is cut short
                warnings.simplefilter("error", BentoWarning)
                chunk = next(chunks)
            yield _name_symbols(_frame(chunk), symbols.resolve)
        except StopIteration:
            return
        except (Exception, BentoWarning) as error:  # whatever the client makes of damaged bytes
            raise _Damaged(reason_of(error)) from None


def _frame(chunk: np.ndarray) -> pl.DataFrame:
    columns = {}
    for name in chunk.dtype.names:
        values = np.ascontiguousarray(chunk[name])
        if values.dtype.kind == "S":
            values = values.astype("U1")
        columns[name] = values.astype(np.int64) if name.startswith("ts_") else values
    return pl.DataFrame(columns)


def _name_symbols(
    frame: pl.DataFrame, resolve: Callable[[int, datetime.date], str | None]
) -> pl.DataFrame:
    frame = frame.with_columns(day=pl.col("ts_recv").cast(pl.Datetime("ns")).dt.date())
    keys = frame.select("instrument_id", "day").unique(maintain_order=True)
    symbols = pl.Series("symbol", [resolve(*key) for key in keys.iter_rows()], dtype=pl.String)
    keys = keys.with_columns(symbols)
    return frame.join(keys, on=["instrument_id", "day"], how="left", maintain_order="left").drop(
        "day"
    )
