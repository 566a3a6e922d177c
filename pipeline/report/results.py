"""What a finished run hands to its report."""

from dataclasses import dataclass

import pandas as pd

from models.inference.caveat import Caveat
from pipeline.engine.config import AllocateConfig
from pipeline.engine.tables import Calibration, Forecast, Learned, Schedule, Selection


@dataclass(frozen=True)
class SymbolReport:
    """What every stage found for one symbol, and the order that was scheduled; findings: of the
    checks of its tape and forecasts, as `pipeline.engine.findings` has them, and `effect`: of
    leaving the day out. caveats: of its files.
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


@dataclass(frozen=True)
class RunFacts:
    """Where the run's numbers come from.

    created, as_of: ISO 8601 with offset. stages: stage, tasks, computed, reused, seconds (of work,
        summed over processes).
    """

    created: str
    code_version: str
    data_hash: str
    run_id: str
    source: str
    as_of: str
    stages: pd.DataFrame
