"""The command `impact replay`: an order on a tape under policies beside each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.tca.mid_path import MidPath
from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.job import open_job
from pipeline.engine.sessions import SECOND_NS, Session
from pipeline.parameters.schema import Params
from pipeline.parameters.sections import MidMoveSection
from pipeline.replay.depletion import Depletion, Holes, Refill
from pipeline.replay.loop import Accounting
from pipeline.replay.moments import Clock
from pipeline.replay.policies import Planned, policy_of
from pipeline.replay.replay import Contest, Played, Prints, replay, set_stage
from pipeline.replay.request import ReplayRequest, check_request
from pipeline.replay.side_tape import SideTape
from pipeline.stages.measuring.book_walks import book_of, levels_of
from pipeline.tape.days import DayInput
from pipeline.tape.opening import find_tape, ingest_files
from solver.execution import Band

YARDSTICK = "twap"  # every policy is held against it


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """What every policy did, once a phase, on the session's tape.

    half_life: seconds, None where it is neither measured nor given; mid_move: as the file has it;
    levels: that the tape shows;
    span: ns, from the first period's start to the last one's end.
    """

    request: ReplayRequest
    session: Session
    span: tuple[int, int]
    half_life: float | None
    mid_move: MidMoveSection | None
    levels: int
    played: tuple[Played, ...]
    path: MidPath
    prints: Prints

    @property
    def names(self) -> tuple[str, ...]:
        """Return the policies' names, those asked first."""
        return tuple(dict.fromkeys([*self.request.policies, YARDSTICK]))

    @property
    def volume(self) -> float:
        """Return the shares that the market traded in the order's span."""
        begin, end = self.prints.volume_by(np.array(self.span) - 1)
        return float(end - begin)

    @property
    def pressure_slope(self) -> float:
        """Return the slope of the mid's expected move on the book's pressure, NaN without one."""
        return np.nan if self.mid_move is None else self.mid_move.slope

    @property
    def accountings(self) -> tuple[str, ...]:
        """Return the accountings' names."""
        return tuple(dict.fromkeys(account for _, account in self.played[0].done))


def replay_order(request: ReplayRequest, params: Params, config: Config) -> ReplayResult:
    """Replay the order on the tape of the parameters' session.

    Raises: InputError when order, parameters and tape do not fit together.
    """
    check_request(request)
    planned = Planned(params, request.symbol, request.order)
    day, session = _find(request, config, int(planned.starts[0]))
    span = int(planned.starts[0]), min(planned.end, session.close_ns)
    prints = prints_of(day)
    levels = next((levels_of(quotes) for quotes in day.batches("quotes")), 0)
    half_life, how = accountings_of(params, request.symbol, request.half_life, levels)
    names = tuple(dict.fromkeys([*request.policies, YARDSTICK]))
    contests, band = [], Band(request.band)
    try:
        for clock in _clocks(request, span):
            shares, law = request.order.shares, planned.law_at
            stage = set_stage(request.sign, shares, clock, session.stretches, law, prints)
            policies = {name: policy_of(name, stage, planned, band) for name in names}
            contests.append(Contest(stage, policies, how, band))
        played, path = replay(batches(day, request.sign), contests)
    except ValueError as error:
        raise InputError(f"{request.symbol} {session.date}: {error}") from error
    mid_move = planned.mid_move
    return ReplayResult(
        request, session, span, half_life, mid_move, levels, tuple(played), path, prints
    )


def accountings_of(
    params: Params, symbol: str, half_life: float | None, levels: int
) -> tuple[float | None, dict[str, Accounting]]:
    """Return the half-life, seconds, and the accountings by name.

    half_life: as given, the file's where None; levels: that the tape shows.
    Where a tape shows the best price alone, none is seen to leave: what was taken comes back by
    time in all of them, if a half-life is known.
    """
    slicing = params.symbols[symbol].slicing
    half_life = half_life or slicing.half_life_seconds
    if half_life is None:
        taken: Callable[[], Depletion] = Holes
        more = {}
    else:
        by_time = partial(Refill, half_life * SECOND_NS, slicing.lasting)
        taken = Holes if levels > 1 else by_time
        more = {"refilled": Accounting(by_time, moves=True)}
    how = {"by_price": Accounting(taken), "shown_depth": Accounting(taken, clipped=True)}
    return half_life, how | more


def _find(request: ReplayRequest, config: Config, start: int) -> tuple[DayInput, Session]:
    """Return the symbol's day that the order starts in, and its session.

    Raises: InputError when it is not there.
    """
    raw = find_tape(config, request.out)
    with open_job(config, request.out, raw.bytes) as job:
        days, _, _ = ingest_files(job, raw)
        date = str(job.calendar.session_of(np.array([start]))[0])
        day = next((day for day in days if day.date == date), None)
        if day is None:
            there = ", ".join(sorted({day.date for day in days}))
            raise InputError(
                f"{request.params}: its periods are of {date}, of which the tape has none of "
                f"{request.symbol}; it has {there}"
            )
        return day, job.calendar.session(date)


def prints_of(day: DayInput) -> Prints:
    """Return the trades of a day."""
    batches = [batch.select("ts", "price", "size") for batch in day.batches("trades")]
    columns = (
        np.concatenate([np.empty(0), *(batch[name].to_numpy() for batch in batches)])
        for name in ("price", "size")
    )
    ts = np.concatenate([np.empty(0, np.int64), *(batch["ts"].to_numpy() for batch in batches)])
    return Prints(ts, *columns)


def batches(day: DayInput, sign: int) -> Iterator[SideTape]:
    """Yield a day's books as an order of one side meets them, some rows at a time."""
    first = 0
    for quotes in day.batches("quotes"):
        yield SideTape.of(quotes["ts"].to_numpy(), book_of(quotes), sign, first)
        first += len(quotes)


def _clocks(request: ReplayRequest, span: tuple[int, int]) -> list[Clock]:
    rng = np.random.default_rng(request.seed)
    phases = [0.0, *rng.uniform(size=request.phases - 1)]
    interval, latency = (round(each * SECOND_NS) for each in (request.interval, request.latency))
    return [Clock(*span, interval, latency, float(phase)) for phase in phases]
