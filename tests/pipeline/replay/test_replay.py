"""An order replayed on small tapes: fills by hand, nothing from the future, nothing for free."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models.microstructure.book import Book
from pipeline.replay.depletion import Holes, Refill
from pipeline.replay.loop import Accounting, Deciding, Replayed
from pipeline.replay.replay import Prints
from pipeline.replay.side_tape import SideTape
from solver import Problem, almgren_chriss, even_quadratic
from solver.execution import (
    Adaptive,
    Band,
    Child,
    Learning,
    Participation,
    Policy,
    PooledSupply,
    Scheduled,
    Seen,
    TakeOrWait,
    Threshold,
    WaitingTwap,
)
from tests.pipeline.replay.markets import (
    LAW,
    Order,
    clock,
    law_at,
    mirrored,
    ns,
    order,
    random_book,
    work,
    work_all,
)

NAN = np.nan


def policies(moments: int) -> dict[str, Policy | Learning]:
    weight = 1.0 + np.arange(moments) % 7
    return {
        "twap": Scheduled.even(moments),
        "static": Scheduled.by_weight(weight),
        "waiting-twap": WaitingTwap(6),
        "threshold": Threshold(0.2),
        "rule": PooledSupply(),
        "moment": TakeOrWait(every=10),
        "pov": Participation(8_000.0),
        "ac": Scheduled.by_weight(almgren_chriss(even_quadratic(problem(moments)))),
        "adaptive": adaptive(moments),
    }


def problem(moments: int) -> Problem:
    return Problem(2_000.0, LAW.temporary, sigma=0.01, risk_aversion=1e-3, periods=moments)


def adaptive(moments: int) -> Adaptive:
    periods = -(-moments // 6)
    each = law_at(np.arange(periods))
    return Adaptive(problem(periods), each, np.arange(moments) // 6, 6, 50.0)


def made_tape(rows: list[tuple[float, float, list[tuple[float, float]]]], sign: int) -> SideTape:
    """Return a tape of rows (seconds, bid, asks as (price, size)), mirrored at 100 for sells."""
    asks = np.array([row[2] for row in rows], dtype=np.float64)
    bid = np.array([[row[1], NAN] for row in rows])
    book = Book(bid, np.nan_to_num(bid * 0 + 50.0), asks[:, :, 0], asks[:, :, 1])
    ts = np.array([ns(row[0]) for row in rows])
    return SideTape.of(ts, book if sign > 0 else mirrored(book, 100.0), sign)


ROWS = [
    (-5.0, 99.0, [(101.0, 30.0), (102.0, 100.0)]),
    (10.5, 99.0, [(101.0, 20.0), (102.0, 100.0)]),  # after the second look, before its fill
    (15.0, 99.0, [(103.0, 50.0), (104.0, 50.0)]),  # 101 and 102 leave the book
    (18.0, 99.0, [(101.0, 30.0), (102.0, 100.0)]),
    (25.0, 99.0, [(NAN, 0.0), (NAN, 0.0)]),  # a halt up to the end
]


@pytest.mark.parametrize("sign", [1, -1])
def test_fills_and_parts_by_hand(sign: int) -> None:
    done = work(order(made_tape(ROWS, sign), 80.0, clock(40.0)), Scheduled.even(4), Band(1.0))
    # 20 at the best; 20 are missing there, so 20 at the next level; both are whole again; the halt
    assert done.fills.shares.tolist() == [20, 20, 20]
    assert sign * (done.fills.price - 100) == pytest.approx([1, 2, 1])
    assert done.fill_times.tolist() == [ns(1), ns(11), ns(21)]
    assert done.missed == 1
    unit = 1e4 / (80 * 100)
    # 50 on the other side, and half a spread of 1: more there speaks for a dearer price to come
    assert done.pressure == pytest.approx([20 / 80, 30 / 70, 20 / 80])
    assert done.pressure_bps == pytest.approx(unit * 20 * (20 / 80 + 30 / 70 + 20 / 80))
    assert done.parts.spread == pytest.approx(unit * 60)
    assert done.parts.walk == pytest.approx(unit * 20)
    assert done.parts.drift == pytest.approx(0.0)
    assert done.parts.opportunity == pytest.approx(unit * float(LAW.cost(20.0)))  # 20.4
    assert done.parts.permanent == pytest.approx(unit * LAW.gamma * 80**2 / 2)
    # 5 s after the second fill (ns(16)) the mid is 101; the other two saw 100, or nothing
    assert done.markouts[5] == pytest.approx(sign * sign * 1e4 * 1.0 * 20 / 40 / 100)


class AtBest:
    """Wants everything at the best price that it sees."""

    def decide(self, seen: Seen) -> Child:
        return Child(seen.left, float(seen.over[0]))


def test_a_price_that_ran_away_is_not_paid_but_for_what_the_band_demands() -> None:
    rows = [ROWS[0], (0.5, 99.0, [(102.0, 30.0), (103.0, 100.0)])]
    made = order(made_tape(rows, 1), 80.0, clock(20.0))
    held = work(made, AtBest(), Band(1.0))  # the band demands nothing until the last moment
    assert held.sent.limit[0] == pytest.approx(101.0)
    assert held.sent.filled.tolist() == [0, 80]
    assert held.fills.price == pytest.approx([(30 * 102 + 50 * 103) / 80])
    pushed = work(made, AtBest(), Band(0.0))
    assert pushed.sent.must.tolist() == [40, 40]
    assert pushed.sent.filled.tolist() == [40, 40]


def test_beyond_what_is_shown_the_law_goes_on() -> None:
    rows = [(-5.0, 99.0, [(101.0, 30.0), (102.0, 20.0)])]
    made = order(made_tape(rows, 1), 400.0, clock(10.0))
    done = work(made, Scheduled.even(1), Band(1.0))
    assert done.beyond_shown.tolist() == [350]
    # the law's marginal cost over mid, 1 + .002 x, is 1.1 where the book ends at 2: the law is
    # below the last price until x = 500
    assert done.parts.over_mid * 400 * 100 / 1e4 == pytest.approx(30 * 1 + 370 * 2)


@pytest.mark.parametrize("sign", [1, -1])
def test_parts_sum_to_what_was_paid(sign: int) -> None:
    ts, book = random_book(9_000, 3)
    made = order(SideTape.of(ts, book, sign), 3_000.0, clock(900.0, latency=0.1))
    for name, policy in policies(made.moments).items():
        done = work(made, policy, Band())
        fills = done.fills
        assert fills.shares.sum() == 3_000, name
        arrival = made.tape.mid[made.seen[0]]
        paid = sign * float(fills.shares @ (fills.price - arrival))
        permanent = LAW.gamma * 3_000**2 / 2
        whole = 1e4 * (paid + permanent) / (3_000 * arrival)
        parts = done.parts
        each = parts.spread, parts.walk, parts.permanent, parts.drift, parts.opportunity
        assert sum(each) == pytest.approx(whole, abs=1e-9), name
        assert parts.over_mid >= 0


@dataclass(frozen=True)
class Peeking:
    """Buys what it may when the mid will have risen two minutes later: what no policy can know."""

    made: Order

    def decide(self, seen: Seen) -> Child:
        row = self.made.seen[seen.moment]
        mid = self.made.tape.mid
        later = mid[min(row + 240, len(mid) - 1)]
        return Child(seen.left if later > mid[row] else 0.0)


def past_orders(done: Replayed, moments: int) -> bytes:
    early = done.sent.moment < moments
    sent = done.sent
    columns = (sent.moment, sent.shares, sent.limit, sent.must, sent.filled)
    told = done.marginal_value[:moments].tobytes()
    return b"".join(each[early].tobytes() for each in columns) + told


def test_a_rewritten_future_leaves_past_orders_as_they_were() -> None:
    ts, book = random_book(9_000, 4)
    _, other = random_book(9_000, 5)
    cut = int(np.searchsorted(ts, ns(450.5)))  # after the fill of moment 45, before the next look
    parts = ("bid_px", "bid_sz", "ask_px", "ask_sz")
    changed = Book(
        **{
            name: np.vstack([getattr(book, name)[:cut], getattr(other, name)[cut:]])
            for name in parts
        }
    )
    made, rewritten = (
        order(SideTape.of(ts, each, 1), 2_000.0, clock(900.0, latency=0.1))
        for each in (book, changed)
    )

    def kept(policy: Policy | Learning, again: Policy | Learning) -> bool:
        before, after = work(made, policy, Band()), work(rewritten, again, Band())
        assert len(before.sent.shares) > 3
        assert before.fills.price.tolist() != after.fills.price.tolist()
        return past_orders(before, 46) == past_orders(after, 46)

    for name, policy in policies(made.moments).items():
        assert kept(policy, policy), name
    assert not kept(Peeking(made), Peeking(rewritten))


def test_lessons_are_counted_apart_from_decisions() -> None:
    ts, book = random_book(9_000, 4)
    made = order(SideTape.of(ts, book, 1), 2_000.0, clock(900.0, latency=0.1))
    for name, lessons in {"moment": 9, "twap": 0}.items():  # every tenth of 90 moments
        found = work(made, policies(made.moments)[name], Band()).deciding
        assert (found.lessons, found.lesson_seconds > 0) == (lessons, lessons > 0)
        assert found.decisions == 90
        assert found.decision_seconds > 0
        assert found + found == Deciding(
            2 * lessons, 2 * found.lesson_seconds, 180, 2 * found.decision_seconds
        )


def test_sells_mirror_buys() -> None:
    ts, book = random_book(9_000, 6)
    bought = order(SideTape.of(ts, book, 1), 2_500.0, clock(900.0, latency=0.1))
    centre = float(bought.tape.mid[bought.seen[0]])
    sold = order(SideTape.of(ts, mirrored(book, centre), -1), 2_500.0, clock(900.0, latency=0.1))
    for name, policy in policies(bought.moments).items():
        one, two = work(bought, policy, Band()), work(sold, policy, Band())
        assert one.sent.shares.tolist() == two.sent.shares.tolist(), name
        assert two.fills.price == pytest.approx(2 * centre - one.fills.price)
        assert two.parts.total == pytest.approx(one.parts.total, abs=1e-9)
        assert two.markouts == pytest.approx(one.markouts, abs=1e-6)


def test_nothing_is_won_where_nothing_can_be() -> None:
    ts, book = random_book(9_000, 7)
    deep = np.full_like(book.bid_sz, 1e6)
    tick = replace(book, ask_px=book.bid_px[:, :1] + (1 + np.arange(3)) / 100)
    tick = replace(tick, bid_sz=deep, ask_sz=deep)  # one tick always, the mid wanders
    constant = Book(*(np.repeat(each[:1], len(ts), axis=0) for each in vars(tick).values()))
    for market in (tick, constant):
        made = order(SideTape.of(ts, market, 1), 900.0, clock(900.0, latency=0.1))
        cost = {
            name: work(made, policy, Band()).parts.over_mid
            for name, policy in policies(made.moments).items()
        }
        half = 1e4 * 0.005 / made.tape.mid[made.seen[0]]
        assert cost["twap"] == pytest.approx(half, rel=1e-9)
        assert list(cost.values()) == pytest.approx([cost["twap"]] * len(cost), rel=0.01)


def test_the_volume_seen_is_what_was_traded_since_the_first_moment() -> None:
    tape = made_tape(ROWS[:1], 1)
    ts = np.array([ns(-1), ns(0), ns(4), ns(10), ns(11)])
    prints = Prints(ts, np.full(5, 100.0), np.array([7.0, 5.0, 20.0, 20.0, 9.0]))
    done = work(order(tape, 80.0, clock(30.0), prints), Participation(80.0), Band(1.0))
    assert done.sent.moment.tolist() == [1, 2]
    assert done.sent.shares.tolist() == [40, 40]  # the last moment closes the band


def test_an_order_without_a_moment_or_a_book_is_refused() -> None:
    tape = made_tape(ROWS, 1)
    with pytest.raises(ValueError, match="no moment"):
        order(tape, 80.0, replace(clock(40.0), start=ns(39.5)))
    with pytest.raises(ValueError, match="no two-sided book"):
        work(order(tape, 80.0, replace(clock(900.0), start=ns(600.0))), AtBest())


@pytest.mark.parametrize("rows", [1, 7, 100, 4_000])
def test_a_tape_in_batches_is_the_same_tape(rows: int) -> None:
    ts, book = random_book(8_300, 8)
    ts = np.sort(np.append(ts[:-400:2], ts[:-400:2]))[: len(ts)]  # two rows a time
    book = Book(*(each[: len(ts)] for each in vars(book).values()))
    empty = np.where(np.arange(len(ts))[:, None] % 997 < 9, np.nan, book.ask_px)
    made = order(
        SideTape.of(ts, replace(book, ask_px=empty), 1), 2_000.0, clock(400.0, latency=0.1)
    )
    for how in (
        Accounting(lambda: Refill(60 * 10**9, 0.3)),
        Accounting(Holes),
        Accounting(Holes, clipped=True),
    ):
        whole, path = work_all(made, policies(made.moments), how=how)
        parts, same = work_all(made, policies(made.moments), how=how, rows=rows)
        assert vars(path).keys() == vars(same).keys()
        assert all((vars(path)[name] == vars(same)[name]).all() for name in vars(path))
        for name, one in whole.done.items():
            other = parts.done[name]
            assert past_orders(one, 999) == past_orders(other, 999), name
            assert one.parts == other.parts


def test_what_refills_by_time_is_missing_from_the_front() -> None:
    rows = [(-5.0, 99.0, [(101.0, 30.0), (102.0, 100.0)])]
    made = order(made_tape(rows, 1), 80.0, clock(40.0))
    how = Accounting(lambda: Refill(10 * 10**9, 0.25), moves=True)
    done = work(made, Scheduled.even(4), Band(1.0), how)
    # three quarters of 20 close by half in ten seconds: 15, 7.5 + 15, 3.75 + 22.5 / 2 ... missing
    missing = [0.0]
    for _ in range(3):
        missing.append((missing[-1] + 15) / 2)
    best = [min(20.0, 30.0 - np.rint(each)) for each in missing]
    paid = [(20 * 101 + (20 - each)) / 20 for each in best]
    assert done.fills.price == pytest.approx(paid)
    assert done.moved == pytest.approx(LAW.gamma * (np.arange(4) * 20 + 10))
    assert done.sent.limit.tolist() == [np.inf] * 4
    parts = done.parts
    assert parts.permanent == pytest.approx(1e4 * LAW.gamma * 80**2 / 2 / (80 * 100))
    assert parts.over_mid * 80 * 100 / 1e4 == pytest.approx(20 * sum(paid) - 80 * 100)


def test_clips_end_with_what_is_shown() -> None:
    rows = [(-5.0, 99.0, [(101.0, 30.0), (102.0, 20.0)])]
    done = work(
        order(made_tape(rows, 1), 400.0, clock(20.0)),
        Scheduled.even(2),
        Band(1.0),
        Accounting(Holes, clipped=True),
    )
    assert done.sent.filled.tolist() == [50, 0]
    assert done.beyond_shown.sum() == 0
    assert done.parts.opportunity == pytest.approx(1e4 * float(LAW.cost(350.0)) / (400 * 100))
