"""Rows left out are listed with file, line, id and reason; nothing else is."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import BrokerColumns, OrderColumns
from pipeline.tca.order_rows import read_order_rows
from tests.pipeline.tca.books import analysed, write_two


def orders() -> pd.DataFrame:
    """Return seven orders, all of them good."""
    return pd.DataFrame(
        {
            "order_id": list("abcdefg"),
            "symbol": "XYZ",
            "side": ["B", "S", "B", "S", "B", "B", "S"],
            "quantity": 1000,
            "start": "2025-01-06T15:00:00Z",
            "end": "2025-01-06T16:00:00Z",
            "arrival_price": 50.0,
        }
    )


def fills() -> pd.DataFrame:
    """Return two fills an order, of half of it; none of g."""
    made = pd.DataFrame(
        [
            {
                "order_id": name,
                "time": f"2025-01-06T15:{minute}:00Z",
                "quantity": 250,
                "price": 50.1,
            }
            for name in "abcdef"
            for minute in (10, 20)
        ]
    )
    return made.assign(fill_id=[f"f{at}" for at in range(len(made))])


def read(folder: Path, given: pd.DataFrame, filled: pd.DataFrame, **columns: object):
    request = write_two(folder, given, filled)
    return read_order_rows(request.orders, request.fills, BrokerColumns(**columns))


def test_good_orders_are_kept_also_those_without_a_fill(tmp_path: Path) -> None:
    found = read(tmp_path, orders(), fills())
    assert found.orders["id"].tolist() == list("abcdefg")
    assert len(found.fills) == 12
    assert found.dropped.empty


def test_each_fault_is_listed_with_file_line_id_and_reason(tmp_path: Path) -> None:
    given, filled = orders().astype({"quantity": float}), fills()
    given.loc[0, "side"] = "?"
    given.loc[1, "quantity"] = -5.0
    given.loc[2, "start"] = "soon"
    given.loc[3, "end"] = "2025-01-06T14:00:00Z"
    filled.loc[8, "price"] = -1.0  # of e
    filled.loc[10, "quantity"] = 5000  # of f
    lone = {"order_id": "zz", "time": "2025-01-06T15:30:00Z", "quantity": 5, "price": 50.0}
    twice = filled.iloc[11].to_dict()
    filled = pd.concat([filled, pd.DataFrame([lone | {"fill_id": "f98"}, twice])])
    found = read(tmp_path, given, filled)
    rows = {(row.file, row.line, row.id): row.reason for row in found.dropped.itertuples()}
    assert rows == {
        ("orders.csv", 2, "a"): "unknown_side",
        ("orders.csv", 3, "b"): "bad_quantity",
        ("orders.csv", 4, "c"): "bad_time",
        ("orders.csv", 5, "d"): "end_before_start",
        ("orders.csv", 6, "e"): "bad_fill",
        ("orders.csv", 7, "f"): "fills_over_quantity",
        ("fills.csv", 14, "f98"): "fill_without_order",
        ("fills.csv", 15, "f11"): "repeated_fill",
    }
    assert found.orders["id"].tolist() == ["g"]
    lines = (tmp_path / "orders.csv").read_text().splitlines()
    assert lines[3 - 1].startswith("b,")


def test_a_fill_after_the_stated_end_is_no_fault_but_said(tmp_path: Path) -> None:
    given = orders().assign(end="2025-01-06T15:15:00Z")
    found = read(tmp_path, given, fills())
    assert found.noted["fill_after_end"] == 6
    assert len(found.orders) == 7


def test_own_columns_and_words_are_read_as_text(tmp_path: Path) -> None:
    given = orders().assign(desk=[1, 1, 2, 2, 2, 2, 1], algo="vwap")
    found = read(tmp_path, given, fills(), orders=OrderColumns(own=("desk",)))
    assert found.orders["desk"].tolist() == ["1", "1", "2", "2", "2", "2", "1"]
    assert set(found.orders["algo"]) == {"vwap"}
    with pytest.raises(InputError, match="no column 'pm'"):
        read(tmp_path, given, fills(), orders=OrderColumns(own=("pm",)))


def test_an_own_column_with_a_name_of_the_sheet_is_refused(tmp_path: Path) -> None:
    request = write_two(tmp_path, orders().assign(filled="yes"), fills())
    (tmp_path / "map.toml").write_text('[orders]\nown = ["filled"]\n')
    with pytest.raises(InputError, match="own = 'filled'"):
        analysed(replace(request, columns=str(tmp_path / "map.toml")))


def test_own_columns_make_groups(tmp_path: Path) -> None:
    request = write_two(tmp_path, orders().assign(desk=[1, 1, 2, 2, 2, 2, 1]), fills())
    (tmp_path / "map.toml").write_text('[orders]\nown = ["desk"]\n')
    groups = analysed(replace(request, columns=str(tmp_path / "map.toml"))).groups
    desks = groups[groups["by"] == "desk"].set_index("group")["orders"]
    assert desks.to_dict() == {"1": 2, "2": 4}


def test_a_charge_in_both_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="charged twice"):
        read(tmp_path, orders().assign(commission=1.0), fills().assign(commission=0.5))


def test_two_currencies_have_no_sum(tmp_path: Path) -> None:
    given = orders().assign(currency=["USD"] * 4 + ["EUR"] * 3)
    request = write_two(tmp_path, given, fills())
    with pytest.raises(InputError, match="--currency EUR"):
        analysed(request)
    one = analysed(type(request)(**{**vars(request), "currency": "USD"}))
    assert len(one.sheet.orders) == 4
    assert (one.sheet.rows.dropped["reason"] == "other_currency").sum() == 3
    assert one.sheet.rows.dropped["line"].tolist() == [6, 7, 8]


def test_without_a_market_what_the_files_give_is_costed_and_nothing_is_made_up(
    tmp_path: Path,
) -> None:
    book = analysed(write_two(tmp_path, orders(), fills()))
    one = book.sheet.orders.set_index("id").loc["a"]
    assert one["unsplit_cost"] == pytest.approx(500 * 0.1)
    assert one["opportunity_cost"] == pytest.approx(500 * 0.1)  # the rest, at the last fill's price
    assert one["exit_from"] == "fills"
    assert one["shortfall_bps"] == pytest.approx(1e4 * 0.1 / 50.0)
    assert {each.code for each in book.caveats} >= {"no_market", "unsplit", "one_day"}
    lost = book.sheet.rows.dropped
    assert lost[["line", "id", "reason"]].to_numpy().tolist() == [[8, "g", "no_price_at_end"]]


def test_no_arrival_price_anywhere_says_what_to_do(tmp_path: Path) -> None:
    given = orders().drop(columns="arrival_price")
    with pytest.raises(InputError, match="give --tape or --bars"):
        analysed(write_two(tmp_path, given, fills()))
