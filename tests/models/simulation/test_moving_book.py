"""The moving book: its chain is exact, and its tape follows the chain."""

from dataclasses import fields, replace

import numpy as np
import pytest

from models.simulation.book_chain import FACTORS, MovingBook, chain_of
from models.simulation.market import LEVELS, DayTape, MarketConfig
from models.simulation.moving_book import SECOND_NS, simulate_moving_day

SYMBOLS, DAYS = 3, 10
MARKET = MarketConfig(SYMBOLS, 7, (390,) * DAYS)
SECONDS = np.arange(390 * 60)
STILL = dict.fromkeys((*FACTORS, "noise", "taken"), 0.0)
BARE = MovingBook(noise=0.0, taken=0.0, update=5.0)  # each side shows the chain's own depth
FEW = MovingBook(states=3, correlation=0.7)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 20.0, 3600.0])
def test_transitions_are_a_semigroup_that_keeps_the_stationary_law(seconds: float) -> None:
    chain = chain_of(FEW)
    one = chain.transition(seconds)
    assert one.shape == (3**4, 3**4)
    assert one.min() >= -1e-15
    np.testing.assert_allclose(one.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(
        one @ chain.transition(7.0), chain.transition(seconds + 7.0), atol=1e-12
    )
    np.testing.assert_allclose(chain.stationary @ one, chain.stationary, atol=1e-12)
    assert chain.stationary.sum() == pytest.approx(1.0, abs=1e-12)


def test_planted_moments_are_the_chain_s() -> None:
    book, chain = FEW, chain_of(FEW)
    depth = np.log(chain.depth)
    fast, slow = book.depth_fast**2, book.depth_slow**2
    away = depth - np.log(book.depth)
    assert chain.stationary @ away == pytest.approx(0.0, abs=1e-12)
    assert chain.stationary @ away**2 == pytest.approx(fast + slow)
    for seconds in (1.0, 8.0, 600.0):
        kept = fast * 0.5 ** (seconds / book.fast) + slow * 0.5 ** (seconds / book.slow)
        assert chain.autocorrelation(depth, seconds) == pytest.approx(kept / (fast + slow))
    np.testing.assert_array_equal(chain.state_of(chain.levels), np.arange(len(chain.depth)))


@pytest.fixture(scope="module")
def seen() -> np.ndarray:
    """Log spread (ticks) and log depth of the ask each second, (SYMBOLS * DAYS, 2, seconds)."""
    found = []
    for index in range(SYMBOLS):
        for day in range(DAYS):
            made = simulate_moving_day(MARKET, BARE, index, day)
            tape, rows = made.tape, made.rows_at(SECONDS * SECOND_NS)
            spread = tape.ask_px[rows, 0] - tape.bid_px[rows, 0]
            found.append(np.log([spread, tape.ask_sz[rows].sum(axis=1)]))
    return np.array(found)


@pytest.mark.parametrize("lag", [0, 1, 8, 60, 600])
@pytest.mark.parametrize("which", [0, 1])
def test_autocorrelations_on_the_tape_are_the_chain_s(
    seen: np.ndarray, which: int, lag: int
) -> None:
    chain = chain_of(BARE)
    values = np.log([chain.spread, chain.depth][which])
    mean = chain.stationary @ values
    away = seen[:, which] - mean
    variance = chain.stationary @ (values - mean) ** 2
    each = (away[:, : len(SECONDS) - lag] * away[:, lag:]).mean(axis=1) / variance
    error = each.std(ddof=1) / np.sqrt(len(each))
    assert error < 0.1
    assert abs(each.mean() - chain.autocorrelation(values, lag)) < 3 * error


@pytest.mark.parametrize("ticks", [1.0, 4.0])
def test_a_book_without_deviations_stands_still(ticks: float) -> None:
    book = MovingBook(spread=ticks, **STILL)
    made = simulate_moving_day(MARKET, book, 0, 0)
    tape = made.tape
    assert len(chain_of(book).stationary) == 1
    assert set(tape.ask_px[:, 0] - tape.bid_px[:, 0]) == {int(ticks)}
    whole = np.maximum(np.rint(book.depth * book.weights), 1)
    for sizes in (tape.bid_sz, tape.ask_sz):
        np.testing.assert_array_equal(sizes, np.tile(whole, (len(sizes), 1)))
    assert not made.missing.any()


def test_spreads_are_whole_ticks_and_levels_a_tick_apart() -> None:
    tape = simulate_moving_day(MARKET, MovingBook(spread=1.2, spread_fast=0.6), 1, 0).tape
    spread = tape.ask_px[:, 0] - tape.bid_px[:, 0]
    assert spread.dtype == np.int64
    assert (spread.min(), len(set(spread)) > 2) == (1, True)
    assert set(np.diff(tape.ask_px, axis=1).ravel()) == {1}
    assert set(np.diff(tape.bid_px, axis=1).ravel()) == {-1}
    assert min(tape.bid_sz.min(), tape.ask_sz.min()) >= 1
    assert tape.bid_sz.shape[1] == LEVELS


def contents(tape: DayTape) -> list[bytes]:
    return [getattr(tape, field.name).tobytes() for field in fields(tape)]


def test_same_seed_same_bytes() -> None:
    first = contents(simulate_moving_day(MARKET, MovingBook(), 1, 1).tape)
    assert contents(simulate_moving_day(MARKET, MovingBook(), 1, 1).tape) == first
    for market, index, day in ((replace(MARKET, seed=8), 1, 1), (MARKET, 0, 1), (MARKET, 1, 0)):
        other = contents(simulate_moving_day(market, MovingBook(), index, day).tape)
        assert not set(other) & set(first)


def test_what_trades_take_is_missing_and_halves_every_refill() -> None:
    depth = 1e8  # so deep that no trade meets the limit of what may be missing
    book = MovingBook(depth=depth, **(STILL | {"taken": 0.6}), refill=4.0)
    made = simulate_moving_day(MARKET, book, 0, 0)
    tape = made.tape
    kept = 0.5 ** (np.diff(tape.quote_ns) / SECOND_NS / 4.0)
    for side, sign, sizes in ((0, -1, tape.bid_sz), (1, 1, tape.ask_sz)):
        missing, hit = made.missing[:, side], tape.trade_sign == sign
        added = missing[1:] - missing[:-1] * kept
        assert missing[0] == 0
        assert added.min() > -1e-6
        assert (added > 0.5).sum() == hit.sum()
        assert added.sum() == pytest.approx(0.6 * tape.trade_size[hit].sum(), rel=1e-9)
        shown = sizes.sum(axis=1)
        np.testing.assert_allclose(shown, depth - missing, atol=LEVELS)


@pytest.mark.parametrize(
    ("name", "value"), [("k", 1.0), ("states", 1), ("taken", 1.1), ("refill", 0.0), ("fast", 0.0)]
)
def test_a_parameter_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} = "):
        MovingBook(**{name: value})
