"""Paired differences by hand, and what their intervals cover on simulated markets."""

import numpy as np
import pytest

from benchmarks.paired import NAIVE, WITHIN, WORLDS, coverage
from models.tca.paired import FEWEST, Blocks, PairedDifference, block_count, paired_difference
from models.tca.runs import Run
from models.tca.shortfall import Fills


def run(time: list[float], shares: list[float], over_mid: list[float], sign: int = 1) -> Run:
    return Run(np.array(time), np.array(shares), np.array(over_mid), sign, 100.0)


def of_blocks(shares: list[float], cost: list[float]) -> Run:
    return run([10.0 * block + 5 for block in range(len(shares))], shares, cost)


def test_by_hand() -> None:
    # costs a share: .03 and .05; blocks add (c - r s) / S of each
    policy = of_blocks([4.0, 0.0, 2.0, 2.0, 2.0], [0.08, 0.0, 0.08, 0.06, 0.08])
    yardstick = of_blocks([2.0] * 5, [0.10, 0.14, 0.10, 0.06, 0.10])
    found = paired_difference([policy], [yardstick], Blocks(0.0, 50.0, 5))
    assert (found.policy, found.yardstick) == pytest.approx((3.0, 5.0))
    added = np.array([-4.0, 0.0, 2.0, 0.0, 2.0]) - [0.0, 4.0, 0.0, -4.0, 0.0]
    assert found.error == pytest.approx(np.sqrt(5 / 4 * np.sum((added / 10) ** 2)))
    assert found.reach == pytest.approx(2.7764451 * found.error)  # t with 4 degrees of freedom
    assert (found.lower + found.upper) / 2 == pytest.approx(-2.0)
    assert found.verdict == "undecided"  # 2.776 x .837 is more than 2


def test_shares_moved_between_blocks_at_the_same_price_are_no_difference() -> None:
    yardstick = of_blocks([2.0] * 6, [0.10] * 6)
    policy = of_blocks([4.0, 1.0, 1.0, 3.0, 0.0, 3.0], [0.20, 0.05, 0.05, 0.15, 0.0, 0.15])
    found = paired_difference([policy], [yardstick], Blocks(0.0, 60.0, 6))
    assert found.difference == pytest.approx(0.0, abs=1e-12)
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_runs_of_one_tape_are_no_replications() -> None:
    rng = np.random.default_rng(0)
    pair = [of_blocks([2.0] * 8, list(rng.uniform(0.05, 0.1, 8))) for _ in range(2)]
    blocks = Blocks(0.0, 80.0, 8)
    once = paired_difference(pair[:1], pair[1:], blocks)
    again = paired_difference(pair[:1] * 10, pair[1:] * 10, blocks)
    assert again.error == pytest.approx(once.error, rel=1e-12)


def test_verdicts() -> None:
    assert PairedDifference(1.0, 2.0, 0.1, 6).verdict == "saves"
    assert PairedDifference(2.0, 1.0, 0.1, 6).verdict == "costs"
    assert PairedDifference(1.0, 2.0, 0.5, 6).verdict == "undecided"
    assert PairedDifference(1.0, 2.0, 0.4, 6).verdict == "undecided"  # 2.57 of t, not 1.96
    assert PairedDifference(1.0, 2.0, 0.4, 60).verdict == "saves"


def test_too_few_blocks_decide_nothing() -> None:
    policy, yardstick = (of_blocks([2.0] * 8, [cost] * 8) for cost in (0.01, 0.1))
    found = paired_difference([policy], [yardstick], Blocks(0.0, 80.0, FEWEST - 1))
    assert found.difference == pytest.approx(-4.5)
    assert np.isnan(found.error)
    assert found.verdict == "undecided"
    one = paired_difference([policy], [yardstick], Blocks(0.0, 80.0, 1))
    assert one.verdict == "undecided"


@pytest.mark.parametrize(
    ("horizon", "slack", "count"),
    [(18_000.0, 0.1, 6), (18_000.0, 0.05, 13), (18_000.0, 0.0, 20), (600.0, 0.1, 1)],
)
def test_blocks_are_longer_than_the_slack(horizon: float, slack: float, count: int) -> None:
    assert block_count(horizon, slack) == count
    assert Blocks.within(50.0, 50.0 + horizon, slack).count == count
    assert count == 1 or horizon / count > slack * horizon


def test_blocks_hold_their_first_time_and_the_last_its_end() -> None:
    blocks = Blocks(100.0, 200.0, 4)
    sums = blocks.sums(np.array([100.0, 124.9, 125.0, 199.0, 200.0]), np.arange(1.0, 6.0))
    assert sums.tolist() == [3.0, 3.0, 0.0, 9.0]
    for time in (99.9, 200.1):
        with pytest.raises(ValueError, match="outside"):
            blocks.sums(np.array([time]), np.ones(1))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one run"):
        paired_difference([], [of_blocks([1.0], [1.0])], Blocks(0.0, 10.0, 1))
    with pytest.raises(ValueError, match="without fills"):
        run([], [], [])
    with pytest.raises(ValueError, match="one entry a fill"):
        run([1.0], [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="0 blocks"):
        Blocks(0.0, 10.0, 0)


def test_a_run_of_fills() -> None:
    fills = Fills(
        *(np.array(each) for each in ([30.0, 10.0], [99.0, 98.0], [99.5] * 2, [100.0] * 2))
    )
    sold = Run.of(fills, np.array([1.0, 2.0]), -1, 100.0)
    assert sold.over_mid.tolist() == [30.0, 20.0]
    assert sold.cost == pytest.approx(1e4 * 50 / 40 / 100)


@pytest.mark.parametrize("name", ["minutes", "narrow band"])
def test_intervals_by_blocks_cover_and_naive_ones_do_not(name: str) -> None:
    """The light form of `python -m benchmarks.paired`: nominal 95 %."""
    blocks, fills, runs = coverage(WORLDS[name], 300)
    assert WITHIN[0] <= blocks <= WITHIN[1]
    assert max(fills, runs) < NAIVE
