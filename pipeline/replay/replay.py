"""An order replayed on a tape: every policy moment by moment, as the tape streams by."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tca.mid_path import MidPath
from pipeline.replay.books import Books, LawOfTime, Stage
from pipeline.replay.loop import Accounting, Loop, Replayed
from pipeline.replay.moments import Clock
from pipeline.replay.side_tape import SideTape, mid_path
from solver.execution import Band, Learning, Policy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Prints:
    """The market's trades of a day. Shapes: (t,). ts: ns, sorted; price; size: shares."""

    ts: Ints
    price: Floats
    size: Floats

    def volume_by(self, times: Ints) -> Floats:
        """Return the shares traded by each time."""
        total = np.concatenate([[0.0], np.cumsum(self.size)])
        return total[np.searchsorted(self.ts, times, side="right")]


NO_PRINTS = Prints(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))


@dataclass(frozen=True, eq=False)
class Played:
    """One clock's replay: its books, and what every policy did by name and by accounting."""

    stage: Stage
    books: Books
    done: dict[tuple[str, str], Replayed]


def set_stage(
    sign: int,
    shares: float,
    clock: Clock,
    stretches: tuple[tuple[int, int], ...],
    law_at: LawOfTime,
    prints: Prints,
) -> Stage:
    """Return the moments of an order.

    Raises: ValueError when it has none.
    """
    times, first = clock.moments(stretches)
    if first == len(times):
        raise ValueError("no moment lies between start and end; lower the interval")
    volume = prints.volume_by(times)
    return Stage(sign, shares, clock, times, first, volume - volume[first], law_at)


@dataclass(frozen=True, eq=False)
class Contest:
    """Policies by name, of one stage, each under every accounting by name, in one band."""

    stage: Stage
    policies: Mapping[str, Policy | Learning]
    accountings: Mapping[str, Accounting]
    band: Band


def replay(tape: Iterable[SideTape], contests: list[Contest]) -> tuple[list[Played], MidPath]:
    """Work the orders as the tape's rows, in consecutive batches, stream by.

    Raises: ValueError when no book stands at any moment of an order.
    """
    runs = [_Run(contest) for contest in contests]
    rest: SideTape | None = None

    def played() -> Iterator[tuple[Ints, Floats]]:
        nonlocal rest
        for batch in tape:
            if len(batch.ts):
                rest = batch if rest is None else rest.followed_by(batch)
                rest = _advance(runs, rest, final=False)
            yield batch.ts, batch.mid

    path = mid_path(played())
    if rest is None:
        raise ValueError("the tape has no books")
    _advance(runs, rest, final=True)
    return [run.result(path) for run in runs], path


def _advance(runs: list["_Run"], tape: SideTape, final: bool) -> SideTape:
    """Let the runs go as far as the tape goes and return the rows that they still need."""
    for run in runs:
        run.advance(tape, final)
    return tape.since(min(run.oldest(tape) for run in runs))


class _Run:
    """A contest under way."""

    def __init__(self, contest: Contest) -> None:
        self._contest = contest
        self._books: Books | None = None
        self._loops: dict[tuple[str, str], Loop] = {}

    def advance(self, tape: SideTape, final: bool) -> None:
        """Take up the moments whose fills the tape shows."""
        contest = self._contest
        if self._books is None:
            self._books = Books(contest.stage, tape.shown)
            self._loops = {
                (name, account): Loop(contest.stage, self._books, policy, contest.band, how)
                for name, policy in contest.policies.items()
                for account, how in contest.accountings.items()
            }
        window = self._books.advance(tape, final)
        for loop in self._loops.values():
            if window is not None:
                loop.advance(window)
            loop.pass_to(tape, self._books.oldest(tape))

    def oldest(self, tape: SideTape) -> int:
        """Return the row from which the run still needs the tape."""
        return self._books.oldest(tape) if self._books else 0

    def result(self, path: MidPath) -> Played:
        """Return what was done."""
        stage, books = self._contest.stage, self._books
        if books is None or np.isnan(books.arrival):
            raise ValueError("no two-sided book stands at any moment between start and end")
        return Played(stage, books, {name: loop.result(path) for name, loop in self._loops.items()})
