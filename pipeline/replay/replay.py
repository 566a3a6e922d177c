"""One order replayed moment by moment under one policy: decisions, fills, and what they cost."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tca.shortfall import Benchmark, Fills, Shortfall, markout, shortfall
from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.curves import Curves, SideTape, curves
from pipeline.replay.holes import Holes
from pipeline.replay.moments import HISTORY_NS, Clock
from solver import ImpactLaw
from solver.execution import Band, Child, Learning, Past, Policy, Seen, decision

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LawOfTime = Callable[[Ints], ImpactLaw]  # one entry a time
SLIP = 1e-9  # of rounding in prices over mid, of the spread, and in shares
MARKOUTS = (1, 5, 30, 60, 300)  # seconds after a fill


@dataclass(frozen=True, eq=False)
class Stage:
    """An order's moments on a tape and their books, shared by all policies. Shapes: (m,).

    times: ns, the hour before the order included; first: the order's first one. seen, met: the rows
    known at each moment and filled at, -1 without a book; seen_curves, met_curves: their ladders,
    one a moment that has a book. gamma: currency / share^2; end_law: of the order's end.
    """

    tape: SideTape
    shares: float
    clock: Clock
    times: Ints
    first: int
    seen: Ints
    met: Ints
    seen_curves: Curves
    met_curves: Curves
    end_law: ImpactLaw

    @property
    def moments(self) -> int:
        """Return how many moments the order has."""
        return len(self.times) - self.first

    @property
    def shown(self) -> int:
        """Return how many levels the tape shows."""
        return self.tape.dear.shape[1]


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


@dataclass(frozen=True, eq=False)
class Replayed:
    """One policy's orders and fills, their cost, and the moments that had no book to decide on.

    fill_times: (n,) ns; markouts: by seconds, bps, positive where the price went the order's way;
    beyond_shown: shares filled behind the levels shown.
    """

    sent: Sent
    fills: Fills
    fill_times: Ints
    parts: Shortfall
    markouts: dict[int, float]
    beyond_shown: float
    missed: int


def set_stage(
    tape: SideTape,
    shares: float,
    clock: Clock,
    stretches: tuple[tuple[int, int], ...],
    law_at: LawOfTime,
) -> Stage:
    """Return the moments of an order and their curves.

    Raises: ValueError when it has no moment, or no book stands at any of them.
    """
    times, first = clock.moments(stretches)
    if first == len(times):
        raise ValueError("no moment lies between start and end; lower the interval")
    seen, met = tape.arrived(times), tape.arrived(times + clock.latency)
    if (seen[first:] < 0).all():
        raise ValueError("no two-sided book stands at any moment between start and end")
    found = [
        curves(tape, rows[rows >= 0], law_at(times[rows >= 0]), shares) for rows in (seen, met)
    ]
    return Stage(tape, shares, clock, times, first, seen, met, *found, law_at(times[-1:]))


def replay(stage: Stage, policy: Policy, band: Band) -> Replayed:
    """Work the order under the policy: decide on what had arrived, fill at what stands later."""
    loop, known = _Loop(stage), None
    for moment in range(stage.moments):
        if loop.left <= 0:
            break
        seen = loop.see(moment)
        if seen is None:
            continue
        if isinstance(policy, Learning) and (known is None or moment % policy.every == 0):
            known = policy.learned(seen)
        loop.meet(moment, decision(known or policy, band, seen))
    return loop.result()


class _Loop:
    """Where a replayed order stands: what is left, what is missing from the book, what was done."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.left, self.missed = stage, stage.shares, 0
        self._holes, self._passed = Holes(), int(stage.seen[stage.first])
        self._seen_at, self._met_at = (
            np.cumsum(rows >= 0) - 1 for rows in (stage.seen, stage.met)
        )  # the ladder of each moment
        self._known = np.flatnonzero(stage.seen >= 0)
        known_times, known_rows = stage.times[self._known], stage.seen[self._known]
        self._since = np.searchsorted(known_times, stage.times - HISTORY_NS)
        self._number = self._known - stage.first
        self._spread, self._tilt = stage.tape.spread[known_rows], stage.tape.tilt[known_rows]
        self._mid = stage.tape.sign * stage.tape.mid[known_rows]
        volume = stage.tape.volume_by(stage.times)
        self._volume = volume - volume[stage.first]
        self._sent: list[tuple[float, ...]] = []
        self._fills: list[tuple[float, ...]] = []
        self._fill_times: list[int] = []

    def see(self, moment: int) -> Seen | None:
        """Return what is known at a moment, None where no book is."""
        stage, at = self.stage, self.stage.first + moment
        row = int(stage.seen[at])
        if row < 0:
            self.missed += 1
            return None
        self._pass_to(row)
        end = int(self._seen_at[at]) + 1
        hour = slice(int(self._since[at]), end)
        over, size = stage.seen_curves.over, stage.seen_curves.size
        present = over[end - 1]
        return Seen(
            moment=moment,
            moments=stage.moments,
            shares=stage.shares,
            left=self.left,
            over=present,
            size=self._holes.left(self._dear(present, row), size[end - 1], stage.shown),
            spread=float(self._spread[end - 1]),
            tilt=float(self._tilt[end - 1]),
            volume=float(self._volume[at]),
            past=Past(
                self._number[hour],
                over[hour],
                size[hour],
                self._spread[hour],
                self._mid[hour],
                self._tilt[hour],
            ),
        )

    def meet(self, moment: int, child: Child) -> None:
        """Fill an order at the book that stands when it arrives, up to its limit."""
        stage, at = self.stage, self.stage.first + moment
        if child.shares <= 0:
            return
        mid = stage.tape.mid
        limit = stage.tape.sign * mid[stage.seen[at]] + child.limit  # as dear as it may be
        row, filled = int(stage.met[at]), 0.0
        if row >= 0:
            self._pass_to(row)
            place = int(self._met_at[at])
            dear = self._dear(stage.met_curves.over[place], row)
            filled = self._take(row, dear, stage.met_curves.size[place], child, limit)
            if filled:
                self._fill_times.append(int(stage.times[at]) + stage.clock.latency)
        self.left -= filled
        price = stage.tape.sign * limit
        self._sent.append((moment, child.shares, price, child.must, filled))

    def _take(self, row: int, dear: Floats, size: Floats, child: Child, limit: float) -> float:
        """Take what the order may from a ladder and return how much that is."""
        tape, shown = self.stage.tape, self.stage.shown
        there = self._holes.left(dear, size, shown)
        near = there[dear <= limit + SLIP * tape.spread[row]].sum()
        amount = np.floor(max(min(child.shares, near), min(child.must, there.sum())) + SLIP)
        if amount <= 0:
            return 0.0
        taken = np.clip(amount - (np.cumsum(there) - there), 0.0, there)
        self._holes.add(dear, taken, shown)
        best, mid = float(tape.dear[row, 0]), float(tape.mid[row])
        paid = float(taken @ (dear - best)) / amount + best
        beyond = float(taken[shown:].sum())
        self._fills.append((amount, tape.sign * paid, tape.sign * best, mid, beyond))
        return float(amount)

    def _dear(self, over: Floats, row: int) -> Floats:
        """Return a ladder's prices times the sign; those shown are the tape's own, to the bit."""
        tape, shown = self.stage.tape, self.stage.shown
        dear = over + tape.sign * tape.mid[row]
        dear[:shown] = np.fmax.accumulate(tape.dear[row])
        return dear

    def _pass_to(self, row: int) -> None:
        """Let the rows up to one pass."""
        if row > self._passed:
            self._holes.pass_rows(self.stage.tape.dear[self._passed + 1 : row + 1])
            self._passed = row

    def result(self) -> Replayed:
        """Return what was done and what it cost."""
        stage = self.stage
        sent = np.array(self._sent, dtype=np.float64).reshape(-1, 5).T
        filled = np.array(self._fills, dtype=np.float64).reshape(-1, 5).T
        fills = Fills(*filled[:4])
        times = np.array(self._fill_times, dtype=np.int64)
        seen, met = stage.seen[stage.first :], stage.met[stage.first :]
        arrival = float(stage.tape.mid[seen[seen >= 0][0]])
        rest = float(self.left)
        benchmark = Benchmark(
            sign=stage.tape.sign,
            shares=stage.shares,
            arrival=arrival,
            last=float(stage.tape.mid[max(seen.max(), met.max())]),
            gamma=float(stage.end_law.gamma),
            rest_cost=float(np.ravel(stage.end_law.cost(rest))[0]) if rest > 0 else 0.0,
        )
        marks = {
            seconds: markout(
                fills, stage.tape.mid_at(times + seconds * SECOND_NS), stage.tape.sign, arrival
            )
            for seconds in MARKOUTS
        }
        return Replayed(
            Sent(sent[0].astype(np.int64), *sent[1:]),
            fills,
            times,
            shortfall(fills, benchmark),
            marks,
            float(filled[4].sum()),
            self.missed,
        )
