"""Choices made on the past alone, orders compared alike, costs averaged before they are counted."""

from dataclasses import replace

import numpy as np
import pytest

from models.tca.paired import Blocks
from models.tca.runs import Run
from pipeline.evaluation.candidates import FIRST_QUANTILE, NESTED, QUANTILES
from pipeline.evaluation.replayed import Worked
from pipeline.evaluation.verdicts import ALL_SIZES, nested_quantile, rows_of

DATES, SIZES, SIDES = ("d1", "d2", "d3", "d4"), (0.01, 0.05), ("buy", "sell")
NAMES = ("twap", "clairvoyant", *(f"{NESTED}:{each}" for each in QUANTILES))
BLOCKS = Blocks(0.0, 600.0, 6)


def run_of(cost: float) -> Run:
    """Return a run that costs so many bps."""
    time = np.arange(5.0, 600.0, 60.0)
    return Run(time, np.ones(10), np.full(10, cost * 1e-4 * 100.0), 1, 100.0)


def orders(seed: int = 0, symbols: tuple[str, ...] = ("A", "B")) -> list[Worked]:
    rng = np.random.default_rng(seed)
    return [
        Worked(symbol, date, size, side, 100.0, "by_price", name, 0.0, run_of(rng.uniform(1, 3)))
        for symbol in symbols
        for date in DATES
        for size in SIZES
        for side in SIDES
        for name in NAMES
    ]


def test_a_quantile_is_that_of_the_days_before() -> None:
    worked = orders()
    kept, chosen = nested_quantile(worked)
    assert {each.name for each in kept} == {"twap", "clairvoyant", NESTED}
    for size in SIZES:
        assert chosen[size, "d1"] == f"{NESTED}:{FIRST_QUANTILE}"
        for place, date in enumerate(DATES[1:], start=1):
            past = [each for each in worked if each.size == size and each.date in DATES[:place]]
            cost = {
                name: np.mean([each.run.cost for each in past if each.name == name])
                for name in NAMES[2:]
            }
            assert chosen[size, date] == min(cost, key=lambda name: cost[name])


def test_a_later_day_changes_no_earlier_choice() -> None:
    worked = orders()
    later = [
        replace(each, run=run_of(9.0 / each.run.cost)) if each.date >= "d3" else each
        for each in worked
    ]
    before, after = nested_quantile(worked), nested_quantile(later)
    for date in DATES[:3]:
        assert [before[1][size, date] for size in SIZES] == [after[1][size, date] for size in SIZES]
    assert before[1] != after[1]


def test_days_are_means_over_symbols_sides_and_sizes() -> None:
    worked, _ = nested_quantile(orders())
    rows = {(row.size, row.judged.name): row for row in rows_of(worked, BLOCKS)}
    for size in (ALL_SIZES, *SIZES):
        some = [each for each in worked if size in (ALL_SIZES, each.size)]
        by_day = {
            name: [
                np.mean([o.run.cost for o in some if (o.name, o.date) == (name, date)])
                for date in DATES
            ]
            for name in ("twap", NESTED)
        }
        saving = np.subtract(by_day["twap"], by_day[NESTED])
        row = rows[size, NESTED]
        assert row.judged.saving == pytest.approx(saving.mean())
        assert row.judged.error == pytest.approx(saving.std(ddof=1) / 2)
        assert row.orders == len(some) / 3
        assert row.judged.clusters == 4


def test_an_order_that_one_could_not_fill_is_compared_for_none() -> None:
    worked, _ = nested_quantile(orders())
    place = next(i for i, each in enumerate(worked) if each.name == NESTED)
    broken = worked[place]
    worked[place] = replace(broken, run=None, unfilled=100.0)
    rows = {(row.size, row.judged.name): row for row in rows_of(worked, BLOCKS)}
    full = len(DATES) * len(SIDES) * 2
    assert rows[broken.size, "twap"].orders == full - 1
    other = next(size for size in SIZES if size != broken.size)
    assert rows[other, "twap"].orders == full


def test_one_day_takes_its_errors_by_block() -> None:
    worked, _ = nested_quantile([each for each in orders() if each.date == "d1"])
    assert {row.judged.clusters for row in rows_of(worked, BLOCKS)} == {BLOCKS.count}
