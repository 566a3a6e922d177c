"""The refill of depth on books that close a hole at a planted rate, under runs of trades."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models.impact.slicing.depth import HALF_LIVES, LAGS, DepthTape, RefillSums, refill_sums
from models.impact.slicing.refill import fit_refill
from models.microstructure.standing import SECOND_NS

HOURS, BLOCKS = 3, 12
OPEN = 1_700_000_000 * SECOND_NS
EDGES = OPEN + np.arange(BLOCKS + 1) * (HOURS * 3600 // BLOCKS * SECOND_NS)


@dataclass(frozen=True)
class Truth:
    """A book whose hole halves every half_life seconds, but for the lasting share.

    runs: mean trades on one side.
    """

    half_life: float = 4.0
    lasting: float = 0.0
    taken: float = 0.8
    runs: float = 4.0
    noise: float = 60.0


def book(truth: Truth, seed: int) -> DepthTape:
    """Quote at every trade and 20 times a half-life.

    Depth is 5,000 less what is missing, plus fat-tailed noise.
    """
    rng = np.random.default_rng(seed)
    heads = np.sort(rng.uniform(0, HOURS * 3600, HOURS * 360))
    length = rng.geometric(1 / truth.runs, len(heads))
    head = np.repeat(np.arange(len(heads)), length)
    first = np.repeat(np.cumsum(length) - length, length)
    waits = rng.exponential(1.5, len(head))
    waits[np.cumsum(length) - length] = 0.0
    seconds = heads[head] + np.cumsum(waits) - np.cumsum(waits)[first]
    side, size = (
        rng.choice([-1, 1], len(heads))[head],
        100 * rng.geometric(0.4, len(head)).astype(float),
    )
    order = np.argsort(seconds, kind="stable")
    seconds, side, size = seconds[order], side[order], size[order]
    times = np.union1d(np.arange(0.1, HOURS * 3600, truth.half_life / 20), seconds)
    depth = [
        _depth(truth, rng, times, seconds[side == sign], size[side == sign]) for sign in (-1, 1)
    ]
    at, when = (
        OPEN + np.rint(moments * SECOND_NS).astype(np.int64) for moments in (times, seconds)
    )
    return DepthTape(at, *depth, when, size, side)


def _depth(truth, rng, times, seconds, size):
    missing = np.zeros(len(times))
    for when, shares in zip(seconds, size, strict=True):
        after = slice(
            np.searchsorted(times, when), np.searchsorted(times, when + 40 * truth.half_life)
        )
        missing[after] += (
            shares * (1 - truth.lasting) * 2 ** (-(times[after] - when) / truth.half_life)
        )
        missing[np.searchsorted(times, when) :] += shares * truth.lasting
    shocks, noise = truth.noise * rng.standard_t(3, len(times)), np.zeros(len(times))
    for place in range(1, len(times)):
        noise[place] = 0.98 * noise[place - 1] + 0.2 * shocks[place]
    return 5000 - truth.taken * missing + noise


@pytest.mark.parametrize(
    "truth", [Truth(), Truth(half_life=15.0, lasting=0.4), Truth(half_life=0.8, runs=1.0)]
)
def test_a_planted_half_life_is_recovered_within_its_errors(truth):
    fits = [fit_refill(refill_sums(book(truth, seed), EDGES)) for seed in range(6)]
    away = np.array([np.log(fit.half_life / truth.half_life) for fit in fits])
    error = np.array([fit.log_error for fit in fits])
    assert abs(away.mean()) < 3 * np.sqrt((error**2).mean() / len(fits)) + 0.03
    assert (np.abs(away) < 3.5 * error).all()
    assert error.max() < 0.5
    assert np.mean([fit.depth_taken for fit in fits]) == pytest.approx(truth.taken, rel=0.15)
    assert np.mean([fit.lasting for fit in fits]) == pytest.approx(truth.lasting, abs=0.1)
    assert not any(
        caveat.code == "refill_not_identified" for fit in fits for caveat in fit.warnings
    )


def test_runs_of_trades_make_the_plain_average_path_look_slow():
    """When half of each trade's own hole has closed, the average has closed far less."""
    truth = Truth()
    tape = book(truth, 0)
    skew = tape.bid - tape.ask

    def missing(after):
        before = np.searchsorted(tape.ts, tape.trade_ts) - 1
        row = np.searchsorted(tape.ts, tape.trade_ts + int(after * SECOND_NS), "right") - 1
        return (tape.aggressor * (skew[row] - skew[before])).mean()

    assert missing(truth.half_life) > 0.7 * missing(0.01)
    assert fit_refill(refill_sums(tape, EDGES)).half_life == pytest.approx(truth.half_life, rel=0.3)


def test_the_sums_are_those_of_a_loop():
    tape = book(Truth(), 1)
    near = tape.trade_ts < EDGES[2]
    tape = replace(
        tape,
        trade_ts=tape.trade_ts[near],
        trade_size=tape.trade_size[near],
        aggressor=tape.aggressor[near],
    )
    sums = refill_sums(tape, EDGES[:3])
    lag, half_life = LAGS[8], HALF_LIVES[9]
    rows = {name: np.zeros(2) for name in ("n", "late", "yy", "qq", "qy", "hh", "hq", "hy")}
    for when in np.unique(tape.trade_ts):
        block, look = int(when >= EDGES[1]), when + int(lag * SECOND_NS)
        if look >= EDGES[block + 1]:
            rows["late"][block] += 1
            continue
        state = []
        for moment, until in ((when, tape.trade_ts < when), (look, tape.trade_ts <= look)):
            signed = -(tape.aggressor * tape.trade_size)[until]
            passed = (moment - tape.trade_ts[until]) / SECOND_NS
            quote = (tape.ts < when) if moment == when else (tape.ts <= look)
            row = np.flatnonzero(quote)[-1]
            state.append(
                (
                    signed.sum(),
                    (signed * 2 ** (-passed / half_life)).sum(),
                    tape.bid[row] - tape.ask[row],
                )
            )
        q, h, y = np.subtract(state[1], state[0])
        products = {"yy": y * y, "qq": q * q, "qy": q * y, "hh": h * h, "hq": h * q, "hy": h * y}
        for name, value in ({"n": 1} | products).items():
            rows[name][block] += value
    mine = (sums.lag == lag) & (sums.half_life == half_life)
    for name, value in rows.items():
        np.testing.assert_allclose(getattr(sums, name)[mine], value, rtol=1e-9, err_msg=name)


def test_a_block_knows_nothing_of_what_follows_it():
    tape = book(Truth(), 2)
    cut = EDGES[5]
    other = replace(
        tape,
        bid=np.where(tape.ts >= cut, 7.0, tape.bid),
        trade_size=np.where(tape.trade_ts >= cut, 9.0, tape.trade_size),
        aggressor=np.where(tape.trade_ts >= cut, -1, tape.aggressor),
    )
    one, two = refill_sums(tape, EDGES), refill_sums(other, EDGES)
    before = one.block < 5
    for name in vars(one):
        np.testing.assert_array_equal(getattr(one, name)[before], getattr(two, name)[before])
    assert (one.hy[~before] != two.hy[~before]).any()


def test_the_order_of_rows_and_the_labels_of_blocks_do_not_matter():
    sums = refill_sums(book(Truth(), 3), EDGES)
    shuffled = np.random.default_rng(0).permutation(len(sums.block))
    moved = RefillSums(**{name: value[shuffled] for name, value in vars(sums).items()})
    moved = replace(moved, block=1000 - 7 * moved.block)
    assert fit_refill(moved).half_life == pytest.approx(fit_refill(sums).half_life, rel=1e-9)
    assert fit_refill(moved).n == fit_refill(sums).n
    with pytest.raises(ValueError, match="block: 2879 rows in 12 blocks"):
        fit_refill(RefillSums(**{name: value[1:] for name, value in vars(sums).items()}))


def test_depth_that_does_not_answer_trades_has_no_half_life():
    unidentified = 0
    for seed in range(6):
        fit = fit_refill(refill_sums(book(Truth(taken=0.0), seed), EDGES))
        if fit.warnings and fit.warnings[0].code == "refill_not_identified":
            unidentified += 1
            assert fit.half_life == np.inf
            assert fit.lasting == 0
            assert "refill_not_identified" in fit.summary()
    assert unidentified >= 5


def test_without_trades_or_quotes_nothing_comes_back():
    tape = book(Truth(), 4)
    none = replace(tape, aggressor=np.zeros_like(tape.aggressor))
    blind = replace(tape, ts=tape.ts[:0], bid=tape.bid[:0], ask=tape.ask[:0])
    still = replace(tape, bid=np.full_like(tape.bid, 5.0), ask=np.full_like(tape.ask, 5.0))
    for quiet in (none, blind, still):
        fit = fit_refill(refill_sums(quiet, EDGES))
        assert fit.half_life == np.inf
        assert [caveat.code for caveat in fit.warnings] == ["refill_not_identified"]
    assert fit_refill(refill_sums(blind, EDGES)).n_excluded["no quote"] > 0


def test_few_blocks_are_said():
    fit = fit_refill(refill_sums(book(Truth(), 5), EDGES[:6]))
    assert [caveat.code for caveat in fit.warnings] == ["refill_few_blocks"]
    assert fit.blocks == 5


def test_bad_input_is_named():
    tape = book(Truth(), 6)
    with pytest.raises(ValueError, match="ask: shape"):
        replace(tape, ask=tape.ask[1:])
    with pytest.raises(ValueError, match="trade_ts: must not decrease"):
        replace(tape, trade_ts=tape.trade_ts[::-1])


@pytest.mark.parametrize(("symbol", "levels"), [("AMZN", 5), ("AAPL", 1)])
def test_lobster_books_refill_within_seconds(
    real_data: Path, tmp_path: Path, symbol: str, levels: int
) -> None:
    from pipeline.engine.sessions import SessionCalendar
    from pipeline.tape.ingest import ingest_file, load_day, source

    calendar = SessionCalendar("XNYS", 60)
    raw = next(
        one for one in source("lobster").discover(str(real_data / "lobster")) if symbol in one.url
    )
    ingest_file(raw, "lobster", calendar, tmp_path)
    day = load_day(str(tmp_path), symbol, "2012-06-21")
    depth = (
        sum(day.quotes[f"{side}_sz_{level}"].to_numpy() for level in range(levels))
        for side in ("bid", "ask")
    )
    tape = DepthTape(
        day.quotes["ts"].to_numpy(),
        *depth,
        *(day.trades[name].to_numpy() for name in ("ts", "size", "aggressor")),
    )
    edges = calendar.session("2012-06-21").open_ns + np.arange(14) * 1800 * SECOND_NS
    fit = fit_refill(refill_sums(tape, edges))
    assert 1 < fit.half_life < 60
    assert fit.log_error < 0.7
    assert not fit.warnings


def test_a_book_that_is_not_known_is_looked_at_by_nothing() -> None:
    """A trade at 1 s; the book is unknown from 2 s to 50 s, and after it was never known before."""
    ts = OPEN + np.array([0, 1, 2, 50]) * SECOND_NS
    ask = np.array([500.0, 400.0, np.nan, 450.0])
    trade = OPEN + np.array([1]) * SECOND_NS
    tape = DepthTape(ts, np.full(4, 500.0), ask, trade, np.array([100.0]), np.array([1]))
    found = refill_sums(tape, EDGES)
    first = (found.block == 0) & (found.half_life == HALF_LIVES[0])
    looked = 1 + found.lag[first]
    known = (looked < 2) | (looked >= 50)
    assert found.n[first].tolist() == known.astype(int).tolist()
    assert found.unseen[first].tolist() == (~known).astype(int).tolist()
    expected = np.where(looked < 2, 100.0**2, np.where(known, 50.0**2, 0.0))
    np.testing.assert_array_equal(found.yy[first], expected)
