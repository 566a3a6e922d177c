"""The control that decides on another book than it meets."""

from dataclasses import dataclass, replace

import numpy as np

from solver.execution import Band, Blind, Child, Decider, Past, Seen

HOUR = 60


@dataclass(frozen=True)
class Greedy:
    """Takes as many shares as the spread has hundredths, up to it; notes what it saw."""

    first: int = 0
    every: int = 10

    def learned(self, seen: Seen) -> "Greedy":
        return replace(self, first=seen.moment)

    def decide(self, seen: Seen) -> Child:
        return Child(round(100 * seen.spread), limit=seen.spread)


def seen(moment: int, spread: np.ndarray) -> Seen:
    number = np.arange(len(spread)) - len(spread) + 1 + moment
    ladder = np.outer(spread / 2, np.ones(3))
    past = Past(number, ladder, np.ones_like(ladder), spread, 0 * spread, 0 * spread)
    return Seen(
        moment, 100, 1000.0, 1000.0, ladder[-1], np.ones(3), float(spread[-1]), 0.0, 0.0, past
    )


def test_the_present_book_and_those_beyond_the_reach_are_not_seen() -> None:
    spread = np.arange(1, HOUR + 1) / 100  # each moment's own
    policy = Blind(Greedy(), back=30, seed=0)
    asked = [policy.learned(seen(at, spread)).decide(seen(at, spread)) for at in range(200)]
    shares = {round(one.shares) for one in asked}
    assert shares == set(range(HOUR - 30, HOUR))  # the 30 before the present one, which has 60
    assert all(one.limit == np.inf for one in asked)


def test_without_an_earlier_book_it_waits_and_the_band_catches_up() -> None:
    only = seen(0, np.array([0.02]))
    assert Blind(Greedy(), 30, 0).learned(only).decide(only).shares == 0
    late = replace(only, moment=99)
    assert Decider(Blind(Greedy(), 30, 0), Band(0.1)).decide(late).shares == 1000
