"""What a finished run hands to its report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from models.inference.caveat import Caveat
from pipeline.engine.config import AllocateConfig
from pipeline.engine.data_read import DataRead
from pipeline.engine.tables import Calibration, Forecast, Learned, Schedule, Selection


@dataclass(frozen=True)
class SymbolReport:
    """What every stage found for one symbol, and the order that was scheduled; findings: of the
    checks of its tape and forecasts, as `pipeline.engine.findings` has them, and `effect`: of
    leaving the day out. caveats: of its files. read: what of the tape it comes from; planted: the
    parameters of a simulated tape, by name.
    """

    symbol: str
    forecast: Forecast
    calibration: Calibration
    shrinkage: pd.DataFrame
    learned: Learned
    selection: Selection
    schedule: Schedule
    order: AllocateConfig
    caveats: tuple[Caveat, ...]
    findings: pd.DataFrame
    read: DataRead
    planted: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunFacts:
    """Where the run's numbers come from.

    created, as_of: ISO 8601 with offset; location: of the tape, empty of a simulated one.
    stages: stage, tasks, computed, reused, seconds (of work, summed over processes).
    """

    created: str
    code_version: str
    data_hash: str
    run_id: str
    source: str
    location: str
    as_of: str
    stages: pd.DataFrame
