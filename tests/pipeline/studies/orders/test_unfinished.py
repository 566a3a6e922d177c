"""Orders that ended early, durations by slices, and the market's move taken out of files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns, MarketColumns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.fills import totals
from pipeline.studies.orders.market import read_market
from pipeline.studies.orders.panel import read_imbalance_panel
from pipeline.studies.orders.route import OrdersRequest, calibrate_orders
from tests.pipeline.studies.orders.test_route import fills_folder, panel, written

DAY = 23_400  # seconds


def test_a_partly_filled_order_is_the_whole_one_at_its_pace(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    orders.loc[3, "quantity"] = 4000  # of which 1000 were filled in an hour
    sample = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    rows = sample.orders
    assert len(rows) == 40
    assert rows.filled[3] == 0.25
    assert (np.delete(rows.filled, 3) == 1).all()
    assert rows.participation[3] == pytest.approx(-4000 / orders["adv"][3])
    assert rows.duration[3] == pytest.approx(4 * 3600 / DAY)
    assert rows.horizon[3] == pytest.approx((4 * 3600 + 1800) / DAY)
    after = orders["post_price"][3] / 50 - 1
    mean = (fills["price"][3] + fills["price"][43]) / 2 / 50 - 1
    assert rows.permanent[3] == pytest.approx(after)
    assert rows.paid[3] == pytest.approx(0.25 * mean + 0.75 * after)
    assert sample.noted["partly_filled, kept as censored"] == 1


def test_an_order_that_never_filled_is_kept_where_its_end_is_known(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    fills = fills[fills["order_id"] != "o2"]
    sample = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    rows = sample.orders
    assert (len(rows), rows.filled[2]) == (40, 0.0)
    assert rows.participation[2] == pytest.approx(1000 / orders["adv"][2])
    assert rows.duration[2] == pytest.approx(7200 / DAY)
    assert rows.paid[2] == rows.permanent[2] == pytest.approx(orders["post_price"][2] / 50 - 1)
    assert sample.noted["not filled at all, kept as censored"] == 1
    endless = read_orders(written(tmp_path, orders.drop(columns="end"), fills), BrokerColumns())
    assert endless.dropped["no_fills_and_no_end"] == 1


@pytest.mark.parametrize("report", ["start", "middle", "end"])
def test_the_last_slice_is_counted_whole_wherever_its_fill_is_reported(
    tmp_path: Path, report: str
) -> None:
    orders, _ = fills_folder(tmp_path)
    orders = orders.assign(end=orders["start"] + pd.Timedelta("5h"))
    orders = orders.assign(post_time=orders["end"])
    late = {"start": 0.0, "middle": 0.5, "end": 1.0}[report]
    fills = pd.concat(
        [
            pd.DataFrame(
                {
                    "order_id": orders["order_id"],
                    "time": orders["start"] + pd.Timedelta(minutes=6 * (at + late)),
                    "quantity": 50,
                    "price": 50.0 + 0.01 * at,
                }
            )
            for at in range(20)
        ]
    )
    rows = read_orders(written(tmp_path, orders, fills), BrokerColumns()).orders
    assert rows.duration == pytest.approx(np.full(40, 20 * 360 / DAY))


def test_prints_of_one_child_are_one_slice_and_the_end_is_a_bound(tmp_path: Path) -> None:
    start = pd.Timestamp("2024-01-02 15:00", tz="UTC")
    seconds = np.add.outer(600 * np.arange(6), [0.0, 0.2, 0.5]).ravel()
    fills = pd.DataFrame(
        {
            "order": "a",
            "time": start + pd.to_timedelta(seconds, unit="s"),
            "quantity": 10,
            "price": 50.0,
        }
    )
    assert totals(fills).loc["a", "covered"] == pytest.approx(3000.5 * 6 / 5)
    orders, two = fills_folder(tmp_path)
    orders = orders.assign(end=orders["start"] + pd.Timedelta("62min"))
    two = two.assign(time=two["time"] - pd.Timedelta("25min"))  # at 5 and 35 minutes
    capped = orders.assign(end=orders["start"] + pd.Timedelta("50min"))
    free = read_orders(written(tmp_path, orders, two), BrokerColumns()).orders
    bound = read_orders(written(tmp_path, capped, two), BrokerColumns()).orders
    assert free.duration == pytest.approx(np.full(40, 3600 / DAY))
    assert bound.duration == pytest.approx(np.full(40, 3000 / DAY))


def prices(folder: Path, orders: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Write prices by minute over the orders' days: of each name what it moves a day's minute."""
    minutes = pd.to_timedelta(np.arange(0, 180, 5), unit="min")
    rng = np.random.default_rng(5)
    rows = []
    for start in orders["start"]:
        shared = np.cumsum(rng.normal(0, 2e-3, len(minutes)))
        rows += [
            pd.DataFrame({"time": start + minutes, "price": 100 * np.exp(shared), "symbol": name})
            for name in names
        ]
    frame = pd.concat(rows)
    frame.to_csv(folder / "market.csv", index=False)
    return frame


def test_the_markets_move_is_that_between_arrival_fills_and_after(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    table = prices(tmp_path, orders, ("M",)).drop(columns="symbol")
    table.to_csv(tmp_path / "market.csv", index=False)
    series = table.set_index("time")["price"]
    folder = written(tmp_path, orders.assign(beta=1.0), fills)
    market = read_market(str(tmp_path / "market.csv"), MarketColumns(), "UTC")
    plain = read_orders(folder, BrokerColumns()).orders
    sample = read_orders(folder, BrokerColumns(), market)
    start = orders["start"]
    moved = [series[start + pd.Timedelta(f"{m}min")].to_numpy() for m in (0, 30, 60, 90)]
    after, mean = moved[3] / moved[0] - 1, (moved[1] + moved[2]) / 2 / moved[0] - 1
    assert plain.permanent - sample.orders.permanent == pytest.approx(after)
    assert plain.paid - sample.orders.paid == pytest.approx(mean)
    assert "beta as given" in sample.definition[-1]
    told = read_orders(written(tmp_path, orders, fills), BrokerColumns(), market)
    assert "of all" in told.definition[-1]
    assert (told.orders.permanent != sample.orders.permanent).all()


def test_several_names_leave_out_the_orders_own(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    table = prices(tmp_path, orders, ("M", "N", "X"))
    table.loc[table["symbol"] == "X", "price"] *= np.linspace(1, 9, (table["symbol"] == "X").sum())
    table.to_csv(tmp_path / "market.csv", index=False)
    folder = written(tmp_path, orders.assign(beta=1.0), fills)

    def adjusted(frame: pd.DataFrame) -> np.ndarray:
        frame.to_csv(tmp_path / "market.csv", index=False)
        market = read_market(str(tmp_path / "market.csv"), MarketColumns(), "UTC")
        return read_orders(folder, BrokerColumns(), market).orders.permanent

    alone = table[table["symbol"] == "M"].drop(columns="symbol")
    assert adjusted(table) == pytest.approx(adjusted(alone))


def test_orders_without_a_market_price_are_counted_and_bad_files_refused(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    table = prices(tmp_path, orders, ("M",)).drop(columns="symbol")
    gone = table[table["time"] < orders["start"][38]]
    gone.to_csv(tmp_path / "market.csv", index=False)
    folder, path = written(tmp_path, orders, fills), str(tmp_path / "market.csv")
    market = read_market(path, MarketColumns(), "UTC")
    assert read_orders(folder, BrokerColumns(), market).dropped["no_market_price"] == 2
    table.assign(price=0.0).to_csv(tmp_path / "market.csv", index=False)
    with pytest.raises(InputError, match=r"market.csv: row 2: no time or no price above 0"):
        read_market(path, MarketColumns(), "UTC")
    table.assign(symbol="M").to_csv(tmp_path / "market.csv", index=False)
    with pytest.raises(InputError, match="one name alone"):
        read_market(path, MarketColumns(), "UTC")
    with pytest.raises(InputError, match="no column 'px'"):
        read_market(path, MarketColumns(price="px"), "UTC")
    with pytest.raises(InputError, match="--market others: fills need prices"):
        calibrate_orders(OrdersRequest("fills", folder, None, 0, 0, "others"))
    with pytest.raises(InputError, match="a panel has no times"):
        calibrate_orders(OrdersRequest("panel", folder, None, 0, 0, path))


def test_a_panels_market_is_the_mean_of_the_days_other_stocks(tmp_path: Path) -> None:
    folder = str(panel(tmp_path))
    plain, left = read_imbalance_panel(folder), read_imbalance_panel(folder, market=True)
    one = plain.orders.day == 20
    move = plain.orders.permanent[one]
    others = (move.sum() - move) / (one.sum() - 1)
    ratio = (move - left.orders.permanent[one]) / others
    assert ratio == pytest.approx(np.full(one.sum(), ratio[0]))
    assert "beta" in left.definition[-1]
    assert left.levels.loc["S3", "price"] > 0
    assert set(left.levels.columns) == {"price", "adv", "volatility", "inverse_turnover", "date"}
