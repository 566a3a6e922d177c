"""The simulated market against what it claims to have planted."""

import numpy as np
import pytest

from models.simulation.market import (
    LEVELS,
    TICK,
    DayTape,
    MarketConfig,
    simulate_day,
    simulate_truth,
    size_moments,
)

CONFIG = MarketConfig(symbols=3, seed=7, periods=(390, 210, 390, 390, 390, 390))


def walk(prices: list[int], sizes: list[int], shares: int, mid: float) -> float | None:
    """Return the cost over mid of taking `shares` level by level, None when the levels run out."""
    cost, left = 0.0, shares
    for price, size in zip(prices, sizes, strict=True):
        taken = min(size, left)
        cost += taken * abs(price * TICK - mid)
        left -= taken
        if not left:
            return cost
    return None


def last_mids(tape: DayTape, periods: int) -> np.ndarray:
    """Return the mid at the open and at each period's end, shape (periods + 1,)."""
    at = np.searchsorted(tape.quote_ns, np.arange(1, periods + 1) * CONFIG.period_ns) - 1
    mid = (tape.bid_px[:, 0] + tape.ask_px[:, 0]) / 2 * TICK
    return np.append(mid[0], mid[at])


@pytest.fixture(scope="module")
def flow() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Per symbol: the mid's change, net signed volume and planted sigma of every period."""
    found = []
    for index in range(CONFIG.symbols):
        truth, rows = simulate_truth(CONFIG, index), []
        for day, periods in enumerate(CONFIG.periods):
            tape = simulate_day(CONFIG, index, day)
            signed = np.zeros(periods)
            np.add.at(signed, tape.trade_ns // CONFIG.period_ns, tape.trade_sign * tape.trade_size)
            rows.append((np.diff(last_mids(tape, periods)), signed, truth.days[day].sigma))
        found.append(tuple(map(np.concatenate, zip(*rows, strict=True))))
    return found


@pytest.mark.parametrize("index", range(3))
def test_walking_the_book_costs_the_planted_law(index: int) -> None:
    truth, tape = simulate_truth(CONFIG, index), simulate_day(CONFIG, index, 1)
    day = truth.days[1]
    sizes = (5, 30, 150, 400, 900)
    paid, planted = np.zeros(len(sizes)), np.zeros(len(sizes))
    for row, ts in enumerate(tape.quote_ns):
        scale = day.scale[ts // CONFIG.period_ns]
        if ((LEVELS - 1) * TICK / (scale * truth.k)) ** (1 / (truth.k - 1)) < sizes[-1] + 1:
            continue  # in such a thin period some of these books would run out
        mid = (tape.bid_px[row, 0] + tape.ask_px[row, 0]) / 2 * TICK
        for column, shares in enumerate(sizes):
            for prices, held in ((tape.bid_px, tape.bid_sz), (tape.ask_px, tape.ask_sz)):
                cost = walk(prices[row].tolist(), held[row].tolist(), shares, mid)
                assert cost is not None
                paid[column] += cost - truth.half_spread * shares
                planted[column] += scale * shares**truth.k
    assert planted.min() > 0
    np.testing.assert_allclose(paid / planted, 1.0, atol=0.01)


def test_books_are_well_formed() -> None:
    for index in range(3):
        truth, tape = simulate_truth(CONFIG, index), simulate_day(CONFIG, index, 0)
        spread = (tape.ask_px[:, 0] - tape.bid_px[:, 0]) * TICK
        np.testing.assert_allclose(spread, 2 * truth.half_spread, rtol=1e-9)
        for prices, held, way in ((tape.bid_px, tape.bid_sz, -1), (tape.ask_px, tape.ask_sz, 1)):
            assert held[:, 0].min() >= 1
            shown = held > 0
            assert (np.diff(shown.astype(int), axis=1) <= 0).all()  # empty levels are the last ones
            assert (prices[~shown] == -1).all()
            away = (prices - prices[:, :1]) * way
            assert (np.diff(away, axis=1)[shown[:, 1:]] >= 1).all()
            assert away[shown].max() < LEVELS


def test_price_variance_and_impact_are_the_planted_ones(flow: list[tuple[np.ndarray, ...]]) -> None:
    for index, (change, signed, sigma) in enumerate(flow):
        gamma = simulate_truth(CONFIG, index).gamma
        scaled = (change / sigma) ** 2
        assert (
            abs(scaled.mean() - 1) < 4 * scaled.std() / len(scaled) ** 0.5 + 0.02
        )  # the tick adds up to 2 %
        slope = signed @ change / (signed @ signed)
        error = np.sqrt(np.sum((signed * (change - slope * signed)) ** 2)) / (signed @ signed)
        assert abs(slope - gamma) < 4 * error
        assert error < 0.05 * gamma
        drift = change.mean() / (change.std() / len(change) ** 0.5)
        assert abs(drift) < 4


def test_trades_have_the_planted_volume_and_no_side() -> None:
    first, second = size_moments()
    for index in range(3):
        truth, tape = simulate_truth(CONFIG, index), simulate_day(CONFIG, index, 3)
        expected = truth.days[3].volume.sum()
        deviation = np.sqrt(expected / first * second)
        assert abs(tape.trade_size.sum() - expected) < 4 * deviation
        assert abs((tape.trade_sign * tape.trade_size).sum()) < 4 * deviation
        assert set(tape.trade_sign) == {-1, 1}
        assert tape.trade_size.min() >= 1


def test_size_moments_are_the_lognormal_s() -> None:
    first, second = size_moments()
    assert first == pytest.approx(800, rel=1e-4)
    assert second == pytest.approx(800**2 * np.exp(0.8**2) + 1 / 12, rel=1e-3)


def test_paths_keep_their_identities() -> None:
    second_over_first = 800 * np.exp(0.8**2)
    for index in range(3):
        truth = simulate_truth(CONFIG, index)
        assert [len(day.v) for day in truth.days] == list(CONFIG.periods)
        assert np.concatenate([day.v for day in truth.days]).mean() == pytest.approx(1)
        assert np.concatenate([day.liquidity for day in truth.days]).mean() == pytest.approx(1)
        for day in truth.days:
            flow = day.sigma**2 - day.eta**2
            np.testing.assert_allclose(
                flow, truth.gamma**2 * day.volume * second_over_first, rtol=2e-3
            )
            law = truth.alpha[: len(day.v)] * (1 + truth.beta * day.v) * day.liquidity
            np.testing.assert_allclose(day.scale, law)
        assert abs(truth.alpha / truth.alpha.mean() - 1).max() <= 0.15 + 1e-9


def test_volatility_and_volume_are_u_shaped_and_persistent() -> None:
    long = simulate_truth(MarketConfig(1, 3, (390,) * 400), 0)
    for name in ("sigma", "volume"):
        paths = np.log([getattr(day, name) for day in long.days])
        profile = paths.mean(axis=0)
        assert profile[:20].mean() > profile[150:240].mean() + 0.2
        assert profile[-20:].mean() > profile[150:240].mean() + 0.1
        levels = paths.mean(axis=1)
        assert np.corrcoef(levels[:-1], levels[1:])[0, 1] > 0.4
        inside = paths - profile - levels[:, None]
        assert np.corrcoef(inside[:, :-1].ravel(), inside[:, 1:].ravel())[0, 1] > 0.9
        assert (
            np.corrcoef(inside[:, :-150].ravel(), inside[:, 150:].ravel())[0, 1] < 0.3
        )  # it reverts


def test_times_are_in_order_and_answers_in_their_period() -> None:
    tape = simulate_day(CONFIG, 0, 1)
    assert tape.quote_ns[0] == 0
    assert (np.diff(tape.quote_ns) >= 0).all()
    assert (np.diff(tape.trade_ns) >= 0).all()
    assert tape.quote_ns[-1] < 210 * CONFIG.period_ns
    answer = tape.quote_ns[np.searchsorted(tape.quote_ns, tape.trade_ns, side="right")]
    assert (answer // CONFIG.period_ns == tape.trade_ns // CONFIG.period_ns).all()
    assert (answer - tape.trade_ns).max() <= 1_000_000


def test_same_seed_same_market_in_any_order() -> None:
    late = simulate_day(CONFIG, 2, 4)
    simulate_day(CONFIG, 0, 0)
    again = simulate_day(MarketConfig(7, 7, CONFIG.periods), 2, 4)
    for name, values in vars(late).items():
        np.testing.assert_array_equal(values, getattr(again, name))
    other_day, other_symbol = simulate_day(CONFIG, 2, 3), simulate_day(CONFIG, 1, 4)
    other_seed = simulate_day(MarketConfig(3, 8, CONFIG.periods), 2, 4)
    for other in (other_day, other_symbol, other_seed):
        assert len(other.quote_ns) != len(late.quote_ns) or (other.quote_ns != late.quote_ns).any()


def test_arguments_out_of_range_are_named() -> None:
    with pytest.raises(ValueError, match="symbols"):
        MarketConfig(0, 1, (390,))
    with pytest.raises(ValueError, match="seed"):
        MarketConfig(1, -1, (390,))
    with pytest.raises(ValueError, match="periods"):
        MarketConfig(1, 1, (390, 0))
    with pytest.raises(ValueError, match="index"):
        simulate_truth(CONFIG, 3)


def test_without_a_pattern_the_hours_are_alike() -> None:
    periods = (390,) * 40
    with_one, without = (
        simulate_truth(MarketConfig(1, 3, periods, pattern=pattern), 0) for pattern in (True, False)
    )
    assert np.ptp(without.alpha) == 0 < np.ptp(with_one.alpha)
    for name in ("sigma", "volume"):
        swing = []
        for truth in (with_one, without):
            logs = np.log([getattr(day, name) for day in truth.days])
            logs -= logs.mean(axis=1, keepdims=True)
            halves = logs[:, :30].mean(axis=1) - logs[:, 150:240].mean(axis=1)  # opening, noon
            swing.append(halves.mean() / (halves.std(ddof=1) / len(halves) ** 0.5))
        assert swing[0] > 4  # standard errors over the days
        assert abs(swing[1]) < 3
