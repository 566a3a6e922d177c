"""The encodings of Databento's records (DBN, CSV, Parquet) as frames of one layout."""

import datetime
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import zstandard

from pipeline.engine.errors import InputError
from pipeline.tape.sources.source import rebatch

SCHEMAS = ("mbp-10", "mbp-1")
SAMPLE_ROWS = 1000
BLOCK = 1 << 20
# what stands for no price among integers: nothing, or the undefined one in another notation
NO_PRICE = ("", "nan", "NaN", "null", "NULL", "9223372036.854775807", "9.223372036854776e18")
NO_PRICE += ("9223372036.854776", "9.223372036854776e+18", "9.223372036854775807e18")


class _Damaged(Exception):
    """The file ends in the middle, or holds something else than its name says."""


def read_records(path: Path, url: str, rows: int) -> Iterator[pl.DataFrame]:
    """Yield frames of at most `rows` records.

    They have the file's columns, `row` (from 1) and `symbol` (text).
    Raises: InputError naming the file and the last good record.
    """
    kind = next(suffix for suffix in (".dbn", ".csv", ".parquet") if suffix in path.name.lower())
    frames = {".dbn": _dbn, ".csv": _csv, ".parquet": _parquet}[kind](path, rows)
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
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"{url}: truncated, damaged or no mbp-10 {kind} file: {reason} (after record "
                f"{done}); fetch or export it again"
            ) from None
        yield _with_symbol(
            frame.with_columns(pl.int_range(done + 1, done + len(frame) + 1).alias("row")), url
        )
        done += len(frame)


def _with_symbol(frame: pl.DataFrame, url: str) -> pl.DataFrame:
    names = [
        (pl.col(name).cast(pl.Int64) if frame[name].dtype.is_float() else pl.col(name))
        .cast(pl.String)
        .replace("", None)
        for name in ("symbol", "instrument_id")
        if name in frame.columns
    ]
    if not names:
        raise InputError(
            f"{url}: no column 'symbol' or 'instrument_id'; one must tell which book a record is of"
        )
    frame = frame.with_columns(pl.coalesce(names).alias("symbol"))
    if frame["symbol"].null_count():
        row = frame.filter(pl.col("symbol").is_null())["row"][0]
        raise InputError(
            f"{url}: row {row}: neither symbol nor instrument_id; fill it in or remove the record"
        )
    return frame


def _parquet(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    yield from rebatch(pl.scan_parquet(path).collect_batches(chunk_size=rows), rows)


def _csv(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    """Prices are integers when the first rows hold no decimal point, but in undefined ones.

    A later one is then rejected.
    """
    sample = pl.read_csv(path, n_rows=SAMPLE_ROWS, infer_schema_length=SAMPLE_ROWS)
    if path.suffix == ".csv":  # what is compressed carries its own check
        _check_last_line(path, sample.width)
    prices = [name for name in sample.columns if name == "price" or "_px_" in name]
    texts = pl.read_csv(path, n_rows=SAMPLE_ROWS, infer_schema=False, columns=prices)
    decimal = any((text.str.contains(r"\d\.") & ~text.is_in(NO_PRICE)).any() for text in texts)
    kinds: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(sample.columns, pl.String)
    for name, kind in sample.schema.items():
        if name in prices:
            kinds[name] = pl.Float64 if decimal else pl.String
        elif name == "size" or "_sz_" in name:
            kinds[name] = pl.Float64
        elif name in ("ts_event", "ts_recv") and kind.is_integer():
            kinds[name] = pl.Int64
    frames = pl.scan_csv(path, schema_overrides=kinds).collect_batches(chunk_size=rows)
    whole = pl.col(prices).str.strip_chars()
    for frame in rebatch(frames, rows):
        yield (
            frame
            if decimal
            else frame.with_columns(pl.when(~whole.is_in(NO_PRICE)).then(whole).cast(pl.Int64))
        )


def _check_last_line(path: Path, columns: int) -> None:
    """Count the last line's fields, because polars fills up a line that breaks off."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - BLOCK))
        last = file.read().splitlines()[-1]
    if last.count(b",") != columns - 1:
        raise _Damaged(f"its last line has {last.count(b',') + 1} fields, not {columns}")


def _dbn(path: Path, rows: int) -> Iterator[pl.DataFrame]:
    import databento  # takes seconds, and only this encoding needs it
    from databento.common.error import BentoError, BentoWarning
    from databento.common.symbology import InstrumentMap
    from databento_dbn import DBNError

    if path.suffix == ".zst":
        _check_frames(path)
    try:
        store = databento.DBNStore.from_file(path)
    except (BentoError, DBNError) as error:
        raise _Damaged(str(error)) from None
    if store.schema not in SCHEMAS:
        raise _Damaged(f"its schema is {store.schema or 'mixed'}, not {' or '.join(SCHEMAS)}")
    symbols = InstrumentMap()
    symbols.insert_metadata(store.metadata)
    chunks = iter(store.to_ndarray(count=rows))
    while True:
        try:
            with warnings.catch_warnings():
                # how the client says that a record is cut short
                warnings.simplefilter("error", BentoWarning)
                chunk = next(chunks)
        except StopIteration:
            return
        except (BentoError, BentoWarning) as error:
            raise _Damaged(str(error)) from None
        yield _name_symbols(_frame(chunk), symbols.resolve)


def _check_frames(path: Path) -> None:
    """Decode the file once: the client takes a zstd frame that breaks off for the file's end."""
    decoder = zstandard.ZstdDecompressor().decompressobj()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            while block:
                try:
                    decoder.decompress(block)
                except zstandard.ZstdError as error:
                    raise _Damaged(str(error)) from None
                block = decoder.unused_data
                if decoder.eof and (block or file.peek(1)):
                    decoder = zstandard.ZstdDecompressor().decompressobj()
    if not decoder.eof:
        raise _Damaged("its last zstd frame breaks off")


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
