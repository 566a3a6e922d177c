"""A simulated book whose parts are known: each is recovered, and all sums are exact."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.simulation.desk import TRUE_PARTS
from models.tca.orders.parts import PARTS
from pipeline.tca.book import Book
from pipeline.tca.content import content
from pipeline.tca.sample import SampleBook
from tests.pipeline.tca.books import analysed, simulated

ROUNDING = 1e-8  # currency / share, of prices in the files


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleBook, Book]:
    made, request = simulated(tmp_path_factory.mktemp("known"))
    return made, analysed(request)


def test_every_part_of_every_order_is_the_true_one(both: tuple[SampleBook, Book]) -> None:
    made, book = both
    orders = book.sheet.orders
    assert orders["id"].tolist() == made.parts["order_id"].tolist()
    for name in TRUE_PARTS:
        off = (orders[f"{name}_cost"] - made.parts[name]).abs() / orders["ordered"]
        assert off.max() < 4 * ROUNDING, name
    assert (orders["unsplit_cost"] == 0).all()
    assert (orders[[f"{name}_cost" for name in PARTS]].abs().sum() > 0).sum() == len(PARTS) - 1


def test_parts_sum_to_the_shortfall_of_order_group_and_book(both: tuple[SampleBook, Book]) -> None:
    _, book = both
    orders = book.sheet.orders
    bps = orders[[f"{name}_bps" for name in PARTS]].sum(axis=1)
    np.testing.assert_allclose(bps, orders["shortfall_bps"], rtol=0, atol=1e-9)
    groups = book.groups
    of_groups = groups[[f"{name}_bps" for name in PARTS]].sum(axis=1)
    np.testing.assert_allclose(of_groups, groups["shortfall_bps"], rtol=0, atol=1e-9)
    assert sum(one.value for one in book.parts.values()) == pytest.approx(
        book.total.value, abs=1e-9
    )
    for by, some in groups.groupby("by"):
        whole = (some["shortfall_bps"] * some["notional"]).sum() / some["notional"].sum()
        assert whole == pytest.approx(book.total.value, abs=1e-9), by
        assert some["orders"].sum() == len(orders)


def test_fills_carry_their_parts_to_their_orders(both: tuple[SampleBook, Book]) -> None:
    _, book = both
    fills, orders = book.sheet.fills, book.sheet.orders.set_index("id")
    for name in ("spread", "walk", "permanent", "drift", "delay_traded"):
        summed = fills.groupby("order")[f"{name}_cost"].sum()
        whole = orders.loc[summed.index, f"{name}_cost"]
        np.testing.assert_allclose(summed, whole, rtol=0, atol=1e-9 * orders["notional"].max())


def test_figures_say_whether_they_are_given_or_derived(both: tuple[SampleBook, Book]) -> None:
    _, book = both
    orders = book.sheet.orders
    for name in ("decision_from", "arrival_from", "exit_from"):
        assert set(orders[name]) == {"bars"}
    first = orders["date"] == orders["date"].min()
    assert set(orders.loc[first, "adv_from"]) == {"bars, own day"}
    assert set(orders.loc[~first, "adv_from"]) == {"bars"}


def test_adv_and_volatility_are_of_days_before(both: tuple[SampleBook, Book]) -> None:
    made, book = both
    orders = book.sheet.orders
    daily = made.bars.assign(date=made.bars["time"].str[:10]).groupby(["symbol", "date"])["volume"]
    daily = daily.sum()
    one = orders[(orders["symbol"] == "SIM1") & (orders["date"] == "2025-01-08")].iloc[0]
    before = daily.loc["SIM1"].loc[["2025-01-06", "2025-01-07"]].mean()
    assert one["adv"] == pytest.approx(before)
    truth = made.params.symbols["SIM1"].periods[0].sigma * np.sqrt(390)
    assert one["volatility"] == pytest.approx(
        truth / made.params.symbols["SIM1"].reference.price, rel=0.35
    )


def test_the_json_has_a_number_or_null_for_everything(both: tuple[SampleBook, Book]) -> None:
    _, book = both
    found = json.loads(json.dumps(content(book), allow_nan=False))
    assert found["orders"] == 40
    parts = sum(one["value"] for one in found["parts"].values())
    assert parts == pytest.approx(found["shortfall"]["value"], abs=1e-9)
    assert {each["cost"] for each in found["feedback"]} == {"over_arrival", "over_mid"}


def test_what_comes_later_changes_nothing_of_an_order(tmp_path: Path) -> None:
    _, request = simulated(tmp_path, seed=5, days=2)
    before = analysed(request).sheet.orders
    path = Path(request.bars)
    bars = pd.read_csv(path)
    last = "2025-01-07"
    late = bars["time"] >= f"{last}T20:30"
    bars.loc[late, ["open", "high", "low", "close", "bid", "ask"]] *= 1.5
    bars.loc[late, "volume"] *= 3
    bars.to_csv(path, index=False)
    after = analysed(request).sheet.orders
    early = ((before["date"] < last) | (before["end"] < f"{last}T20:00")).to_numpy()
    assert early.any()
    names = [name for name in before if "close" not in name and "day_vwap" not in name]
    names = [name for name in names if "modified_z" not in name and name != "outlier"]
    same = before["date"] < last
    names_late = [name for name in names if name not in ("adv", "volatility", "share_of_adv")]
    pd.testing.assert_frame_equal(before.loc[same, names], after.loc[same, names])
    some = early & ~same.to_numpy()
    assert some.any()
    pd.testing.assert_frame_equal(before.loc[some, names_late], after.loc[some, names_late])


def test_the_index_moves_arrival_by_beta(tmp_path: Path) -> None:
    made, request = simulated(tmp_path, seed=6, symbols=1, days=1, orders=3)
    path = Path(request.bars)
    both = pd.concat([made.bars, made.bars.assign(symbol="INDEX")])
    both.to_csv(path, index=False)
    orders = made.orders.assign(beta=[1.0, 2.0, 0.0])
    orders.to_csv(request.orders, index=False)
    found = analysed(replace(request, index="INDEX")).sheet.orders
    fills = analysed(request).sheet.fills
    for place, beta in enumerate((1.0, 2.0, 0.0)):
        one, mine = found.iloc[place], fills[fills["order"] == found["id"].iloc[place]]
        mean = (mine["shares"] @ mine["mid"]) / mine["shares"].sum()
        moved = mean / one["arrival_price"] - 1
        assert one["benchmark_index_adjusted"] == pytest.approx(
            one["arrival_price"] * (1 + beta * moved)
        )


def test_an_order_before_the_first_quote_is_held_against_it_and_said(tmp_path: Path) -> None:
    made, request = simulated(tmp_path, seed=6, symbols=1, days=1, orders=3)
    orders = made.orders
    orders.loc[1, ["start", "decision_time"]] = "2025-01-06T13:00:00Z"
    orders.to_csv(request.orders, index=False)
    book = analysed(request)
    one = book.sheet.orders.iloc[1]
    assert one["arrival_price"] == made.bars["open"].iloc[0]
    assert one["arrival_quote_age"] == -5400
    assert one["decision_from"] == "none"
    said = {each.code: each.message for each in book.caveats}
    assert said["arrival_at_open"].startswith("1 orders")
