"""What a day charges parameters that were made before it: the plans that they would have led to."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from pipeline.engine.job import Job
from pipeline.engine.sessions import SECOND_NS, Session
from pipeline.evaluation.candidates import YARDSTICK, Candidate
from pipeline.evaluation.replayed import DayTask, replay_day
from pipeline.parameters.export import iso
from pipeline.parameters.schema import Params, SymbolParams
from pipeline.tape.opening import RawTape, ingest_files

SIZE, EVERY, LATENCY, BAND = 0.01, 60 * SECOND_NS, SECOND_NS // 10, 0.1
PLAN = "plan of "


def charged(
    job: Job, raw: RawTape, date: str, made: Mapping[str, Params], fixed: Mapping[str, Params]
) -> dict[str, float] | None:
    """Replay files' plans of 1 % of the forecast volume on a day, both sides, every 60 s; return
    what each cost over mid, and TWAP, in bps, by name.

    made: for that day, the first one's forecast sizes the orders; fixed: read as of that day, of
    other names. None where no symbol of all has tape then.
    Raises: InputError naming symbol and day when it cannot be replayed.
    """
    session = job.calendar.session(date)
    files = {**made, **{name: redated(each, session) for name, each in fixed.items()}}
    params = {f"{PLAN}{name}": each for name, each in files.items()}
    plans = {name: Candidate("static", "the plan of a file", law=name) for name in params}
    both = set.intersection(*(set(each.symbols) for each in files.values()))
    days, _, _ = ingest_files(job, raw)
    tasks = [
        DayTask(
            symbol=day.symbol,
            day=day,
            session=session,
            params={"law": next(iter(made.values())), **params},
            sizes=(SIZE,),
            order=job.config.allocate,
            candidates={YARDSTICK: Candidate(YARDSTICK, "evenly by time"), **plans},
            interval=EVERY,
            latency=LATENCY,
            band=BAND,
        )
        for day in days
        if day.date == date and day.symbol in both
    ]
    costs: dict[str, list[float]] = defaultdict(list)
    for worked in job.executor.map(replay_day, tasks, "charge"):
        for one in worked:
            if one.account == "by_price" and one.run is not None:
                costs[one.name.removeprefix(PLAN)].append(one.run.cost)
    return {name: float(np.mean(each)) for name, each in costs.items()} or None


def redated(params: Params, session: Session) -> Params:
    """Return a file as if it were for another session; what a half day does not reach is left out.

    It says what was known when it was made: nothing in it but times is changed.
    """
    symbols = {name: _redated(one, session) for name, one in params.symbols.items()}
    start = min(one.periods[0].start for one in symbols.values())
    valid = params.valid.model_copy(update={"start": start, "end": iso(session.close_ns)})
    return params.model_copy(update={"symbols": symbols, "valid": valid})


def _redated(symbol: SymbolParams, session: Session) -> SymbolParams:
    periods = tuple(
        one.model_copy(update={"start": iso(int(session.starts_ns[one.i]))})
        for one in symbol.periods
        if one.i < session.periods
    )
    return symbol.model_copy(update={"periods": periods})
