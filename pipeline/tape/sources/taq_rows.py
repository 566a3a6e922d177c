"""Which rows of a trades-and-quotes file are taken, which are left out, and of which instrument."""

import re

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.tape.sources.taq_columns import TableColumns

MOST_VALUES = 8  # of a column that a message lists
OTHERS = "other symbols"  # of which no row is taken, in the counts
# names of columns that tell instruments apart; of a suffix no value is a value too
SUFFIX = re.compile(r"sym_?suffix|suffix|sfx|share_?class", re.IGNORECASE)
INSTRUMENT = re.compile(
    r"sym_?suffix|suffix|sfx|share_?class|symbol|sym_?root|ticker|ric|instrument_?id|security_?id"
    r"|isin|cusip|figi|sedol|permno",
    re.IGNORECASE,
)
EXACT = 2**53  # whole numbers beyond are rounded in a float
LARGE, WHOLE_SHARE = 100_000, 0.99  # a price that whole numbers of a smaller unit may have


def taken(table: TableColumns) -> pl.Expr:
    """Return whether the map's `rows` take a row; values are compared, not their spelling."""
    holds = pl.lit(True)
    for name, values in table.rows.items():
        asked = pl.Series([str(value) for value in values], dtype=pl.String)
        wanted = pl.select(by_value(pl.lit(asked))).to_series()
        value = by_value(pl.col(name).cast(pl.String))
        blank = value.is_null() if wanted.null_count() else pl.lit(False)
        holds = holds & (value.is_in(wanted.drop_nulls().implode()).fill_null(False) | blank)
    return holds


def by_value(text: pl.Expr) -> pl.Expr:
    """Return text as what it says: 00, 0.0 and 0 are one number, true and TRUE one answer.

    Digits stay digits, so that no number is rounded; blank is null.
    """
    plain = text.str.strip_chars()
    digits = plain.str.replace(r"^\+", "").str.replace(r"^(-?)\.", "${1}0.")
    digits = digits.str.replace(r"^(-?)0+(\d)", "${1}${2}")
    digits = (
        pl.when(digits.str.contains(".", literal=True))
        .then(digits.str.replace(r"0+$", "").str.replace(r"\.$", ""))
        .otherwise(digits)
        .replace("-0", "0")
    )
    word = plain.str.to_lowercase()
    return (
        pl.when(plain.str.contains(r"^[+-]?(\d+\.?\d*|\.\d+)$"))
        .then(digits)
        .when(word.is_in(["true", "false"]))
        .then(word)
        .when(plain != "")
        .then(plain)
    )


def refuse_nothing_taken(frame: pl.LazyFrame, table: TableColumns, url: str) -> None:
    """Say which values there are in a file of which `rows` take nothing.

    Raises: InputError listing them.
    """
    for name, values in table.rows.items():
        counts = frame.select(
            pl.col(name).cast(pl.String).str.strip_chars().fill_null("")
        ).collect()
        there = counts[name].value_counts(sort=True)
        said = ", ".join(f"'{value}' ({rows} rows)" for value, rows in there[:MOST_VALUES].rows())
        more = f" and {len(there) - MOST_VALUES} more" if len(there) > MOST_VALUES else ""
        asked = ", ".join(f"'{value}'" for value in values)
        if (
            not frame.filter(taken(table.model_copy(update={"rows": {name: values}})))
            .head(1)
            .collect()
            .is_empty()
        ):
            continue
        raise InputError(
            f"{url}: no row has {name} = {asked or 'any value'}, which rows in the column map ask "
            f"for; its values are {said or 'none'}{more}"
        )
    raise InputError(
        f"{url}: no row has all of what rows in the column map ask for ({', '.join(table.rows)})"
    )


def unnamed_instruments(columns: list[str], table: TableColumns) -> list[str]:
    """Return the columns that tell instruments apart and that the map does not name."""
    named = (table.symbol, table.suffix)
    return [name for name in columns if INSTRUMENT.fullmatch(name) and name not in named]


def check_one_instrument(found: pl.DataFrame, unnamed: list[str], url: str) -> None:
    """Check that the rows of a symbol and day are of one instrument, and drop what tells.

    Raises: InputError naming the first row of a second one, and what to write.
    """
    for name in unnamed:
        value = by_value(pl.col(f"instrument {name}").cast(pl.String))
        rows = found.select("row", "symbol", "day", value=value)
        if SUFFIX.fullmatch(name):
            rows = rows.with_columns(pl.col("value").fill_null(""))
        rows = rows.drop_nulls()
        other = rows.filter(pl.col("value") != pl.col("value").first().over("symbol", "day"))
        if len(other):
            row = other.row(0, named=True)
            first = rows.filter(symbol=row["symbol"], day=row["day"])["value"][0]
            raise InputError(
                f"{url}: row {row['row']}: {row['symbol']} has {name} '{first}' and "
                f"'{row['value']}': two instruments under one name; name {name} as suffix in the "
                f"column map, or keep one with rows = {{ {name} = ['{first}'] }}"
            )


def check_scale(found: pl.DataFrame, table: TableColumns, url: str) -> None:
    """Ask for price_divisor where large whole prices may be currency or a smaller unit.

    Raises: InputError naming the first row.
    """
    if "price_divisor" in table.model_fields_set:
        return
    for name, column in table.prices():
        prices = found.filter(pl.col(name) > 0).select("row", price=name)
        if prices.is_empty() or (prices["price"] % 1 == 0).mean() < WHOLE_SHARE:
            continue
        if (prices["price"].median() or 0) >= LARGE:
            row, price = prices.row(0)
            raise InputError(
                f"{url}: row {row}: {column} is {price:.15g}, a whole number as nearly all are: "
                "state price_divisor in the column map, 1 if that is currency, 10000 if it is "
                f"{price / 1e4:g}, 1000000000 if it is {price / 1e9:g}"
            )


def whole_ids(found: pl.DataFrame, url: str) -> pl.DataFrame:
    """Return the table with `id` as text, digit for digit; blank is null.

    Raises: InputError naming the row of a number that a float or a spreadsheet has rounded.
    """
    text = pl.col("id").cast(pl.String).str.strip_chars().replace("", None)
    if found["id"].dtype.is_float():
        rounded = pl.col("id").abs() >= EXACT
        text = pl.col("id").fill_nan(None).cast(pl.Int64, strict=False).cast(pl.String)
    else:
        rounded = text.str.contains(r"^\d(\.\d+)?[eE]\+?\d+$")
    wrong = found.filter(rounded.fill_null(False))
    if len(wrong):
        raise InputError(
            f"{url}: row {wrong['row'][0]}: id {wrong['id'][0]} is rounded, as numbers beyond 2^53 "
            "are in a float; write ids as text or as whole numbers"
        )
    return found.with_columns(text.alias("id"))
