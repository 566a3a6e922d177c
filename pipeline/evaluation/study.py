"""The command `impact evaluate`: candidates judged by what held-out tape would have charged."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from models.tca.paired import Blocks
from pipeline.engine.config import Config
from pipeline.engine.data_read import DataRead
from pipeline.engine.digests import digest
from pipeline.engine.errors import InputError
from pipeline.engine.job import open_job
from pipeline.engine.sessions import SECOND_NS
from pipeline.evaluation.candidates import (
    CANDIDATES,
    NAMED,
    SEED,
    TAUGHT,
    YARDSTICK,
    Candidate,
    Further,
)
from pipeline.evaluation.controls import shuffled
from pipeline.evaluation.held_out import HeldOut, held_out_days
from pipeline.evaluation.replayed import DayTask, Worked, replay_day
from pipeline.evaluation.verdicts import Row, nested_quantile, rows_of
from pipeline.replay.moments import trading_seconds
from pipeline.tape.opening import find_tape


@dataclass(frozen=True)
class EvaluateRequest:
    """What is judged, and how: names of `NAMED`; sizes: parts of the forecast volume; history:
    days before the first held out; days: the last so many held out, 0 for all; interval, latency:
    seconds; band: share of the order.
    """

    candidates: tuple[str, ...] = tuple(CANDIDATES)
    sizes: tuple[float, ...] = (0.001, 0.01, 0.05)
    history: int = 2
    days: int = 0
    interval: float = 60.0
    latency: float = 0.1
    band: float = 0.1
    out: str = "out"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What held-out tape says. dates, symbols: held out; quantiles: chosen by size and date;
    read: by symbol, the tape that was held out; left_out: symbols that are not, as lines.
    """

    request: EvaluateRequest
    dates: tuple[str, ...]
    symbols: tuple[str, ...]
    rows: tuple[Row, ...]
    worked: tuple[Worked, ...]
    quantiles: dict[tuple[float, str], str]
    read: dict[str, DataRead]
    left_out: tuple[str, ...] = ()

    @property
    def clusters(self) -> str:
        """Return what errors are taken by."""
        return "days" if len(self.dates) > 1 else "blocks of one day"


def evaluate(
    request: EvaluateRequest, config: Config, further: Further | None = None
) -> Evaluation:
    """Judge candidates, and further ones, on every held-out symbol-day, both sides, all sizes.

    Raises: InputError for a request or a tape that cannot be used.
    """
    check_request(request)
    raw = find_tape(config, request.out)
    with open_job(config, request.out, raw.bytes) as job:
        learn = not TAUGHT.isdisjoint(request.candidates)
        days = partial(held_out_days, job, raw, request.history, request.days, learn)
        held = job.without_refused(lambda: list(days()))
        tasks = [task for one in held for task in _tasks(request, config, one, further)]
        if not tasks:
            raise InputError("no symbol has tape on a day that is held out; give more of it")
        left_out = job.left_out()
        worked = [each for day in job.executor.map(replay_day, tasks, "evaluate") for each in day]
    worked, quantiles = nested_quantile(worked)
    rows = rows_of(worked, _blocks(tasks[0]))
    symbols = tuple(dict.fromkeys(task.symbol for task in tasks))
    dates = tuple(dict.fromkeys(task.session.date for task in tasks))
    read = {symbol: _read(held, symbol) for symbol in symbols}
    found = (tuple(rows), tuple(worked), quantiles, read, left_out)
    return Evaluation(request, dates, symbols, *found)


def _read(held: list[HeldOut], symbol: str) -> DataRead:
    """Return which days of a symbol were held out, and the fingerprint of their tape."""
    days = [one.days[symbol] for one in held if symbol in one.days]
    content = digest(*(f"{day.date} {day.key}" for day in days))
    return DataRead(content, days[0].date, days[-1].date, len(days))


def _blocks(task: DayTask) -> Blocks:
    """Return the blocks of a day's order."""
    start = task.span[0]
    end = float(trading_seconds(task.session.stretches, np.array(task.span[1]), start))
    return Blocks.within(0.0, end, task.band)


def check_request(request: EvaluateRequest) -> None:
    """Raise InputError for an option that cannot be."""
    for name in request.candidates:
        if name not in NAMED:
            raise InputError(f"--candidates {name}: unknown; choose of {', '.join(NAMED)}")
    rules = {
        "--sizes": (all(0 < size <= 1 for size in request.sizes) and request.sizes, "0 to 100 %"),
        "--history": (request.history >= 1, "at least 1"),
        "--days": (request.days >= 0, "0 or more"),
        "--interval": (request.interval > 0, "above 0"),
        "--latency": (0 <= request.latency < request.interval, "0 or more, and below --interval"),
        "--band": (0 < request.band <= 1, "a share of the order, above 0, up to 1"),
    }
    for name, (holds, rule) in rules.items():
        if not holds:
            raise InputError(f"{name} {getattr(request, name[2:])}: must be {rule}")


def _tasks(
    request: EvaluateRequest, config: Config, held: HeldOut, further: Further | None
) -> list[DayTask]:
    candidates: dict[str, Candidate] = {
        name: NAMED[name] for name in dict.fromkeys([YARDSTICK, *request.candidates])
    }
    params = dict(held.params)
    if "shuffled" in candidates:
        params["shuffled"] = shuffled(held.params["law"], SEED)
    if further:
        candidates |= further.candidates
        params |= further.params(held.params)
    interval, latency = (round(each * SECOND_NS) for each in (request.interval, request.latency))
    return [
        DayTask(
            symbol=symbol,
            day=day,
            session=held.session,
            params=params,
            sizes=request.sizes,
            order=config.allocate,
            candidates=candidates,
            interval=interval,
            latency=latency,
            band=request.band,
        )
        for symbol, day in held.days.items()
    ]
