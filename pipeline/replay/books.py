"""The books of an order's moments, those of the hour before it too, as they arrive on the tape."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.replay.moments import HISTORY_NS, Clock
from pipeline.replay.side_tape import SideTape
from solver import ImpactLaw
from solver.execution import RUNGS, Ladders, Past, Seen

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LawOfTime = Callable[[Ints], ImpactLaw]  # one entry a time


@dataclass(frozen=True, eq=False)
class Stage:
    """An order's moments on a tape, which all policies share. Shapes: (m,).

    sign: +1 buys, -1 sells; times: ns, the hour before the order included; first: the order's first
    one; volume: shares that the market had traded by each moment since the order's first.
    """

    sign: int
    shares: float
    clock: Clock
    times: Ints
    first: int
    volume: Floats
    law_at: LawOfTime

    @property
    def moments(self) -> int:
        """Return how many moments the order has."""
        return len(self.times) - self.first

    @property
    def end_law(self) -> ImpactLaw:
        """Return the law at the order's last moment."""
        return self.law_at(self.times[-1:])


@dataclass(frozen=True, eq=False)
class Window:
    """Moments begin to end (excluded) and the rows that hold all they need of the tape.

    seen, met: (end - begin,) the rows known at each moment and filled at, -1 without a book;
    meeting: the books of the latter, one a moment that has one, `place` its number among them.
    """

    tape: SideTape
    begin: int
    end: int
    seen: Ints
    met: Ints
    meeting: Ladders
    place: Ints


class Books:
    """The books known at the moments so far, shared by the policies of one clock.

    Shapes: over, size (n, K), spread, tilt, mid, number (n,), one entry a moment that has a book;
    mid: times the sign; number: of the moment, from 0 at the order's first. known: (m,) how many
    there are up to each moment; since: (m,) the first of its last hour.
    """

    def __init__(self, stage: Stage, levels: int) -> None:
        many = len(stage.times)
        self._stage, self.next = stage, 0  # the first moment that is still to come
        self.over, self.size = (np.empty((many, levels + RUNGS)) for _ in range(2))
        self.spread, self.tilt, self.mid = (np.empty(many) for _ in range(3))
        self.number = np.empty(many, dtype=np.int64)
        self.known, self.since = (np.zeros(many, dtype=np.int64) for _ in range(2))
        self._times = np.empty(many, dtype=np.int64)
        self.arrival, self.last = np.nan, np.nan  # mids

    def advance(self, tape: SideTape, final: bool) -> Window | None:
        """Take up the moments whose fills the tape shows, all of them when it is at its end."""
        stage, begin = self._stage, self.next
        times = stage.times[begin:]
        fills = times + stage.clock.latency
        ready = len(times) if final else int(np.searchsorted(fills, tape.ts[-1]))
        if not ready:
            return None
        times, fills = times[:ready], fills[:ready]
        seen, met = tape.arrived(times), tape.arrived(fills)
        self.add(tape, begin, seen)
        meets = met >= 0
        law = stage.law_at(times[meets])
        window = Window(
            tape,
            begin,
            self.next,
            seen,
            met,
            tape.ladders(met[meets], law, stage.shares),
            np.cumsum(meets) - 1,
        )
        self._note_mids(window)
        return window

    def add(self, tape: SideTape, begin: int, seen: Ints) -> None:
        """Add the books of the moments from `begin` on, rows of the tape, -1 without one."""
        stage, self.next = self._stage, begin + len(seen)
        has = seen >= 0
        rows, moments = seen[has], begin + np.flatnonzero(has)
        before = int(self.known[begin - 1]) if begin else 0
        new = slice(before, before + len(rows))
        times = stage.times[moments]
        ladders = tape.ladders(rows, stage.law_at(times), stage.shares)
        self.over[new], self.size[new] = ladders.over, ladders.size
        self.spread[new], self.tilt[new] = tape.spread[rows], tape.tilt[rows]
        self.mid[new] = tape.sign * tape.mid[rows]
        self.number[new], self._times[new] = moments - stage.first, times
        self.known[begin : self.next] = before + np.cumsum(has)
        hour = stage.times[begin : self.next] - HISTORY_NS
        self.since[begin : self.next] = np.searchsorted(self._times[: new.stop], hour)

    def _note_mids(self, window: Window) -> None:
        order = max(self._stage.first - window.begin, 0)
        seen, last = window.seen[order:], max(window.seen.max(), window.met.max())
        if np.isnan(self.arrival) and (seen >= 0).any():
            self.arrival = float(window.tape.mid[seen[seen >= 0][0]])
        if last >= 0:
            self.last = float(window.tape.mid[last])

    def seen(self, at: int, left: float, size: Floats, volume: float) -> Seen:
        """Return what a policy sees at a moment that has a book.

        left: shares not yet filled; size: (n, K) of the books as this order meets them; volume:
        shares that the market traded since its first moment.
        """
        stage, end = self._stage, int(self.known[at])
        hour, present = slice(int(self.since[at]), end), end - 1
        return Seen(
            moment=at - stage.first,
            moments=stage.moments,
            shares=stage.shares,
            left=left,
            over=self.over[present],
            size=size[present],
            spread=float(self.spread[present]),
            tilt=float(self.tilt[present]),
            volume=volume,
            past=Past(
                self.number[hour],
                self.over[hour],
                size[hour],
                self.spread[hour],
                self.mid[hour],
                self.tilt[hour],
            ),
        )

    def oldest(self, tape: SideTape) -> int:
        """Return the row from which the moments to come need the tape."""
        if self.next == len(self._stage.times):
            return len(tape.ts)
        upcoming = self._stage.times[self.next]
        return max(int(np.searchsorted(tape.ts, upcoming, side="right")) - 1, 0)
