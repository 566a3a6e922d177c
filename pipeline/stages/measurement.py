"""A whole tape measured: the features stage over every symbol-day."""

from pipeline.engine.job import Job
from pipeline.engine.stage import Output, Task, execute
from pipeline.stages.features import DaySettings, measure_day
from pipeline.tape.opening import Tape


def measure_days(job: Job, tape: Tape) -> dict[str, tuple[Output, ...]]:
    """Measure every symbol-day of a tape, by symbol."""
    tasks = []
    for day in tape.days:
        label = f"{day.symbol} {day.date}"
        settings = DaySettings(job.calendar.session(day.date), job.config.features.sizes, label)
        tasks.append(Task("features", label, measure_day, (day,), settings, job.store))
    return tape.by_symbol(job.stage("features", execute, tasks))
