"""What Databento's numbers mean: the scale of prices, and which values stand for no number."""

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.tape.sources.clean import scaled

FIXED_POINT = 1e9  # units of a price as an integer
# undefined are 2^63 - 1 as a price and 2^32 - 1 as a size, and no number may lie beyond; as a
# decimal, a float or unscaled they are rounded, hence the margin
UNDEFINED_UNITS, UNDEFINED_PRICE, UNDEFINED_SIZE = 9.223372036854e18, 9223372036.85, 4_294_967_295
DECIMAL_ABOVE = 9223372036.86
# a price in units of 1e-9 is a multiple of its tick: of 0.0001, or of 0.00001 from a price of 1 on
COARSE = ((100_000, 10_000_000), (10_000, 1_000_000_000))  # (units of a tick, of the least price)
MOST_ROWS = 0.9  # of the best quotes, which must be such multiples
# whole numbers without a decimal point are currency as they stand below this
LARGEST_WHOLE = 10_000_000


def in_fixed_point(records: pl.DataFrame, url: str) -> bool:
    """Return whether the prices are in units of 1e-9, as the digits of the best quotes tell.

    Integers and floats that are all whole numbers may be either. Units of 1e-9 end in the zeros
    that a tick leaves; currency does not.
    Raises: InputError naming the row where it is open.
    """
    names = ["bid_px_00", "ask_px_00"]
    integers = any(records[name].dtype.is_integer() for name in names)
    best = pl.concat(
        records.select("row", price=pl.col(name).cast(pl.Float64, strict=False)) for name in names
    ).filter((pl.col("price").abs() < UNDEFINED_UNITS) & ~_as_decimal("price"))
    units = best["price"]
    if units.is_empty():
        return integers
    if (units % 1 != 0).any():
        return False
    level = float(units.abs().median() or 0.0)
    for tick, least in COARSE:
        if level >= least and (units % tick == 0).mean() >= MOST_ROWS:
            return True
    if not integers and level < LARGEST_WHOLE:
        return False
    row = best.sort("row").row(0, named=True)
    raise InputError(
        f"{url}: row {row['row']}: a best price of {row['price']:.15g} is {row['price'] / 1e9:g} "
        "if whole numbers are units of 1e-9, but their last digits are not a tick's; write prices "
        "in currency with a decimal point, or export them as DBN"
    )


def defined_price(name: str, fixed: bool) -> pl.Expr:
    """Return the price in currency, null where it is undefined, in whichever way that is written.

    `fixed`: the column is in units of 1e-9.
    """
    number = pl.col(name).cast(pl.Float64, strict=False)
    limit = UNDEFINED_UNITS if fixed else UNDEFINED_PRICE
    price = scaled(name, FIXED_POINT) if fixed else number
    return pl.when((number.abs() < limit) & ~_as_decimal(name)).then(price).alias(name)


def _as_decimal(name: str) -> pl.Expr:
    """Return whether it is the undefined price as a decimal, which may stand among units too."""
    return pl.col(name).cast(pl.Float64, strict=False).is_between(UNDEFINED_PRICE, DECIMAL_ABOVE)


def defined_size(name: str) -> pl.Expr:
    """Return the size in shares, null where it is undefined."""
    size = pl.col(name).cast(pl.Float64)
    return pl.when(size.abs() < UNDEFINED_SIZE).then(size).alias(name)
