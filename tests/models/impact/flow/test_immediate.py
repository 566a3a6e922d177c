"""The immediate response on made trades: planted, split, without moves, against a loop."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from models.impact.flow.immediate import fit_immediate
from models.impact.flow.trades import LAGS, ImmediateSums, TradeTape, immediate_sums
from models.microstructure.standing import SECOND_NS
from tests.models.impact.trade_tapes import BLOCK_NS, OPEN, Truth, edges, trades

CASES = {
    "all stays": Truth(),
    "half decays": Truth(passing=1e-5),
    "runs of trades, half decays": Truth(passing=1e-5, persistence=0.75),
    "each in three prints": Truth(prints=3),
    "a grid of ticks": Truth(tick=0.005),
    "answers after three seconds": Truth(reply=3.0),
}


@pytest.mark.parametrize("truth", CASES.values(), ids=CASES)
def test_a_planted_response_lies_within_its_errors(truth: Truth) -> None:
    fits = [fit_immediate(immediate_sums(trades(truth, seed), edges(13))) for seed in range(20)]
    planted = truth.gamma + truth.passing
    away = np.array([fit.estimate / planted - 1 for fit in fits])
    error = np.array([fit.standard_error / planted for fit in fits])
    reach = stats.t.ppf(0.975, [fit.dof for fit in fits]) * error
    assert abs(away.mean()) < 0.01
    assert (np.abs(away) < reach).mean() >= 0.8  # 16 of 20 or more: all but 0.3 % of the time
    assert all(fit.identified and not fit.warnings for fit in fits)
    assert {fit.lag for fit in fits} <= ({5.0, 10.0} if truth.reply > 1 else {0.1, 1.0})


def test_trades_without_a_move_count() -> None:
    fit = fit_immediate(immediate_sums(trades(Truth(tick=0.01), 0), edges(13)))
    assert 0.5 < fit.still < 0.9
    assert fit.estimate == pytest.approx(1e-5, abs=4 * fit.standard_error)
    assert fit.standard_error < 1.5e-7
    assert "no move" in fit.summary()


def test_later_flow_is_partialled_out() -> None:
    """Trades in runs: the plain move per share holds what follows, the response does not."""
    sums = immediate_sums(trades(Truth(persistence=0.9, per_second=1.0), 0), edges(13))
    late = sums.lag == 10.0
    plain = sums.qy[late].sum() / sums.qq[late].sum()
    fit = fit_immediate(sums)
    assert plain > 2e-5
    assert fit.responses[-1] == pytest.approx(1e-5, abs=4 * fit.errors[-1])


def test_prints_of_one_time_and_side_are_one_trade() -> None:
    whole, split = (
        immediate_sums(trades(Truth(prints=prints), 3, 2), edges(2)) for prints in (1, 4)
    )
    for name in vars(whole):
        np.testing.assert_allclose(getattr(whole, name), getattr(split, name), rtol=1e-9)


def test_the_sums_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    when = OPEN + np.sort(rng.integers(0, 3600, 400)) * SECOND_NS
    tape = trades(Truth(), 1, 2)
    tape = replace(
        tape,
        mid=np.where(rng.random(len(tape.mid)) < 0.1, np.nan, tape.mid),
        trade_ts=when,
        trade_size=rng.integers(1, 9, 400) * 10.0,
        aggressor=rng.integers(-1, 2, 400),
    )
    sums, place = immediate_sums(tape, edges(2)), 3
    rows = {name: np.zeros(2) for name in vars(sums)}

    def mid(moment: int) -> float:
        row = np.flatnonzero(tape.ts <= moment)
        return tape.mid[row[-1]] if len(row) else np.nan

    for time, side in sorted(set(zip(when, tape.aggressor, strict=True))):
        mine = (when == time) & (tape.aggressor == side)
        block, look = int(time >= edges(2)[1]), time + int(LAGS[place] * SECOND_NS)
        if side == 0:
            rows["undirected"][block] += mine.sum()
        elif look >= edges(2)[block + 1]:
            rows["late"][block] += 1
        else:
            signed = tape.aggressor * tape.trade_size
            q, y = signed[mine].sum(), mid(look) - mid(time - 1)
            f = signed[(when >= time) & (when <= look)].sum() - q
            products = {"qq": q * q, "qf": q * f, "ff": f * f, "qy": q * y, "fy": f * y}
            values = {"n": 1, "still": y == 0, "yy": y * y} | products
            for name, value in values.items() if np.isfinite(y) else [("unseen", 1)]:
                rows[name][block] += value
    assert all(rows[name].any() for name in ("unseen", "late", "undirected"))
    for name in set(rows) - {"block", "lag"}:
        found = getattr(sums, name)[sums.lag == LAGS[place]]
        np.testing.assert_allclose(found, rows[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_a_block_knows_nothing_of_what_follows_it() -> None:
    tape, cut = trades(Truth(), 2, 8), edges(8)[5]
    other = replace(
        tape,
        mid=np.where(tape.ts >= cut, 7.0, tape.mid),
        trade_size=np.where(tape.trade_ts >= cut, 9.0, tape.trade_size),
        aggressor=np.where(tape.trade_ts >= cut, -1, tape.aggressor),
    )
    one, two = immediate_sums(tape, edges(8)), immediate_sums(other, edges(8))
    before = one.block < 5
    for name in vars(one):
        np.testing.assert_array_equal(getattr(one, name)[before], getattr(two, name)[before])
    assert (one.qq[~before] != two.qq[~before]).any()


def test_the_regression_is_least_squares_with_jackknifed_errors() -> None:
    """Against NumPy's, leaving one half-hour out at a time."""
    sums = immediate_sums(trades(Truth(), 4, 6), edges(6))
    mine = sums.lag == 1.0

    def slope(rows: np.ndarray) -> float:
        names = ("qq", "qf", "ff", "qy", "fy")
        qq, qf, ff, qy, fy = (getattr(sums, name)[rows].sum() for name in names)
        return float(np.linalg.solve([[qq, qf], [qf, ff]], [qy, fy])[0])

    fit = fit_immediate(sums)
    without = np.array([slope(mine & (sums.block != block)) for block in range(6)])
    assert fit.responses[1] == pytest.approx(slope(mine), rel=1e-9)
    expected = np.sqrt(((without - slope(mine)) ** 2).sum())
    assert fit.errors[1] == pytest.approx(expected, rel=1e-6)


def test_the_order_of_rows_and_labels_does_not_matter_and_rows_of_one_label_add_up() -> None:
    sums = immediate_sums(trades(Truth(), 5, 8), edges(8))
    shuffled = np.random.default_rng(0).permutation(len(sums.block))
    moved = ImmediateSums(**{name: value[shuffled] for name, value in vars(sums).items()})
    one, two = fit_immediate(sums), fit_immediate(replace(moved, block=1000 - 7 * moved.block))
    assert (one.estimate, one.n) == (pytest.approx(two.estimate, rel=1e-9), two.n)
    assert one.standard_error == pytest.approx(two.standard_error, rel=1e-6)
    joint = fit_immediate(replace(sums, block=sums.block // 2))
    assert (joint.clusters, one.clusters) == (4, 8)
    assert joint.estimate == pytest.approx(one.estimate, rel=1e-9)
    np.testing.assert_array_equal(joint.influence.labels, np.arange(4))


def test_lags_are_no_longer_than_a_period() -> None:
    tape = trades(Truth(), 6, 4)
    np.testing.assert_array_equal(np.unique(immediate_sums(tape, edges(4), 4.0).lag), [0.1, 1, 4])
    np.testing.assert_array_equal(np.unique(immediate_sums(tape, edges(4), 1.0).lag), [0.1, 1])


def test_what_is_not_identified_is_said() -> None:
    tape = trades(Truth(), 7, 6)
    none = replace(tape, aggressor=np.zeros_like(tape.aggressor))
    blind = replace(tape, ts=tape.ts[:0], mid=tape.mid[:0])
    empty = TradeTape(*(value[:0] for value in vars(tape).values()))
    for quiet in (none, blind, empty):
        fit = fit_immediate(immediate_sums(quiet, edges(6)))
        assert (fit.identified, fit.clusters) == (False, 0)
        assert [caveat.code for caveat in fit.warnings] == ["immediate_not_identified"]
        assert "immediate_not_identified" in fit.summary()
    assert fit_immediate(immediate_sums(none, edges(6))).n_excluded["unknown side"] > 1000
    assert fit_immediate(immediate_sums(blind, edges(6))).n_excluded["no mid"] > 1000
    sums = immediate_sums(tape, edges(6))
    assert not fit_immediate(replace(sums, block=sums.block // 3)).identified  # two clusters
    nothing = ImmediateSums(**{name: value[:0] for name, value in vars(sums).items()})
    assert not fit_immediate(nothing).identified
    still = replace(tape, mid=np.full_like(tape.mid, 100.0))
    assert not fit_immediate(immediate_sums(still, edges(6))).identified


def test_a_mid_that_nothing_confirms_is_unknown() -> None:
    tape = trades(Truth(), 8, 2)
    gone = replace(tape, ts=tape.ts[:1], mid=tape.mid[:1])
    sums = immediate_sums(gone, edges(2))
    assert sums.n[sums.block == 1].sum() == 0
    assert sums.unseen[sums.block == 1].all()
    assert (np.diff(edges(2)) == BLOCK_NS).all()


def test_bad_input_is_named() -> None:
    tape = trades(Truth(), 6, 1)
    with pytest.raises(ValueError, match="mid: shape"):
        replace(tape, mid=tape.mid[1:])
    with pytest.raises(ValueError, match="trade_ts: must not decrease"):
        replace(tape, trade_ts=tape.trade_ts[::-1])
