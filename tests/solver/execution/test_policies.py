"""Policies and their band at moments made by hand."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from solver import ProblemError
from solver.execution import (
    Band,
    Child,
    Decider,
    Participation,
    Past,
    PooledSupply,
    Scheduled,
    Seen,
    Threshold,
    WaitingTwap,
    decision,
)

PAST = Past(
    moment=np.array([-2, -1, 0]),
    over=np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 3.0]]),
    size=np.full((3, 2), 10.0),
    spread=np.array([2.0, 6.0, 4.0]),
    mid=np.full(3, 100.0),
    tilt=np.zeros(3),
)
SEEN = Seen(
    moment=0,
    moments=10,
    shares=100.0,
    left=100.0,
    over=np.array([2.0, 3.0]),
    size=np.array([10.0, 10.0]),
    spread=4.0,
    tilt=0.0,
    volume=0.0,
    past=PAST,
)


class Wants:
    """Wants the same at every moment."""

    def __init__(self, shares: float) -> None:
        self.shares = shares

    def decide(self, seen: Seen) -> Child:
        return Child(self.shares, 2.0)


def worked(policy: Wants | Scheduled, band: Band) -> list[float]:
    """Return what is sent when every order is filled."""
    left, sent = 100.0, []
    for moment in range(10):
        child = decision(policy, band, replace(SEEN, moment=moment, left=left))
        sent.append(child.shares)
        left -= child.shares
    return sent


def test_the_band_holds_back_pushes_on_and_closes_at_the_horizon() -> None:
    assert worked(Wants(0.0), Band(0.2)) == [0, 0, 10, 10, 10, 10, 10, 10, 20, 20]
    assert worked(Wants(1e9), Band(0.2)) == [30, 10, 10, 10, 10, 10, 10, 10, 0, 0]
    assert worked(Wants(0.0), Band(0.0)) == [10] * 10


def test_only_what_the_band_demands_has_no_limit() -> None:
    child = decision(Wants(15.0), Band(0.2), replace(SEEN, moment=2))
    assert child == Child(15.0, 2.0, 10.0)


def test_schedules_catch_up_with_what_is_due() -> None:
    assert worked(Scheduled.even(10), Band(1.0)) == [10] * 10
    weights = Scheduled.by_weight(np.array([1.0, 3.0]))
    assert weights.decide(replace(SEEN, moments=2)).shares == 25
    assert weights.decide(replace(SEEN, moment=1, moments=2, left=90.0)).shares == 90
    with pytest.raises(ProblemError, match="rising to 1"):
        Scheduled([0.5, 0.4, 1.0])


def test_participation_follows_the_volume_traded_so_far() -> None:
    policy = Participation(4_000.0)
    assert policy.decide(SEEN).shares == 0
    assert policy.decide(replace(SEEN, volume=1_000.0, left=90.0)).shares == 15
    assert policy.decide(replace(SEEN, volume=9_000.0, left=90.0)).shares == 90


def test_a_waiting_twap_takes_its_block_at_a_tight_spread_or_at_its_end() -> None:
    policy = WaitingTwap(every=5, quantile=0.5)  # the median of the last hour's spreads is 4
    assert policy.decide(SEEN).shares == 50
    assert policy.decide(replace(SEEN, spread=4.5)).shares == 0
    assert policy.decide(replace(SEEN, spread=4.5, moment=4)).shares == 50
    assert policy.decide(replace(SEEN, moment=3, left=50.0)).shares == 0


def test_a_threshold_takes_the_best_size_at_its_price() -> None:
    assert Threshold(0.5).decide(SEEN) == Child(10.0, 2.0)
    assert Threshold(0.4).decide(SEEN).shares == 0


def test_the_pooled_supply_is_marginal_by_hand() -> None:
    # three moments are to come and three books are known, so each of them counts once
    now = replace(SEEN, moment=6)
    for left, price, shares in ((10.0, 1.0, 0), (25.0, 2.0, 10), (60.0, 3.0, 20), (1e4, 4.0, 20)):
        child = PooledSupply().decide(replace(now, left=left))
        assert child.limit == pytest.approx(price, rel=1e-5)
        assert child.shares == shares
    last = PooledSupply().decide(replace(SEEN, moment=9, left=5.0))  # nothing is to come
    assert last.limit == pytest.approx(2.0, rel=1e-5)


@dataclass(frozen=True)
class Number:
    """Wants as many shares as the moment of its lesson."""

    first: int

    def decide(self, seen: Seen) -> Child:
        return Child(float(self.first))


class Counting:
    """Learns the number of the moment."""

    every = 3

    def learned(self, seen: Seen) -> Number:
        return Number(seen.moment)


def test_a_lesson_is_learned_once_a_stretch_and_can_be_handed_on() -> None:
    def lessons(moments: list[int], learned: Number | None = None) -> list[int]:
        decider = Decider(Counting(), Band(1.0), learned)
        found = []
        for moment in moments:
            seen = replace(SEEN, moment=moment, moments=100)
            if moment % 2:
                decider.learn(seen)  # apart from the decision, or with it
            shares = decider.decide(seen).shares
            assert decider.learned is not None
            assert shares == decider.learned.first
            found.append(int(shares))
        return found

    assert lessons(list(range(7))) == [0, 0, 0, 3, 3, 3, 6]
    assert lessons([0, 2, 4, 5, 6]) == [0, 0, 4, 4, 6]  # moment 3 had no book
    assert lessons([4, 5, 6], Number(3)) == [3, 3, 6]
    assert lessons([7, 8], Number(5)) == [7, 7]
    plain = Decider(Wants(7.0), Band(1.0), Number(5))
    assert not plain.learn(SEEN)
    assert plain.learned is None
    assert plain.decide(SEEN).shares == 7
