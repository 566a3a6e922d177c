"""A whole tape measured: order sizes from the depth shown, then every symbol-day at those sizes."""

from pipeline.engine.errors import InputError
from pipeline.engine.job import Job
from pipeline.engine.stage import Output, Task, execute
from pipeline.stages.measuring.features import DaySettings, measure_day
from pipeline.stages.measuring.shown_depth import DepthSettings, chosen_sizes, shown_depth
from pipeline.tape.opening import Tape


def measure_days(job: Job, tape: Tape) -> dict[str, tuple[Output, ...]]:
    """Measure every symbol-day of a tape, by symbol.

    Raises: InputError naming the symbol when its tape has no time with a book.
    """
    sizes = _sizes(job, tape)
    tasks = []
    for day in tape.days:
        label = f"{day.symbol} {day.date}"
        settings = DaySettings(job.calendar.session(day.date), sizes[day.symbol], label)
        tasks.append(Task("features", label, measure_day, (day,), settings, job.store))
    return tape.by_symbol(job.stage("features", execute, tasks))


def measure_alone(job: Job, tape: Tape) -> None:
    """Measure of every symbol-day what does not depend on the other days: all of it at sizes that
    are configured, else the depth shown, which sizes come from.
    """
    if job.config.features.sizes == "auto":
        _depths(job, tape)
    else:
        measure_days(job, tape)


def _sizes(job: Job, tape: Tape) -> dict[str, tuple[float, ...]]:
    """Return the order sizes by symbol: as configured, or from what its book showed by `as_of`,
    as before where that is near.
    """
    asked = job.config.features.sizes
    if asked != "auto":
        return dict.fromkeys((day.symbol for day in tape.days), asked)
    found = {}
    for symbol, outputs in _depths(job, tape).items():
        try:
            depths = [output.load() for output in outputs]
            found[symbol] = chosen_sizes(depths, tuple(job.sizes.get(symbol, ())))
        except ValueError as error:
            raise InputError(f"{symbol}: {error}; supply tape with two-sided quotes") from None
    return found


def _depths(job: Job, tape: Tape) -> dict[str, tuple[Output, ...]]:
    """Measure the depth that every symbol-day showed by `as_of`, by symbol."""
    tasks = []
    for day in tape.days:
        session = job.calendar.session(day.date)
        settings = DepthSettings(session, min(tape.scope.as_of, session.close_ns))
        label = f"{day.symbol} {day.date}"
        tasks.append(Task("depth", label, shown_depth, (day,), settings, job.store))
    return tape.by_symbol(job.stage("depth", execute, tasks))
