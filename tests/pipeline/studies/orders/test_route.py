"""Calibrating from orders by command: the real panel, every way a file is wrong, outputs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from models.impact.orders.almgren import Almgren
from models.impact.orders.fit import fit_orders
from pipeline.cli import app
from pipeline.engine.errors import InputError
from pipeline.engine.store import write_json
from pipeline.studies.orders.columns import BrokerColumns, read_broker_columns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.panel import TABLES, read_imbalance_panel
from pipeline.studies.orders.report import content
from pipeline.studies.orders.route import OrdersRequest, calibrate_orders
from pipeline.studies.orders.sample import screen
from tests.conftest import ROOT

BROKER = str(ROOT / "config/orders-broker.toml")
STOCKS, DAYS = 60, 45
LAW = Almgren.by_rate(2.0, 0.3, 0.6)


def panel(folder: Path) -> Path:
    """Write a clean panel that obeys the law, with noise of a hundredth of a day's."""
    rng = np.random.default_rng(1)
    shape = (STOCKS, DAYS)
    arrival, value = rng.uniform(20, 80, shape), rng.uniform(0.9e7, 1.1e7, shape)
    imbalance = rng.choice([-1, 1], shape) * rng.lognormal(-3, 1, shape).clip(0.001, 0.6) * value
    volatility = rng.uniform(0.2, 0.4, shape)
    average = pd.DataFrame(value.T).rolling(10).mean().shift(1).to_numpy().T
    sigma = np.column_stack([np.full(STOCKS, np.nan), volatility[:, :-1]]) / np.sqrt(252)
    x = np.where(np.isnan(average), 0.01, imbalance / average)
    sigma = np.where(np.isnan(sigma), 0.01, sigma)
    permanent = LAW.permanent(x, sigma, np.ones(shape)) + 0.01 * sigma * rng.standard_normal(shape)
    paid = permanent / 2 + LAW.temporary(x, sigma, np.full(shape, 6 / 6.5))
    paid += 0.01 * sigma * rng.standard_normal(shape)
    tables = {
        "arrival": arrival,
        "terminal": arrival * (1 + permanent),
        "vwap": arrival * (1 + paid),
        "imbalance": imbalance,
        "value": value,
        "volatility": volatility,
    }
    for name, values in tables.items():
        frame = pd.DataFrame(values, pd.Index([f"S{row}" for row in range(STOCKS)], name="Stock"))
        frame.to_csv(folder / TABLES[name])
    return folder


def changed(folder: Path, table: str, stock: int, day: int, value: object) -> None:
    path = folder / TABLES[table]
    frame = pd.read_csv(path, index_col=0).astype(object)
    frame.iat[stock, day] = value
    frame.to_csv(path)


def fills_folder(folder: Path, n: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return clean orders, one every hour of trading days, and two fills of each."""
    rng = np.random.default_rng(2)
    start = pd.to_datetime("2024-01-02 15:00", utc=True) + pd.to_timedelta(np.arange(n), unit="D")
    orders = pd.DataFrame(
        {
            "order_id": [f"o{row}" for row in range(n)],
            "symbol": "X",
            "side": ["BUY", "SELL"] * (n // 2),
            "quantity": 1000,
            "start": start,
            "end": start + pd.Timedelta("2h"),
            "arrival_price": 50.0,
            "adv": rng.uniform(1e5, 1e6, n),
            "volatility": 0.02,
            "shares_outstanding": 1e8,
            "post_price": 50 + rng.normal(0, 0.5, n),
            "post_time": start + pd.Timedelta("90min"),
        }
    )
    fills = pd.concat(
        [
            pd.DataFrame(
                {
                    "order_id": orders["order_id"],
                    "fill_id": [f"f{row}{part}" for row in range(n)],
                    "time": start + pd.Timedelta(minutes=30 * part),
                    "quantity": 500,
                    "price": 50 + rng.normal(0, 0.2, n),
                }
            )
            for part in (1, 2)
        ]
    )
    return orders, fills.reset_index(drop=True)


def written(folder: Path, orders: pd.DataFrame, fills: pd.DataFrame) -> str:
    orders.to_csv(folder / "orders.csv", index=False)
    fills.to_parquet(folder / "fills.parquet", index=False)
    return str(folder)


def test_the_real_panel_dirt_and_all(real_data: Path, tmp_path: Path) -> None:
    found = calibrate_orders(OrdersRequest("panel", str(real_data / "taq2007"), None, 100, 1))
    dropped, used = found.sample.dropped, len(found.sample.orders)
    assert sum(dropped.values()) + used == found.sample.rows == 509 * 41
    assert dropped["blank_ticker"] == 41
    assert dropped["same_rows_as_another_ticker"] == 2 * 41  # JAVA is SUNW, CMCSA is CIT
    assert dropped["no_volatility"] == 506 * 10  # nine days of zeros, known a day later
    assert dropped["volatility_out_of_scale"] == 506
    assert list(found.sample.noted) == ["dailyVolDf.csv: positions instead of tickers"]
    low, high = found.fits[0].interval()[:, 2]
    assert low < 0.594 < high
    assert low < 0.600 < high
    assert found.resampled is not None
    assert found.resampled.standard_errors[2] == pytest.approx(
        found.fits[0].covariance.standard_errors[2], rel=0.4
    )
    assert len(found.without) == len(found.days) == 30
    assert (
        np.abs(found.without[:, 2] - found.fits[0].law.delta)
        < found.fits[0].covariance.standard_errors[2]
    ).all()
    write_json(content(found), str(tmp_path / "out.json"))
    said = json.loads((tmp_path / "out.json").read_text())
    assert said["two_step"]["estimates"]["delta"]["interval_95_clustered"] == [low, high]
    assert said["dropped"] == dropped
    assert len(said["leave_one_day_out"]) == 30


def test_a_panel_gives_its_law_back(tmp_path: Path) -> None:
    sample = read_imbalance_panel(str(panel(tmp_path)))
    assert len(sample.orders) == STOCKS * (DAYS - 10)
    for joint in (False, True):
        found = fit_orders(sample.orders, joint).values
        assert found == pytest.approx([2.0, 0.3, 0.6, 0.6], rel=0.02)


@pytest.mark.parametrize(
    ("table", "day", "value", "reason", "rows"),
    [
        ("arrival", 20, 0.0, "no_arrival_price", 1),
        ("terminal", 20, "", "no_terminal_price", 1),
        ("vwap", 20, 0.0, "no_vwap", 1),
        ("vwap", 20, 1e6, "price_out_of_scale", 1),
        ("imbalance", 20, 0.0, "no_imbalance", 1),
        ("imbalance", 20, -1e9, "imbalance_over_value", 1),
        ("volatility", 20, 0.0, "no_volatility", STOCKS + 1),  # the first day has none before it
        ("volatility", 20, 0.001, "volatility_out_of_scale", 1),
        ("value", 20, 0.0, "no_value", 1),
        ("value", 20, 1e12, "value_out_of_scale", 11),
    ],
)
def test_a_panels_defect_is_counted_by_its_name(
    tmp_path: Path, table: str, day: int, value: object, reason: str, rows: int
) -> None:
    changed(panel(tmp_path), table, 5, day, value)
    dropped = read_imbalance_panel(str(tmp_path)).dropped
    assert dropped[reason] == rows
    assert (
        dropped["no_average_value"] == STOCKS * 9
    )  # of the first day it is volatility that is missed first


def test_a_day_off_the_tape_costs_itself_alone(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    whole = read_imbalance_panel(str(folder)).orders
    for name in TABLES.values():
        frame = pd.read_csv(folder / name, index_col=0)
        frame.iloc[:, 20] = 0.0
        frame.to_csv(folder / name)
    sample = read_imbalance_panel(str(folder))
    assert len(sample.orders) == STOCKS * (
        DAYS - 12
    )  # the warm-up, the day, and the next without volatility before it
    value = pd.read_csv(folder / TABLES["value"], index_col=0).to_numpy()
    imbalance = pd.read_csv(folder / TABLES["imbalance"], index_col=0).to_numpy()
    days = [*range(15, 20), *range(21, 26)]  # the last ten before day 26 that are on the tape
    np.testing.assert_allclose(
        sample.orders.participation[sample.orders.day == 26],
        imbalance[:, 26] / value[:, days].mean(axis=1),
    )
    before = whole.day < 20
    assert (
        whole.participation[before] == sample.orders.participation[sample.orders.day < 20]
    ).all()


def test_a_panel_without_volatility_or_value_is_refused_by_name(tmp_path: Path) -> None:
    for name, reason in (("volatility", "no_volatility"), ("value", "no_average_value")):
        folder = panel(tmp_path)
        (0 * pd.read_csv(folder / TABLES[name], index_col=0)).to_csv(folder / TABLES[name])
        with pytest.raises(InputError, match=reason):
            read_imbalance_panel(str(folder))


def test_a_renamed_and_a_blank_ticker_are_left_out(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    for name in TABLES.values():
        frame = pd.read_csv(folder / name, index_col=0)
        frame.index = ["OLD", "NEW", "", *frame.index[3:]]
        if name != TABLES["volatility"]:
            frame.iloc[1] = frame.iloc[0].to_numpy()
        frame.to_csv(folder / name)
    dropped = read_imbalance_panel(str(folder)).dropped
    assert (dropped["blank_ticker"], dropped["same_rows_as_another_ticker"]) == (DAYS, DAYS)


def test_a_panels_past_does_not_know_its_future(tmp_path: Path) -> None:
    before = read_imbalance_panel(str(panel(tmp_path))).orders
    for name in ("value", "volatility", "imbalance"):
        changed(
            tmp_path,
            name,
            5,
            30,
            0.5 * float(pd.read_csv(tmp_path / TABLES[name], index_col=0).iat[5, 30]),
        )
    after = read_imbalance_panel(str(tmp_path)).orders
    past = before.day < 30
    assert (before.participation[past] == after.participation[past]).all()
    assert (before.volatility[past] == after.volatility[past]).all()
    day = before.day == 30
    assert (
        before.participation[day] != after.participation[day]
    ).sum() == 1  # V of the day itself is of days before
    assert (before.volatility[day] == after.volatility[day]).all()


def test_a_wrong_panel_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"arrivalPriceDf.csv: no such file"):
        read_imbalance_panel(str(tmp_path))
    changed(panel(tmp_path), "vwap", 5, 20, "n.a.")
    with pytest.raises(
        InputError, match=r"vwap330Df.csv: row 7, column 20 = 'n.a.' is not a number"
    ):
        read_imbalance_panel(str(tmp_path))
    short = pd.read_csv(panel(tmp_path) / TABLES["value"], index_col=0)
    short.iloc[:-1].to_csv(tmp_path / TABLES["value"])
    with pytest.raises(InputError, match=r"totalDailyValueDf.csv: 59 rows"):
        read_imbalance_panel(str(tmp_path))
    short.iloc[:, :-1].to_csv(tmp_path / TABLES["value"])
    with pytest.raises(InputError, match="every table needs the same days"):
        read_imbalance_panel(str(tmp_path))
    for name in TABLES.values():
        frame = pd.read_csv(tmp_path / name, index_col=0)
        frame.iloc[:, :8].to_csv(tmp_path / name)
    with pytest.raises(InputError, match="no_average_value"):
        read_imbalance_panel(str(tmp_path))


def test_fills_become_the_papers_quantities(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    sample = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    assert (len(sample.orders), sum(sample.dropped.values())) == (40, 0)
    rows = sample.orders
    assert rows.participation[:2] == pytest.approx(
        [1000 / orders["adv"][0], -1000 / orders["adv"][1]]
    )
    assert rows.duration == pytest.approx(np.full(40, 60 / 390))
    assert rows.horizon == pytest.approx(np.full(40, 90 / 390))
    assert rows.paid[3] == pytest.approx((fills["price"][3] + fills["price"][43]) / 2 / 50 - 1)
    assert rows.permanent == pytest.approx(orders["post_price"].to_numpy() / 50 - 1)
    assert rows.inverse_turnover == pytest.approx(1e8 / orders["adv"].to_numpy())
    assert len(np.unique(rows.day)) == 40


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("order_id", "o0", "repeated_order_id"),
        ("start", "noon", "bad_time"),
        ("side", "HOLD", "unknown_side"),
        ("quantity", -1000, "bad_quantity"),
        ("quantity", 900, "fills_over_quantity"),
        ("arrival_price", 0, "bad_arrival_price"),
        ("start", "2024-01-07T15:45:00Z", "fill_before_start"),
        ("arrival_time", "2024-01-07T15:31:00Z", "arrival_after_first_fill"),
        ("end", "2024-01-07T15:45:00Z", "fill_after_end"),
        ("post_price", "", "no_post_price"),
        ("post_time", "2024-01-07T15:45:00Z", "post_price_before_last_fill"),
        ("adv", "", "no_adv"),
        ("volatility", 0, "no_volatility"),
        ("shares_outstanding", 0, "no_shares_outstanding"),
        ("post_price", 5000, "price_out_of_scale"),
    ],
)
def test_an_orders_defect_is_counted_by_its_name(
    tmp_path: Path, column: str, value: object, reason: str
) -> None:
    orders, fills = fills_folder(tmp_path)
    orders = orders.assign(arrival_time=orders["start"]).astype(object)
    orders.loc[5, column] = value
    sample = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    assert sample.dropped[reason] == 1
    assert len(sample.orders) == 39


def test_fills_are_counted_once_and_events_are_not_fills(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    extra = fills.iloc[[0, 1, 2, 3]].copy()
    extra.loc[1, "fill_id"] = "other"  # a second report of a whole order's fill
    extra.loc[2, "order_id"], extra.loc[2, "fill_id"] = "nobody", "new"
    extra.loc[3, "fill_id"], extra.loc[3, "event"] = "cancelled", "cancel"
    dirty = pd.concat([fills.assign(event="trade"), extra.fillna({"event": "trade"})])
    sample = read_orders(written(tmp_path, orders, dirty), BrokerColumns())
    assert {
        name: sample.noted[name]
        for name in ("repeated_fill", "double_print", "fill_without_order", "not_a_fill")
    } == {"repeated_fill": 1, "double_print": 1, "fill_without_order": 1, "not_a_fill": 1}
    clean = read_orders(written(tmp_path, orders, fills), BrokerColumns())
    assert (sample.orders.paid == clean.orders.paid).all()
    assert (sample.orders.participation == clean.orders.participation).all()
    nameless = pd.concat([fills, fills.iloc[[4]]]).drop(columns="fill_id")
    assert (
        read_orders(written(tmp_path, orders, nameless), BrokerColumns()).noted["double_print"] == 1
    )


def test_whole_numbers_read_as_floats_are_the_same_ids(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    number = orders["order_id"].str[1:].astype(int)
    of_fill = fills["order_id"].str[1:].astype(float)
    of_fill[3] = np.nan  # a gap: the whole column is read as floats
    folder = written(tmp_path, orders.assign(order_id=number), fills.assign(order_id=of_fill))
    sample = read_orders(folder, BrokerColumns())
    assert len(sample.orders) == len(orders)
    assert sample.noted["fill_without_order"] == 1


def test_fills_of_no_order_are_refused(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    with pytest.raises(InputError, match=r"fills.parquet has no fill of any of them"):
        read_orders(written(tmp_path, orders, fills.assign(order_id="none")), BrokerColumns())


def test_fills_of_the_other_side_bad_fills_and_none(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    fills["side"] = ["B", "S"] * 40
    fills.loc[0, "side"] = "S"
    fills.loc[1, "price"] = -1.0
    fills = fills[fills["order_id"] != "o2"]
    dropped = read_orders(written(tmp_path, orders, fills), BrokerColumns()).dropped
    assert {name: count for name, count in dropped.items() if count} == {
        "fills_on_other_side": 1,
        "bad_fill": 1,
    }  # o2 ended without a fill, and is kept


@pytest.mark.parametrize("sides", [("B", "S"), ("buy", "sell"), (1, -1), (1.0, -1.0), ("+1", "-1")])
def test_conventions_of_sides_agree(tmp_path: Path, sides: tuple[object, object]) -> None:
    orders, fills = fills_folder(tmp_path)
    expected = read_orders(written(tmp_path, orders, fills), BrokerColumns()).orders.participation
    orders["side"] = list(sides) * 20
    assert (
        read_orders(written(tmp_path, orders, fills), BrokerColumns()).orders.participation
        == expected
    ).all()


def test_the_brokers_files_are_read_through_the_map_that_is_shipped(real_data: Path) -> None:
    found = calibrate_orders(OrdersRequest("fills", str(real_data / "orders_schema"), BROKER, 0, 0))
    sample = found.sample
    assert (sample.rows, sample.noted["fill rows"], sample.noted["not_a_fill"]) == (322, 660, 334)
    assert (sample.dropped["no_post_price"], sample.dropped["other_unit"]) == (1, 10)
    assert {"adv_from_own_orders", "volatility_from_arrivals", "post_price_at_last_fill"} <= {
        caveat.code for caveat in sample.caveats
    }
    assert found.resampled is None


def test_own_levels_come_from_orders_before(tmp_path: Path) -> None:
    orders, fills = fills_folder(tmp_path)
    orders["arrival_price"] = 50 + np.random.default_rng(3).normal(0, 0.3, 40)
    bare = orders.drop(columns=["adv", "volatility"])
    sample = read_orders(written(tmp_path, bare, fills), BrokerColumns())
    assert sample.dropped["no_adv"] == 5
    assert sample.dropped["no_volatility"] == 6  # ten moves need eleven earlier orders
    moves = bare["arrival_price"].pct_change()[1:11]
    assert sample.orders.volatility[0] == pytest.approx(np.sqrt((moves**2).mean()))  # a day apart
    bare.loc[30, ["quantity", "arrival_price"]] = [1500, 60.0]
    later = read_orders(written(tmp_path, bare, fills), BrokerColumns()).orders
    past = np.arange(len(later)) < 30 - 11
    assert (later.volatility[past] == sample.orders.volatility[past]).all()
    assert (later.participation[past] == sample.orders.participation[past]).all()


def test_maps_and_files_that_are_wrong_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[orders]\nquantiy = "x"\n')
    with pytest.raises(InputError, match=r"bad.toml: orders.quantiy: .*the keys are .*quantity"):
        read_broker_columns(str(bad))
    with pytest.raises(InputError, match=r"no file orders, orders.parquet or orders.csv"):
        read_orders(str(tmp_path), BrokerColumns())
    orders, fills = fills_folder(tmp_path)
    bad.write_text('[orders]\nadv = "ADV"\n')
    with pytest.raises(
        InputError, match=r"no column 'ADV' for orders.adv; the columns are order_id"
    ):
        read_orders(written(tmp_path, orders, fills), read_broker_columns(str(bad)))
    with pytest.raises(InputError, match="post_price"):
        read_orders(written(tmp_path, orders.drop(columns="post_price"), fills), BrokerColumns())
    with pytest.raises(InputError, match="40 of 40 for unknown_side"):
        read_orders(written(tmp_path, orders.assign(side="?"), fills), BrokerColumns())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--route", "magic"], "--route: no route 'magic'"),
        (["--source", "bloomberg"], "the sources are panel, fills"),
        (["--bootstrap", "3"], "--bootstrap: 3"),
        (["--seed", "-1"], "--seed: -1"),
        (["--columns", BROKER], "--columns: a panel has no column map"),
    ],
)
def test_the_command_refuses(tmp_path: Path, arguments: list[str], said: str) -> None:
    base = {"--route": "orders", "--source": "panel", "--data": str(tmp_path)}
    asked = base | dict(zip(arguments[::2], arguments[1::2], strict=True))
    done = CliRunner().invoke(
        app, ["calibrate", *(part for pair in asked.items() for part in pair)]
    )
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)


def test_a_single_day_is_refused_with_what_was_left_out(tmp_path: Path) -> None:
    for name in TABLES.values():
        path = panel(tmp_path) / name if name == TABLES["arrival"] else tmp_path / name
        pd.read_csv(path, index_col=0).iloc[:, :11].to_csv(path)
    with pytest.raises(InputError, match=r"cluster: 1 found.*60 of 660 rows.*no_average_value 540"):
        calibrate_orders(OrdersRequest("panel", str(tmp_path), None, 0, 0))


def test_the_command_teaches() -> None:
    done = CliRunner().invoke(app, ["calibrate", "--help"])
    assert done.exit_code == 0
    assert "impact calibrate --route orders --source panel" in " ".join(
        done.output.replace("│", " ").split()
    )


def test_the_command_prints_and_writes_the_same_for_the_same_seed(tmp_path: Path) -> None:
    folder = panel(tmp_path)
    texts = []
    for name in ("a.json", "b.json"):
        done = CliRunner().invoke(
            app,
            [
                "calibrate",
                "--route",
                "orders",
                "--source",
                "panel",
                "--data",
                str(folder),
                "--bootstrap",
                "50",
                "--seed",
                "3",
                "--json",
                str(tmp_path / name),
            ],
        )
        assert done.exit_code == 0, done.output
        assert "left out, by reason" in done.output
        assert "without one day" in done.output
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    said = json.loads(texts[0])["two_step"]["estimates"]["delta"]
    assert said["interval_95_bootstrap"][0] < said["estimate"] < said["interval_95_bootstrap"][1]


def test_what_is_not_a_number_is_null_and_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    found = calibrate_orders(OrdersRequest("panel", str(panel(tmp_path)), None, 0, 0))
    blind = replace(found, fits=(replace(found.fits[0], r2_permanent=float("nan")), found.fits[1]))
    write_json(content(blind), str(tmp_path / "out.json"))
    assert json.loads((tmp_path / "out.json").read_text())["two_step"]["r2_permanent"] is None
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(InputError, match="--json"):
        write_json(content(found), str(tmp_path / "taken" / "out.json"))


def test_a_row_is_blamed_once() -> None:
    kept, dropped = screen(
        {"a": np.array([True, False, False]), "b": np.array([True, True, False])}
    )
    assert kept.tolist() == [False, False, True]
    assert dropped == {"a": 1, "b": 1}
