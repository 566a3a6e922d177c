"""One symbol's held-out day replayed: both sides, every size, every candidate."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from models.tca.runs import Run
from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import Session
from pipeline.evaluation.candidates import KNOWN, Candidate, policies
from pipeline.parameters.schema import Params
from pipeline.replay.books import Stage
from pipeline.replay.moments import Clock, trading_seconds
from pipeline.replay.policies import Planned
from pipeline.replay.replay import Contest, Played, Prints, replay, set_stage
from pipeline.replay.request import SIGN
from pipeline.replay.study import accountings_of, batches, prints_of
from pipeline.stages.measuring.book_walks import levels_of
from pipeline.tape.days import DayInput
from solver.execution import Band, Cells, cells_of, clairvoyant

ACCOUNTS = ("by_price", "refilled")  # judged by the first one
CELLS = 400  # across the band of who knows every book


@dataclass(frozen=True, eq=False)
class DayTask:
    """A symbol's day to be replayed. params: by law; sizes: parts of the forecast volume; order:
    what else holds of it; interval, latency: ns; band: share of the order.
    """

    symbol: str
    day: DayInput
    session: Session
    params: Mapping[str, Params]
    sizes: tuple[float, ...]
    order: AllocateConfig
    candidates: Mapping[str, Candidate]
    interval: int
    latency: int
    band: float

    @property
    def span(self) -> tuple[int, int]:
        """Return the order's start and end, ns."""
        planned = Planned(self.params["law"], self.symbol, self.order)
        return int(planned.starts[0]), min(planned.end, self.session.close_ns)


@dataclass(frozen=True, eq=False)
class Worked:
    """One order worked by one candidate. size: part of the forecast volume; account: how what was
    taken is missing afterwards; run: None where nothing was filled; unfilled: shares at the end.
    """

    symbol: str
    date: str
    size: float
    side: str
    shares: float
    account: str
    name: str
    unfilled: float
    run: Run | None


def replay_day(task: DayTask) -> list[Worked]:
    """Replay a day; one pass over the tape a side.

    Raises: InputError naming symbol and day when it cannot be replayed.
    """
    try:
        return [worked for side in SIGN for worked in _side(task, side)]
    except ValueError as error:
        raise InputError(f"{task.symbol} {task.session.date}: {error}") from error


def _side(task: DayTask, side: str) -> list[Worked]:
    levels = next((levels_of(quotes) for quotes in task.day.batches("quotes")), 0)
    _, how = accountings_of(task.params["law"], task.symbol, None, levels)
    how = {name: how[name] for name in ACCOUNTS if name in how}
    prints, band = prints_of(task.day), Band(task.band)
    orders = [_order(task, side, size) for size in task.sizes]
    stages = [_stage(task, order, prints) for order in orders]
    contests = [
        Contest(
            stage,
            policies(task.candidates, task.params, task.symbol, order, stage, band),
            how,
            band,
        )
        for order, stage in zip(orders, stages, strict=True)
    ]
    contests += [Contest(_when_filled(stage), {}, {}, band) for stage in stages]
    played, _ = replay(batches(task.day, SIGN[side]), contests)
    number = len(task.sizes)
    return [
        worked
        for size, one, met in zip(task.sizes, played[:number], played[number:], strict=True)
        for worked in _worked(task, size, one, _known(met, band))
    ]


def _order(task: DayTask, side: str, size: float) -> AllocateConfig:
    """Return the order of a part of the volume that is forecast for its span, at least a share."""
    order = task.order.model_copy(update={"side": side})
    planned = Planned(task.params["law"], task.symbol, order)
    volume = planned.volume(np.array(task.span))
    return order.model_copy(update={"shares": max(1, round(size * volume))})


def _stage(task: DayTask, order: AllocateConfig, prints: Prints) -> Stage:
    planned = Planned(task.params["law"], task.symbol, order)
    clock = Clock(*task.span, task.interval, task.latency)
    stretches = task.session.stretches
    return set_stage(SIGN[order.side], order.shares, clock, stretches, planned.law_at, prints)


def _when_filled(stage: Stage) -> Stage:
    """Return the stage of who looks when orders are filled, not when they are sent."""
    latency = stage.clock.latency
    clock = replace(stage.clock, latency=0)
    return replace(stage, times=stage.times + latency, clock=clock)


def _worked(task: DayTask, size: float, played: Played, known: Run) -> list[Worked]:
    stage, stretches = played.stage, task.session.stretches
    side = next(name for name, sign in SIGN.items() if sign == stage.sign)
    date, accounts = task.session.date, {account for _, account in played.done}
    order = partial(Worked, task.symbol, date, size, side, stage.shares)
    origin = stage.clock.start
    time = trading_seconds(stretches, known.time.astype(np.int64), origin)
    best = replace(known, arrival=played.books.arrival, time=time)
    found = [order(account, KNOWN, 0.0, best) for account in sorted(accounts)]
    for (name, account), done in played.done.items():
        run = None
        if len(done.fill_times):
            time = trading_seconds(stretches, done.fill_times, origin)
            run = Run.of(done.fills, time, stage.sign, played.books.arrival)
        found.append(order(account, name, stage.shares - float(done.fills.shares.sum()), run))
    return found


def _known(met: Played, band: Band) -> Run:
    """Return the cheapest run at the books that orders are filled at; its times are ns."""
    stage, books = met.stage, met.books
    count = int(books.known[-1])
    order = np.arange(count)[books.number[:count] >= 0]
    cells = Cells.of(band, stage.shares, len(order), CELLS)
    price = cells_of(books.over[order], books.size[order], cells.step, cells.reach)
    taken = clairvoyant(price, cells, stage.shares)
    some = np.flatnonzero(taken)
    cost = np.cumsum(price, axis=1)[some, taken[some] - 1] * cells.step
    times = stage.times[stage.first + books.number[order[some]]].astype(np.float64)
    return Run(times, taken[some] * cells.step, cost, stage.sign, 1.0)
