"""The value of waiting against brute force, and what the policy built on it costs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from solver import ProblemError
from solver.execution import (
    Band,
    BooksToCome,
    Cells,
    Child,
    Holding,
    Past,
    Scheduled,
    Seen,
    SpreadStates,
    TakeOrWait,
    Waiting,
    cells_of,
    decision,
    waiting_slopes,
)
from solver.execution.value import mean_merged

STICKY = np.array([[0.9, 0.1], [0.2, 0.8]])
INDEPENDENT = np.full((2, 2), 0.5)
NOBODY = Past(np.empty(0, dtype=np.int64), *(np.empty((0, 0)),) * 2, *(np.empty(0),) * 3)


@dataclass(frozen=True)
class Market:
    """Books of two states, four each, equally likely, and an order. Shapes: (2, 4, K).

    swing: how much dearer than 1 the day's middle is, and its ends are cheaper.
    """

    over: np.ndarray
    size: np.ndarray
    transition: np.ndarray
    band: Band = field(default_factory=lambda: Band(0.2))
    shares: int = 80
    moments: int = 25
    swing: float = 0.0

    @property
    def level(self) -> np.ndarray:
        """Return what multiplies the prices of each moment."""
        return 1.0 - self.swing * np.cos(2 * np.pi * np.arange(self.moments) / self.moments)

    def seen(self, moment: int, left: float, place: tuple[int, int]) -> Seen:
        """Return a moment; the spread tells the state."""
        level = self.level[moment]
        over, size, spread = self.over[place] * level, self.size[place], (1.0 + place[0]) * level
        shares = float(self.shares)
        return Seen(moment, self.moments, shares, left, over, size, spread, 0.0, 0.0, NOBODY)

    def expected(self, trade: Callable[[Seen, np.ndarray, np.ndarray], int]) -> float:
        """Return the expected cost of the order under trades x(seen, c, W), the state drawn.

        c: cost of 0, 1, ... shares now; W: of what is then left, by shares left.
        """
        later = np.zeros((2, self.shares + 1))
        for moment in reversed(range(self.moments)):
            now = np.zeros_like(later)
            after = self.transition @ later
            for state, book in np.ndindex(2, 4):
                cost = self.cost((state, book)) * self.level[moment]
                for left in range(self.shares + 1):
                    seen = self.seen(moment, float(left), (state, book))
                    x = trade(seen, cost, after[state])
                    now[state, left] += (cost[x] + after[state, left - x]) / 4
            later = now
        return float(later[:, -1].mean())

    def cost(self, place: tuple[int, int]) -> np.ndarray:
        """Return the cost of 0, 1, ... shares of a book."""
        each = np.repeat(self.over[place], self.size[place].astype(int))[: self.shares]
        return np.concatenate([[0.0], np.cumsum(each)])

    def least(self) -> float:
        """Return the least expected cost that the band allows, over all trades in whole shares."""

        def best(seen: Seen, cost: np.ndarray, after: np.ndarray) -> int:
            low, high = (int(each) for each in self.band.limits(seen))
            x = np.arange(low, high + 1)
            return int(x[np.argmin(cost[x] + after[int(seen.left) - x])])

        return self.expected(best)

    def of(self, policy: Waiting | Scheduled) -> float:
        """Return the expected cost of a policy whose orders are filled as it sees the book."""

        def taken(seen: Seen, cost: np.ndarray, after: np.ndarray) -> int:
            return int(decision(policy, self.band, seen).shares)

        return self.expected(taken)

    def past(self, rng: np.random.Generator, number: int = 360) -> Past:
        """Return an hour of it."""
        state = np.zeros(number, dtype=np.int64)
        for at in range(1, number):
            state[at] = rng.random() < self.transition[state[at - 1], 1]
        book = rng.integers(0, 4, number)
        flat = np.zeros(number)
        over, size = self.over[state, book], self.size[state, book]
        return Past(np.arange(1 - number, 1), over, size, 1.0 + state, flat, flat)


def market(seed: int, transition: np.ndarray) -> Market:
    """Return books whose second state is about twice as dear as the first."""
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 2.0])[:, None, None] * rng.uniform(0.5, 1.5, (2, 4, 1))
    over = scale * (1.0 + np.cumsum(rng.uniform(0.1, 0.6, (2, 4, 3)), axis=2))
    size = rng.integers(1, 9, (2, 4, 3)).astype(np.float64)
    size[:, :, -1] = 1e3
    return Market(over, size, transition)


def known(made: Market, number: int) -> Waiting:
    """Return the value of waiting where books and chain are known."""
    cells = Cells.of(made.band, float(made.shares), made.moments, number)
    flat = (made.over.reshape(8, -1), made.size.reshape(8, -1))
    price = cells_of(*flat, cells.step, cells.reach)
    books = BooksToCome(price, np.repeat([0, 1], 4), made.transition, made.level)
    states = SpreadStates(np.array([1.5]), made.transition)
    return Waiting(waiting_slopes(books, cells, 0), cells, states, made.level, 0)


def brute_force(made: Market, cells: Cells, holding: Holding) -> list[np.ndarray]:
    """Return W_t(r + 1) - W_t(r) by trying every trade, (2, r) a moment."""
    later, found = np.zeros((2, made.shares + 1)), []
    kept = np.arange(made.shares + 1)
    for moment in reversed(range(made.moments)):
        psi = holding.drift * kept + holding.risk * kept**2
        last = moment == made.moments - 1
        waits = (0.0 if last else 1.0) * (made.transition @ later + psi)
        low, high = cells.low[moment], cells.high[moment]
        waits[:, (kept < low) | (kept > high)] = np.inf
        found.append(np.diff(waits[:, low : high + 1], axis=1))
        later = np.zeros_like(later)
        for state, book in np.ndindex(2, 4):
            cost = made.cost((state, book)) * made.level[moment]
            for left in kept:
                x = np.arange(left + 1)
                later[state, left] += (cost[x] + waits[state, left - x]).min() / 4
        later[~np.isfinite(later)] = 1e9
    return found[::-1]


@pytest.mark.parametrize("holding", [Holding(), Holding(0.02, 0.003)])
@pytest.mark.parametrize("slack", [0.15, 1.0])
@pytest.mark.parametrize("swing", [0.0, 0.6])
def test_the_slopes_are_those_of_brute_force_and_never_fall(
    swing: float, slack: float, holding: Holding
) -> None:
    made = replace(market(1, STICKY), shares=20, moments=6, band=Band(slack), swing=swing)
    cells = Cells.of(made.band, 20.0, 6, number=20)
    assert cells.step == 1.0
    price = cells_of(made.over.reshape(8, -1), made.size.reshape(8, -1), 1.0, cells.reach)
    books = BooksToCome(price, np.repeat([0, 1], 4), STICKY, made.level)
    slopes = waiting_slopes(books, cells, 0, holding)
    for ours, theirs in zip(slopes, brute_force(made, cells, holding), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-9)
        assert (np.diff(ours, axis=1) >= -1e-12).all()
    later = waiting_slopes(books, cells, 3, holding)
    assert [one.tolist() for one in later] == [one.tolist() for one in slopes[3:]]


@pytest.mark.parametrize(("seed", "swing"), [(2, 0.0), (3, 0.0), (2, 0.5)])
def test_where_the_chain_is_known_it_is_within_two_per_cent_of_the_optimum(
    seed: int, swing: float
) -> None:
    made = replace(market(seed, STICKY), swing=swing)
    least, even = made.least(), made.of(Scheduled.even(made.moments))
    found = made.of(known(made, number=16))  # cells of two shares
    assert least <= found * (1 + 1e-9)
    assert found < 1.02 * least < even


def test_independent_books_lose_nothing_to_states_that_do_not_matter() -> None:
    made = market(4, INDEPENDENT)
    least = made.least()
    first = replace(made.seen(0, 80.0, (0, 0)), past=made.past(np.random.default_rng(0)))
    learned = TakeOrWait(made.band, states=2).learned(first)
    assert made.of(learned) < 1.02 * least


def test_a_forecast_of_the_day_is_worth_what_it_knows() -> None:
    made = replace(market(4, STICKY), swing=0.5, band=Band(0.4))
    hour = made.past(np.random.default_rng(6))
    first = replace(made.seen(0, float(made.shares), (0, 0)), past=hour)
    start = made.level[0]  # the hour before the order is as dear as its start
    first = replace(first, past=replace(hour, over=hour.over * start, spread=hour.spread * start))
    flat = made.of(TakeOrWait(made.band, states=2).learned(first))
    told = made.of(TakeOrWait(made.band, states=2, level=made.level).learned(first))
    assert made.least() <= told < 0.95 * flat


def test_a_constant_book_costs_what_twap_costs() -> None:
    over, size = np.array([1.0, 1.5, 3.0]), np.array([5.0, 20.0, 1e6])
    hour = Past(
        np.arange(-99, 1),
        *(np.tile(one, (100, 1)) for one in (over, size)),
        np.full(100, 2.0),
        np.zeros(100),
        np.zeros(100),
    )
    for shares in (240.0, 480.0):  # 4 and 8 shares a moment

        def cost(policy: Waiting | Scheduled, shares: float = shares) -> float:
            left, paid = shares, 0.0
            for moment in range(60):
                seen = Seen(moment, 60, shares, left, over, size, 2.0, 0.0, 0.0, hour)
                child = decision(policy, Band(), seen)
                before = np.cumsum(size) - size
                paid += float(np.clip(child.shares - before, 0.0, size) @ over)
                left -= child.shares
            assert left == 0
            return paid

        first = Seen(0, 60, shares, shares, over, size, 2.0, 0.0, 0.0, hour)
        assert cost(TakeOrWait().learned(first)) < 1.01 * cost(Scheduled.even(60))


def test_a_share_is_taken_while_its_price_is_below_the_value_of_waiting() -> None:
    made = market(5, STICKY)
    learned = known(made, number=32)
    for moment in (0, 10, 20):
        for left in range(10, 80, 7):
            seen = made.seen(moment, float(left), (0, left % 4))
            must, most = made.band.limits(seen)
            child = learned.decide(seen)
            if not most or must >= child.shares > 0:
                continue  # the band alone decides
            if child.shares:
                deepest = int(np.searchsorted(np.cumsum(seen.size), child.shares - 1e-9))
                assert seen.over[deepest] <= child.limit
                assert learned.value(seen, left - child.shares) >= child.limit
            else:
                assert seen.over[0] >= learned.value(seen, left - 1.0)
    assert learned.value(made.seen(0, 0.0, (0, 0))) == -np.inf
    assert learned.value(made.seen(24, 5.0, (0, 0))) == np.inf
    assert learned.decide(made.seen(24, 5.0, (0, 0))) == Child(5.0)


def test_states_are_counted_from_moment_to_next_moment() -> None:
    flat = np.zeros(6)
    number = np.array([-6, -5, -4, -3, -1, 0])  # a moment without a book lies between
    spread = np.array([1.0, 1.0 + 1e-9, 2.0, 1.0, 2.0, 2.0])
    past = Past(number, np.zeros((6, 1)), np.ones((6, 1)), spread, flat, flat)
    states = SpreadStates.of(past, 2)
    assert states.state(spread).tolist() == [0, 0, 1, 0, 1, 1]
    assert states.transition == pytest.approx(np.array([[1.5 / 3, 1.5 / 3], [1.5 / 3, 1.5 / 3]]))
    one = SpreadStates.of(replace(past, spread=np.ones(6)), 3)
    assert one.transition.tolist() == [[1.0]]


def test_books_must_fit_their_states() -> None:
    with pytest.raises(ProblemError, match="each of the L states"):
        BooksToCome(np.ones((2, 3)), np.array([0, 0]), np.eye(2), np.ones(9))
    with pytest.raises(ProblemError, match="one entry a book"):
        BooksToCome(np.ones((2, 3)), np.array([0]), np.eye(1), np.ones(9))


@pytest.mark.parametrize("seed", range(20))
def test_the_compiled_merge_is_the_sorted_union(seed: int) -> None:
    pytest.importorskip("numba", reason="needs numba")
    rng = np.random.default_rng(seed)
    books, cells, kept = rng.integers(1, 9), rng.integers(1, 12), rng.integers(0, 15)
    price = np.sort(rng.integers(0, 9, (books, cells)) / 4.0, axis=1)  # with ties
    waiting = np.sort(rng.integers(0, 9, kept) / 4.0)
    end = int(rng.integers(1, cells + kept + 1))
    begin = int(rng.integers(0, end))
    union = np.sort(np.hstack([price, np.tile(waiting, (books, 1))]), axis=1)
    expected = union.mean(axis=0)[begin:end]
    for compiled in (True, False):
        found = mean_merged(price, waiting, (begin, end), compiled)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
