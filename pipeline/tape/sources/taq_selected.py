"""The rows and columns of a trades-and-quotes file that its map names, under canonical names."""

import difflib
from pathlib import Path

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.tape.sources.source import RawFile
from pipeline.tape.sources.taq_columns import QuoteColumns, TapeColumns, TradeColumns
from pipeline.tape.sources.taq_rows import taken, unnamed_instruments

OPTIONAL = ("symbol", "date", "venue", "condition", "side", "id", "suffix")


def selected(
    path: Path, url: str, table: TradeColumns | QuoteColumns, mapped: TapeColumns
) -> tuple[pl.DataFrame, list[str]]:
    """Return the rows and columns that the map names, under canonical names, as they are read.

    Then the columns that tell instruments apart though the map does not name them, which are there
    as `instrument <name>`.
    """
    try:
        frame = scan(path).with_row_index("row", 1)
        columns = frame.collect_schema().names()
        _check_columns(columns, table, mapped, url)
        unnamed = unnamed_instruments(columns, table)
        found = (
            frame.filter(taken(table))
            .select(
                pl.col("row").cast(pl.Int64),
                pl.col(table.time).alias("time"),
                *(
                    stripped(column).alias(name)
                    for name, column in text_columns(table).items()
                    if name != "id"
                ),
                *(pl.col(column).alias(name) for name, column in _as_read(table)),
                *(pl.col(name).alias(f"instrument {name}") for name in unnamed),
            )
            .collect()
        )
        return found, unnamed
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(
            f"{url}: cannot be read ({str(error).strip().splitlines()[0]}); is it whole?"
        ) from None


def scan(path: Path) -> pl.LazyFrame:
    """Open a file; CSV is read as text, so that a value that is no number can be named."""
    return (
        pl.scan_parquet(path)
        if path.suffix == ".parquet"
        else pl.scan_csv(path, infer_schema=False)
    )


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
    for key, column in keys.items():
        if column not in columns:
            near = difflib.get_close_matches(column, columns[1:], n=3, cutoff=0.5) or columns[1:9]
            where = f" ({key} in the column map)" if key != column else ""
            raise InputError(f"{url}: no column '{column}'{where}; it has {', '.join(near)}")
