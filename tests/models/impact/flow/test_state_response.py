"""Gamma by state against a constant one: planted, absent, and nothing from the future."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from models.impact.flow.state_response import (
    FlowWindows,
    compare_state,
    flow_windows,
    joined,
    told_from_before,
)
from models.impact.flow.trades import TradeTape
from models.microstructure.standing import SECOND_NS

OPEN = 1_700_000_000 * SECOND_NS
SECONDS = 23_400
SPAN = OPEN, OPEN + SECONDS * SECOND_NS
GAMMA = 2e-5


def day(seed: int, slope: float) -> tuple[TradeTape, np.ndarray]:
    """Return a trade a second whose gamma is GAMMA (1 + slope z), z the log spread's deviation."""
    rng = np.random.default_rng(seed)
    slow = lfilter([1.0], [1.0, -0.998], 0.5 * np.sqrt(1 - 0.998**2) * rng.standard_normal(SECONDS))
    side = np.where(rng.random(SECONDS) < 0.5, 1, -1)
    size = np.maximum(np.rint(rng.lognormal(5.0, 0.8, SECONDS)), 1.0)
    moves = GAMMA * (1 + slope * slow) * side * size + 0.004 * rng.standard_normal(SECONDS)
    ts = OPEN + np.arange(SECONDS, dtype=np.int64) * SECOND_NS
    mid = 100 + np.cumsum(moves)
    book = np.column_stack([0.02 * np.exp(slow), rng.lognormal(6.0, 0.5, SECONDS)])
    return TradeTape(ts + SECOND_NS // 5, mid, ts + SECOND_NS // 10, size, side), book


def windows(seed: int, slope: float) -> FlowWindows:
    """Return a day's windows of ten seconds, a minute on."""
    return flow_windows(*day(seed, slope), SPAN, 10, 60)


def test_windows_are_those_of_a_loop() -> None:
    tape, book = day(0, 0.0)
    found = windows(0, 0.0)
    place = len(found.start) // 2
    start = found.start[place]
    own = (tape.trade_ts >= start) & (tape.trade_ts < start + 10 * SECOND_NS)
    after = (tape.trade_ts >= start + 10 * SECOND_NS) & (tape.trade_ts < start + 60 * SECOND_NS)
    signed = tape.aggressor * tape.trade_size
    assert found.flow[place] == signed[own].sum()
    assert found.later[place] == pytest.approx(signed[after].sum())
    mids = [tape.mid[tape.ts < each][-1] for each in (start, found.known[place])]
    assert found.move[place] == pytest.approx(mids[1] - mids[0])
    looks = [start - each * 10 * SECOND_NS for each in range(360)]
    logs = np.log([book[tape.ts < each][-1] for each in looks])
    assert found.state[place] == pytest.approx(logs[:6].mean(axis=0) - logs.mean(axis=0))
    assert found.n_excluded == 60  # ten minutes without a usual level, the first without a book


def test_a_gamma_that_follows_the_spread_is_found() -> None:
    found = [compare_state(windows(seed, 0.8)) for seed in range(8)]
    gain = np.array([one.difference for one in found])
    assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(len(gain))
    assert sum(one.beats for one in found) >= 3  # of one day; by chance 3 of 8 in 0.1 %
    assert np.mean([one.gamma[1] for one in found]) == pytest.approx(0.8 * GAMMA, rel=0.3)
    assert np.mean([one.gamma[0] for one in found]) == pytest.approx(GAMMA, rel=0.1)


def test_a_constant_gamma_is_not_beaten() -> None:
    found = [compare_state(windows(seed, 0.0)) for seed in range(16)]
    assert sum(one.beats for one in found) <= 2  # 2.5 % each, more than 2 of 16 in 0.7 %
    assert np.mean([one.difference for one in found]) < 0
    assert np.mean([one.constant_gamma for one in found]) == pytest.approx(GAMMA, rel=0.02)


def test_nothing_comes_from_the_future() -> None:
    tape, book = day(1, 0.5)
    late = tape.ts >= OPEN + 18_000 * SECOND_NS
    changed = replace(tape, mid=np.where(late, tape.mid * 2, tape.mid))
    one = flow_windows(tape, book, SPAN, 10, 60)
    two = flow_windows(changed, np.where(late[:, None], book * 3, book), SPAN, 10, 60)
    early = one.known < OPEN + 18_000 * SECOND_NS
    assert (one.state[early] == two.state[early]).all()
    for ours, theirs in zip(told_from_before(one), told_from_before(two), strict=True):
        assert np.isfinite(ours[early]).any()
        np.testing.assert_array_equal(ours[early], theirs[early])


def test_days_are_joined_without_a_block_over_a_night() -> None:
    one = windows(2, 0.0)
    both = joined([one, one])
    assert len(np.unique(both.block)) == 2 * len(np.unique(one.block))
    assert (np.diff(both.block) >= 0).all()
    assert both.n_excluded == 2 * one.n_excluded


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match="left to score"):
        compare_state(flow_windows(*day(3, 0.0), (OPEN, OPEN + 2400 * SECOND_NS), 10, 60))
