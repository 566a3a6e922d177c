"""One order worked under one policy: decisions on what had arrived, fills at what stands later."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from models.tca.mid_path import MidPath
from models.tca.shortfall import BPS, Benchmark, Fills, Shortfall, markout, shortfall
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.books import Books, Stage, Window
from pipeline.replay.depletion import Depletion
from pipeline.replay.side_tape import SideTape
from solver.execution import Band, Child, Decider, Learning, Policy, Seen, book_pressure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SLIP = 1e-9  # of rounding in prices over mid, of the spread, and in shares
MARKOUTS = (1, 5, 30, 60, 300)  # seconds after a fill


@dataclass(frozen=True)
class Accounting:
    """How what an order took is missing afterwards, and how deep its clips may go.

    depletion: makes the memory of one order; moves: whether later prices hold the order's own
    permanent impact; clipped: whether an order is cut to the depth that the tape shows.
    """

    depletion: Callable[[], Depletion]
    moves: bool = False
    clipped: bool = False


@dataclass(frozen=True, eq=False)
class Sent:
    """What was sent, one entry an order. Shapes: (n,).

    moment: from 0; limit: price, currency / share, infinite for none (of buys, minus infinite of
    sells); must: shares that no limit held back; filled: shares.
    """

    moment: Ints
    shares: Floats
    limit: Floats
    must: Floats
    filled: Floats


@dataclass(frozen=True)
class Deciding:
    """How long a policy took to decide: lessons apart from decisions, seconds of the wall clock."""

    lessons: int = 0
    lesson_seconds: float = 0.0
    decisions: int = 0
    decision_seconds: float = 0.0

    def __add__(self, other: "Deciding") -> "Deciding":
        return Deciding(
            self.lessons + other.lessons,
            self.lesson_seconds + other.lesson_seconds,
            self.decisions + other.decisions,
            self.decision_seconds + other.decision_seconds,
        )


@dataclass(frozen=True, eq=False)
class Replayed:
    """One policy's orders and fills, their cost, and the moments that had no book to decide on.

    fill_times: (n,) ns; moved: (n,) what the order's own impact adds to the prices of a fill in the
    mean, currency / share, 0 where later prices do not hold it; markouts: by seconds, bps, positive
    where the price went the order's way; beyond_shown: (n,) shares of a fill
    that lay behind the levels shown; pressure: (n,) of the book at a fill, as in `Seen`,
    currency / share, and pressure_bps: what one slope of the mid's move on it makes of the fills,
    bps of shares x arrival; marginal_value: (moments,) what a share not traded at a moment was
    worth over mid as the policy told then, currency / share, NaN where it told no price.
    """

    sent: Sent
    fills: Fills
    fill_times: Ints
    moved: Floats
    parts: Shortfall
    markouts: dict[int, float]
    beyond_shown: Floats
    pressure: Floats
    pressure_bps: float
    marginal_value: Floats
    missed: int
    deciding: Deciding


class Loop:
    """Where a replayed order stands: what is left, what is missing from the book, what was done."""

    def __init__(
        self, stage: Stage, books: Books, policy: Policy | Learning, band: Band, how: Accounting
    ):
        self._stage, self._books, self._decider = stage, books, Decider(policy, band)
        self._how, self._depletion = how, how.depletion()
        self._size = np.empty_like(books.size)  # of the books known, as this order met them
        self._copied, self._passed, self._missed = 0, -1, 0
        self._left, self._gamma = stage.shares, float(stage.end_law.gamma)
        self._sent: list[tuple[float, ...]] = []
        self._fills: list[tuple[float, ...]] = []
        self._fill_times: list[int] = []
        self._value, self._deciding = np.full(stage.moments, np.nan), Deciding()

    def advance(self, window: Window) -> None:
        """Work the moments of a window."""
        known = int(self._books.known[window.end - 1])
        self._size[self._copied : known] = self._books.size[self._copied : known]
        if self._how.clipped:
            self._size[self._copied : known, window.tape.shown :] = 0.0
        self._copied = known
        for at in range(max(window.begin, self._stage.first), window.end):
            if self._left <= 0:
                return
            if window.seen[at - window.begin] < 0:
                self._missed += 1
            else:
                child = self._decide(self._see(window, at))
                if np.isfinite(child.limit):
                    self._value[at - self._stage.first] = child.limit
                self._meet(window, at, child)

    def pass_to(self, tape: SideTape, row: int) -> None:
        """Let the tape's rows up to one pass."""
        passed = max(self._passed - tape.first, -1)
        if row > passed:
            self._depletion.pass_rows(tape.dear[passed + 1 : row + 1])
            self._passed = tape.first + row

    def _see(self, window: Window, at: int) -> Seen:
        """Return what is known at a moment that has a book."""
        stage, books, tape = self._stage, self._books, window.tape
        row, present = int(window.seen[at - window.begin]), int(books.known[at]) - 1
        self.pass_to(tape, row)
        dear, time = _dear(tape, books.over[present], row), int(stage.times[at])
        self._size[present] = self._depletion.left(dear, self._size[present], tape.shown, time)
        return books.seen(at, self._left, self._size, float(stage.volume[at]))

    def _decide(self, seen: Seen) -> Child:
        """Return the order of a moment, and note how long that took."""
        begin = perf_counter()
        learned = self._decider.learn(seen)
        between = perf_counter()
        child = self._decider.decide(seen)
        end = perf_counter()
        lesson = between - begin if learned else 0.0
        self._deciding += Deciding(int(learned), lesson, 1, end - begin - lesson)
        return child

    def _meet(self, window: Window, at: int, child: Child) -> None:
        """Fill an order at the book that stands when it arrives, up to its limit."""
        if child.shares <= 0:
            return
        stage, tape, number = self._stage, window.tape, at - window.begin
        limit = stage.sign * tape.mid[window.seen[number]] + child.limit  # as dear as it may be
        row, filled, moved = int(window.met[number]), 0.0, self._moved(0.0)
        if row >= 0:
            self.pass_to(tape, row)
            filled = self._take(window, number, child, limit)
        self._left -= filled
        price = stage.sign * (limit + moved)
        self._sent.append((at - stage.first, child.shares, price, child.must, filled))

    def _take(self, window: Window, number: int, child: Child, limit: float) -> float:
        """Take what the order may from a book and return how much that is."""
        stage, tape, place = self._stage, window.tape, window.place[number]
        row, shown = int(window.met[number]), window.tape.shown
        dear = _dear(tape, window.meeting.over[place], row)
        time = int(stage.times[window.begin + number]) + stage.clock.latency
        there = self._depletion.left(dear, window.meeting.size[place], shown, time)
        if self._how.clipped:
            there = np.append(there[:shown], np.zeros(len(there) - shown))
        near = there[dear <= limit + SLIP * tape.spread[row]].sum()
        amount = np.floor(max(min(child.shares, near), min(child.must, there.sum())) + SLIP)
        if amount <= 0:
            return 0.0
        taken = np.clip(amount - (np.cumsum(there) - there), 0.0, there)
        self._depletion.add(dear, taken, shown, time)
        best, mid = float(tape.dear[row, 0]), float(tape.mid[row])
        paid = float(taken @ (dear - best)) / amount + best
        beyond, sign = float(taken[shown:].sum()), stage.sign
        moved = self._moved(amount / 2)
        pressure = float(book_pressure(tape.tilt[row], tape.spread[row]))
        self._fills.append((amount, sign * paid, sign * best, mid, beyond, sign * moved, pressure))
        self._fill_times.append(time)
        return float(amount)

    def _moved(self, more: float) -> float:
        """Return what the order has moved the mid by, and by some shares more."""
        if not self._how.moves:
            return 0.0
        return self._gamma * (self._stage.shares - self._left + more)

    def result(self, path: MidPath) -> Replayed:
        """Return what was done and what it cost."""
        stage, books = self._stage, self._books
        sent = np.array(self._sent, dtype=np.float64).reshape(-1, 5).T
        filled = np.array(self._fills, dtype=np.float64).reshape(-1, 7).T
        fills = Fills(*filled[:4])
        times = np.array(self._fill_times, dtype=np.int64)
        rest, law = float(self._left), stage.end_law
        benchmark = Benchmark(
            sign=stage.sign,
            shares=stage.shares,
            arrival=books.arrival,
            last=books.last,
            gamma=float(law.gamma),
            rest_cost=float(np.ravel(law.cost(rest))[0]) if rest > 0 else 0.0,
        )
        marks = {
            seconds: markout(fills, path.at(times + seconds * SECOND_NS), stage.sign, books.arrival)
            for seconds in MARKOUTS
        }
        return Replayed(
            Sent(sent[0].astype(np.int64), *sent[1:]),
            fills,
            times,
            filled[5],
            shortfall(fills, benchmark),
            marks,
            filled[4],
            filled[6],
            BPS * float(fills.shares @ filled[6]) / (stage.shares * abs(books.arrival)),
            self._value,
            self._missed,
            self._deciding,
        )


def _dear(tape: SideTape, over: Floats, row: int) -> Floats:
    """Return a ladder's prices times the sign; those shown are the tape's own, to the bit."""
    dear = over + tape.sign * tape.mid[row]
    dear[: tape.shown] = np.fmax.accumulate(tape.dear[row])
    return dear
