"""Samples that lose a side or most of their rows, and orders in the words of their broker."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.impact.orders.parent_orders import ParentOrders
from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.panel import read_imbalance_panel
from tests.pipeline.command import impact, refused
from tests.pipeline.studies.orders.test_route import fills_folder, written

FIX_TIME, LOCAL_TIME = "%Y%m%d-%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f"
TIMES = ("start", "end", "post_time")


def test_sides_in_codes_of_fix_have_both_signs(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    orders["side"] = np.resize(["1", "5", "3", "2"], len(orders))  # buy, short, buy minus, sell
    fills["side"] = fills["order_id"].map(
        dict(zip(orders["order_id"], orders["side"], strict=True))
    )
    sample = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    assert (len(sample.orders), sample.caveats) == (40, ())
    np.testing.assert_array_equal(np.sign(sample.orders.participation), [1, -1] * 20)


def same(one: ParentOrders, other: ParentOrders) -> bool:
    return all(np.array_equal(vars(one)[name], vars(other)[name]) for name in vars(one))


@pytest.mark.parametrize("writing", ["fix", "epoch ms", "epoch ns", "local"])
def test_times_in_every_writing_give_the_same_orders(tmp_path: Path, writing: str) -> None:
    orders, fills = fills_folder(tmp_path, 100)  # over March's change of the clock in New York
    expected = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    assert len(expected.orders) == 100

    def rewritten(times: pd.Series) -> pd.Series:
        if writing == "fix":
            return times.dt.strftime(FIX_TIME)
        if writing == "local":
            return times.dt.tz_convert("America/New_York").dt.strftime(LOCAL_TIME)
        whole = times.dt.as_unit("ns").astype("int64")
        return whole if writing == "epoch ns" else whole // 10**6

    orders = orders.assign(**{name: rewritten(orders[name]) for name in TIMES})
    fills = fills.assign(time=rewritten(fills["time"]))
    zone = "America/New_York" if writing == "local" else "UTC"
    found = read_orders(written(tmp_path, orders, fills), BrokerColumns(timezone=zone))
    assert same(found.orders, expected.orders)
    assert found.days == expected.days


def test_a_file_of_buys_alone_is_said_to_be_one(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    sample = read_orders(written(tmp_path, orders.assign(side="1"), fills), BrokerColumns())
    (caveat,) = sample.caveats
    assert caveat.code == "one_sided"
    assert caveat.message.startswith("the 40 rows kept are all buys")
    done = impact(
        "calibrate", "--route", "orders", "--source", "fills", "--data", str(tmp_path),
        "--bootstrap", "0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "one_sided: the 40 rows kept are all buys" in done.stdout


def test_a_side_that_cannot_be_read_is_refused_with_its_values(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    orders["side"] = orders["side"].replace("SELL", "Vendita")
    written(tmp_path, orders, fills)
    done = impact("calibrate", "--route", "orders", "--source", "fills", "--data", str(tmp_path))
    refused(
        done,
        "orders.csv: the 20 rows kept are all buys: the side of 20 rows is not known",
        "(side: 'Vendita' (20)); write B and S",
    )


def test_a_side_lost_for_another_reason_is_refused_with_it(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    fills["side"] = "BUY"  # of every order
    with pytest.raises(
        InputError,
        match="rows kept are all buys: 20 of the other side are left out, 20 for fills_on_other",
    ):
        read_orders(written(tmp_path, orders, fills), BrokerColumns())
    few = orders.assign(side=np.where(orders.index == 7, "SELL", "BUY"))  # one of forty
    sample = read_orders(written(tmp_path, few, fills), BrokerColumns())
    assert [caveat.code for caveat in sample.caveats] == ["one_sided"]


def test_most_rows_left_out_for_one_reason_are_a_warning_that_shows_why(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    start = orders["start"].astype(str)
    orders["start"] = start.where(orders.index % 10 >= 6, "06/01/2025 15:00")
    sample = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    (caveat,) = sample.caveats
    assert caveat.code == "mostly_left_out"
    assert caveat.message == (
        "24 of 40 rows are left out for bad_time (start: '06/01/2025 15:00' (24))"
    )
    orders["start"] = "06/01/2025 15:00"
    with pytest.raises(InputError, match=r"40 of 40 for bad_time \(start: '06/01/2025 15:00' \(40"):
        read_orders(written(tmp_path, orders, fills), BrokerColumns())


def test_an_unknown_timezone_is_refused_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('timezone = "EDTX"\n')
    done = impact(
        "calibrate", "--route", "orders", "--source", "fills", "--data", str(tmp_path),
        "--columns", str(tmp_path / "map.toml"),
    )  # fmt: skip
    refused(done, "map.toml: timezone:", "'EDTX' is no IANA name")


def test_a_panel_of_one_sign_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    shape = (6, 30)
    tables = {
        "arrivalPriceDf": np.full(shape, 50.0),
        "terminalPriceDf": 50 + rng.normal(0, 0.5, shape),
        "vwap330Df": 50 + rng.normal(0, 0.3, shape),
        "imbalanceDf": rng.uniform(1e5, 1e6, shape),
        "totalDailyValueDf": rng.uniform(1e7, 2e7, shape),
        "dailyVolDf": np.full(shape, 0.3),
    }
    for name, values in tables.items():
        pd.DataFrame(values, [f"A{row}" for row in range(6)]).to_csv(tmp_path / f"{name}.csv")
    sample = read_imbalance_panel(str(tmp_path))
    assert [caveat.code for caveat in sample.caveats] == ["one_sided"]
    signed = tables["imbalanceDf"] * rng.choice([-1, 1], shape)
    pd.DataFrame(signed, [f"A{row}" for row in range(6)]).to_csv(tmp_path / "imbalanceDf.csv")
    assert read_imbalance_panel(str(tmp_path)).caveats == ()
