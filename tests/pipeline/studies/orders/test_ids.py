"""Ids of orders and fills beyond what floats hold, with blanks among them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.sample import OrderSample

START = pd.Timestamp("2024-01-02 15:00", tz="UTC")
LARGE = 2**53  # LARGE + 1 is LARGE as a float


def tables(ids: list[int | None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return an order a day of 1000, 2000, ... shares, and its two fills, of half of it each."""
    n = len(ids)
    start = START + pd.to_timedelta(np.arange(n), unit="D")
    quantity = 1000.0 * np.arange(1, n + 1)
    orders = pd.DataFrame(
        {
            "order_id": pd.array(ids, dtype="Int64"),
            "symbol": "X",
            "side": "BUY",
            "quantity": quantity,
            "start": start,
            "arrival_price": 50.0,
            "adv": 1e6,
            "volatility": 0.02,
            "post_price": 50.1,
            "post_time": start + pd.Timedelta("90min"),
        }
    )
    fills = pd.DataFrame(
        {
            "order_id": orders["order_id"].repeat(2),
            "fill_id": pd.array(LARGE + np.arange(2 * n), dtype="Int64"),
            "time": start.repeat(2) + pd.to_timedelta(np.tile([30, 60], n), unit="min"),
            "quantity": quantity.repeat(2) / 2,
            "price": 50.05,
        }
    )
    return orders, fills.reset_index(drop=True)


def read(folder: Path, kind: str, orders: pd.DataFrame, fills: pd.DataFrame) -> OrderSample:
    for name, table in (("orders", orders), ("fills", fills)):
        if kind == "csv":
            table.to_csv(folder / f"{name}.csv", index=False)
        else:
            table.to_parquet(folder / f"{name}.parquet", index=False)
    return read_orders(str(folder), BrokerColumns())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_neighbouring_ids_beyond_2_to_the_53_stay_apart(kind: str, tmp_path: Path) -> None:
    ids = [LARGE + row for row in range(8)]
    orders, fills = tables([*ids, None])
    sample = read(tmp_path, kind, orders, fills)
    assert {reason: rows for reason, rows in sample.dropped.items() if rows} == {"no_order_id": 1}
    assert sample.noted["fill_without_order"] == 2  # a blank is the same as no other blank
    assert sample.noted["repeated_fill"] == 0
    np.testing.assert_allclose(sample.orders.participation, 1e-3 * np.arange(1, 9))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_blank_ids_of_fills_are_no_repeats(kind: str, tmp_path: Path) -> None:
    orders, fills = tables(list(range(1, 9)))
    fills.loc[[0, 1, 4], "fill_id"] = pd.NA
    fills.loc[7, "fill_id"] = fills.loc[6, "fill_id"]
    sample = read(tmp_path, kind, orders, fills)
    assert (sample.noted["repeated_fill"], sample.noted["double_print"]) == (1, 0)
    filled = 1e-3 * np.arange(1, 9)
    filled[3] /= 2
    np.testing.assert_allclose(sample.orders.participation * sample.orders.filled, filled)


def test_a_print_twice_without_id_is_one_fill(tmp_path: Path) -> None:
    orders, fills = tables(list(range(1, 9)))
    fills.loc[[0], "fill_id"] = pd.NA
    fills = pd.concat([fills, fills[:1]])
    orders["quantity"] *= 2
    sample = read(tmp_path, "csv", orders, fills)
    assert sample.noted["double_print"] == 1


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("parquet", [float(LARGE + 2), *range(2, 9)]),
        ("csv", [float(LARGE + 2), *range(2, 9)]),
        ("csv", ["1.23457E+17", *range(2, 9)]),
    ],
)
def test_ids_that_were_rounded_are_refused(
    kind: str, ids: list[float | str], tmp_path: Path
) -> None:
    orders, fills = tables(list(range(1, 9)))
    with pytest.raises(InputError, match=rf"orders.{kind}: row 2: order_id .* is rounded"):
        read(tmp_path, kind, orders.assign(order_id=ids), fills)
