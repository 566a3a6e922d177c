"""The command `impact replay`: an order on a tape under policies beside each other."""

from dataclasses import dataclass

import numpy as np

from pipeline.engine.config import AllocateConfig, Config
from pipeline.engine.errors import InputError
from pipeline.engine.job import open_job
from pipeline.engine.sessions import SECOND_NS, Session
from pipeline.parameters.schema import read_params
from pipeline.replay.curves import SideTape
from pipeline.replay.moments import Clock
from pipeline.replay.policies import Planned, parse_policy, policy_of
from pipeline.replay.replay import Replayed, replay, set_stage
from pipeline.stages.book_walks import book_of
from pipeline.tape.opening import find_tape, ingest_files
from solver.execution import Band

SIGN = {"buy": 1, "sell": -1}


@dataclass(frozen=True)
class ReplayRequest:
    """An order to be replayed, and how: policies by name, interval and latency in seconds.

    band: share of the order; phases: how often it is replayed, its moments put off by a random part
    of the interval (the first time by none), all policies alike.
    """

    params: str
    symbol: str
    order: AllocateConfig
    policies: tuple[str, ...]
    interval: float = 10.0
    latency: float = 0.1
    band: float = 0.1
    phases: int = 1
    seed: int = 0
    out: str = "out"


@dataclass(frozen=True, eq=False)
class ReplayResult:
    """What every policy did, by name, once a phase."""

    request: ReplayRequest
    date: str
    moments: int
    found: dict[str, tuple[Replayed, ...]]


def replay_order(request: ReplayRequest, config: Config) -> ReplayResult:
    """Replay the order on the tape of the parameters' session.

    Raises: InputError when order, parameters and tape do not fit together.
    """
    _check(request)
    params = read_params(request.params)
    planned = Planned(params, request.symbol, request.order)
    sign = SIGN[request.order.side]
    tape, session = _open(request, config, int(planned.starts[0]), sign)
    span = int(planned.starts[0]), min(planned.end, session.close_ns)
    found: dict[str, list[Replayed]] = {name: [] for name in request.policies}
    for clock in _clocks(request, span):
        try:
            stage = set_stage(tape, request.order.shares, clock, session.stretches, planned.law_at)
        except ValueError as error:
            raise InputError(f"{request.symbol} {session.date}: {error}") from error
        for name in request.policies:
            policy = policy_of(name, stage, planned)
            found[name].append(replay(stage, policy, Band(request.band)))
    results = {name: tuple(runs) for name, runs in found.items()}
    return ReplayResult(request, session.date, stage.moments, results)


def _check(request: ReplayRequest) -> None:
    """Raise InputError for an option that cannot be."""
    rules = {
        "--interval": (request.interval > 0, "above 0"),
        "--latency": (request.latency >= 0, "0 or more"),
        "--band": (0 <= request.band <= 1, "a share of the order, 0 to 1"),
        "--phases": (request.phases >= 1, "at least 1"),
    }
    for name, (holds, rule) in rules.items():
        if not holds:
            raise InputError(f"{name} {getattr(request, name[2:])}: must be {rule}")
    for name in request.policies:
        parse_policy(name)
    if len(set(request.policies)) < len(request.policies):
        raise InputError(f"--policy {','.join(request.policies)}: names one twice")


def _open(
    request: ReplayRequest, config: Config, start: int, sign: int
) -> tuple[SideTape, Session]:
    """Return the tape of the session that the order starts in.

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
        loaded = day.load()
        quotes, trades = loaded.quotes, loaded.trades
        prints = trades["ts"].to_numpy(), trades["size"].to_numpy()
        tape = SideTape.of(quotes["ts"].to_numpy(), book_of(quotes), sign, prints)
        return tape, job.calendar.session(date)


def _clocks(request: ReplayRequest, span: tuple[int, int]) -> list[Clock]:
    rng = np.random.default_rng(request.seed)
    phases = [0.0, *rng.uniform(size=request.phases - 1)]
    interval, latency = (round(each * SECOND_NS) for each in (request.interval, request.latency))
    return [Clock(*span, interval, latency, float(phase)) for phase in phases]
