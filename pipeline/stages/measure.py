"""The features stage over every symbol-day of a job."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.engine.job import Job
from pipeline.engine.sessions import Session
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.tables import Features
from pipeline.stages import features
from pipeline.tape.days import DayInput

if TYPE_CHECKING:
    from pipeline.tape.ingest import Day


@dataclass(frozen=True)
class DaySettings:
    """How one symbol-day is measured."""

    session: Session
    sizes: tuple[float, ...]
    label: str


def measure_days(job: Job, days: list[DayInput]) -> list[Output]:
    """Measure every symbol-day, or find it in the store; in the order of `days`."""
    sizes = job.config.features.sizes
    return job.stage(
        "features",
        execute,
        [
            Task(
                "features",
                f"{day.symbol} {day.date}",
                Features,
                _measure,
                (day,),
                DaySettings(job.calendar.session(day.date), sizes, f"{day.symbol} {day.date}"),
                job.store,
            )
            for day in days
        ],
    )


def _measure(day: "Day", settings: DaySettings) -> Features:
    return features.run(day, settings.session, settings.sizes, settings.label)
