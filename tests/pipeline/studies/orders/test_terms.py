"""Sides and times as brokers, FIX, epochs and local clocks write them."""

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.studies.orders.sides import read_sides
from pipeline.studies.orders.times import read_times

MOMENT = pd.Timestamp("2025-01-06T14:30:00.123456Z")


def sides(*values: object) -> list[float]:
    return read_sides(pd.Series(list(values)), "orders.csv: column side").tolist()


@pytest.mark.parametrize(
    ("buys", "sells"),
    [
        (("1",), ("2",)),  # FIX
        (("1", "3"), ("2", "4", "5", "6")),
        ((1, 1.0, 3.0), (2, 5.0, 6)),
        (("1", "+1", "1.0"), ("-1", "-1.0", -1)),  # signs
        (("B", "b", " buy ", "BOT", "Bought"), ("S", "sld", "SELL", "Sold")),
        (("BC", "Buy to Cover", "BUY_TO_COVER", "BuyMinus"), ("SS", "SSE", "SHORT", "SELL SHORT")),
        (("B", "BUY"), ("SellShort", "sell-short-exempt", "SHORT_SELL", "Sell Plus")),
        (("B", "1"), ("SS", "5")),
    ],
)
def test_codes_words_and_signs(buys: tuple[object, ...], sells: tuple[object, ...]) -> None:
    assert sides(*buys, *sells) == [1.0] * len(buys) + [-1.0] * len(sells)
    assert sides(*buys) == [1.0] * len(buys)


def test_what_is_no_side_is_unknown_never_a_guess() -> None:
    found = sides("B", "S", "HOLD", "", None, "7", "8", "X", "BS", "0")
    assert found[:2] == [1, -1]
    assert np.isnan(found[2:]).all()
    assert np.isnan(sides(1, -1, 0, 9)[2:]).all()
    assert sides(2, 2) == [-1, -1]
    assert sides(-1, -1) == [-1, -1]


@pytest.mark.parametrize(
    ("values", "said"),
    [((0, 1, 1), "holds 0 and 1"), (("1", "-1", "2"), "holds -1, a sign, and 2, which FIX has")],
)
def test_numbers_of_two_meanings_are_refused(values: tuple[object, ...], said: str) -> None:
    with pytest.raises(InputError, match=f"orders.csv: column side {said}.*write B and S"):
        sides(*values)


def times(*values: object, zone: str = "America/New_York") -> list[pd.Timestamp]:
    found = read_times(pd.Series(list(values)), zone)
    assert str(found.dtype) == "datetime64[ns, UTC]"
    return found.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-06T14:30:00.123456Z",
        "2025-01-06 14:30:00.123456 UTC",
        "2025-01-06 15:30:00.123456+01:00",
        "2025-01-06T09:30:00.123456-05",
        "20250106-14:30:00.123456",  # FIX is UTC
        "20250106-14:30:00.123456Z",
        "20250106-09:30:00.123456-05:00",
        "2025-01-06T09:30:00.123456",  # local
        "2025-01-06 09:30:00.123456",
        "20250106093000123456",
        "1736173800.123456",
        "1736173800123.456",
        "1736173800123456",
        "1736173800123456000",
        1736173800123456,
        1736173800123456000,
    ],
)
def test_one_moment_in_every_writing(text: object) -> None:
    assert times(text) == [MOMENT]


def test_writings_may_be_mixed_and_digits_are_not_lost() -> None:
    ns = 1736173800123456789  # beyond 2^53
    assert [each.value for each in times(str(ns), str(ns + 1))] == [ns, ns + 1]
    mixed = times("20250106-14:30:00", "2025-01-06 09:30:00", "1736173800", "20250106093000", "x")
    assert mixed[:4] == [pd.Timestamp("2025-01-06T14:30Z")] * 4
    assert pd.isna(mixed[4])
    floats = read_times(pd.Series([1736173800.25, np.nan]), "UTC")
    assert floats[0] == pd.Timestamp("2025-01-06T14:30:00.25Z")
    assert pd.isna(floats[1])
    naive = pd.Series(pd.to_datetime(["2025-07-07 09:30:00"]))
    assert read_times(naive, "America/New_York")[0] == pd.Timestamp("2025-07-07T13:30Z")
    dates = times("2025-01-06", 20250106, zone="Asia/Tokyo")
    assert dates == [pd.Timestamp("2025-01-05T15:00Z")] * 2


def test_what_is_no_time_is_none() -> None:
    skipped, repeated = "2025-03-09 02:30:00", "2025-11-02 01:30:00"
    undefined = str(2**63 - 1)
    found = times("noon", "", None, "0", "14:30", skipped, repeated, undefined, "9999-12-31")
    assert all(pd.isna(each) for each in found)
