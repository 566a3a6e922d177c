"""The rows and columns of a trades-and-quotes file that its map names, under canonical names."""

import difflib
from pathlib import Path

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.engine.places import reading
from pipeline.tape.sources.source import RawFile
from pipeline.tape.sources.tables import (
    AGAIN,
    check_text,
    parquet_batches,
    parquet_types,
    separated,
)
from pipeline.tape.sources.taq_columns import QuoteColumns, TapeColumns, TradeColumns
from pipeline.tape.sources.taq_rows import taken, unnamed_instruments

ROWS = 200_000  # of Parquet read at once
OPTIONAL = ("symbol", "date", "venue", "condition", "side", "id", "suffix")


def selected(
    path: Path, url: str, table: TradeColumns | QuoteColumns, mapped: TapeColumns
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows and columns that the map names, under canonical names, as they are read.

    Then the columns that tell instruments apart though the map does not name them, which are there
    as `instrument <name>`.
    """
    columns = column_names(path, url)
    _check_columns(columns, table, mapped, url)
    unnamed = unnamed_instruments(columns, table)
    names = text_columns(table)
    used = [table.time, *names.values(), *(column for _, column in _as_read(table)), *unnamed]
    frame = scan(path, url, [*used, *table.rows]).with_row_index("row", 1)
    with reading(url, "cannot be read", AGAIN):
        found = (
            frame.filter(taken(table))
            .select(
                pl.col("row").cast(pl.Int64),
                pl.col(table.time).alias("time"),
                *(stripped(column).alias(name) for name, column in names.items() if name != "id"),
                *(pl.col(column).alias(name) for name, column in _as_read(table)),
                *(pl.col(name).alias(f"instrument {name}") for name in unnamed),
            )
            .collect()
        )
    return found, unnamed


def column_names(path: Path, url: str) -> list[str]:
    """Return the names of a file's columns.

    Raises: InputError when it is not what its name says.
    """
    if path.suffix.lower() == ".parquet":
        return list(parquet_types(path, url))
    check_text(path, url)
    with reading(url, "cannot be read", AGAIN):
        return pl.scan_csv(path, infer_schema=False, glob=False).collect_schema().names()


def scan(path: Path, url: str, names: list[str]) -> pl.LazyFrame:
    """Open the columns of these names; CSV is read as text, so that what is no number can be named.

    Raises: InputError when it is damaged, or a column holds what cannot be read.
    """
    if path.suffix.lower() != ".parquet":
        return pl.scan_csv(path, infer_schema=False, glob=False)
    frames = [*parquet_batches(path, url, ROWS, list(dict.fromkeys(names)))]
    if not frames:
        raise InputError(f"{url}: it has no rows; fetch it again or remove it")
    return pl.concat(frames).lazy()


def text_columns(table: TradeColumns | QuoteColumns) -> dict[str, str]:
    """Return canonical name -> column of the text columns that the map names."""
    return {name: getattr(table, name) for name in OPTIONAL if getattr(table, name, "")}


def stripped(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).str.strip_chars().replace("", None)


def from_names(names: dict[str, str], raw: RawFile) -> list[pl.Expr]:
    """Return symbol and date of the file's name, where no column says them."""
    return [
        pl.lit(getattr(raw, name), pl.String).alias(name)
        for name in ("symbol", "date")
        if name not in names
    ]


def with_suffix() -> pl.Expr:
    whole = pl.concat_str("symbol", "suffix", separator=".")
    return pl.when(pl.col("suffix").is_not_null()).then(whole).otherwise("symbol").alias("symbol")


def _as_read(table: TradeColumns | QuoteColumns) -> list[tuple[str, str]]:
    """Return (canonical name, column) of what is read as it is, to be checked by the row."""
    ids = [(name, column) for name, column in text_columns(table).items() if name == "id"]
    return [*table.prices(), *table.sizes(), *ids]


def _check_columns(
    columns: list[str], table: TradeColumns | QuoteColumns, mapped: TapeColumns, url: str
) -> None:
    keys = (
        text_columns(table)
        | {"time": table.time}
        | {column: column for _, column in (*table.prices(), *table.sizes())}
    )
    keys |= {f"rows.{name}": name for name in table.rows}
    other = separated(columns)
    if other:
        raise InputError(f"{url}: its columns are separated by {other!r}; write commas")
    for key, column in keys.items():
        if column not in columns:
            near = difflib.get_close_matches(column, columns, n=3, cutoff=0.5) or columns[:8]
            where = f" ({key} in the column map)" if key != column else ""
            raise InputError(f"{url}: no column '{column}'{where}; it has {', '.join(near)}")
