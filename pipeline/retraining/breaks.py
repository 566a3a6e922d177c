"""A day that lies apart from all before it, and a second one that agrees: where a history begins
anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact.book.cost_law import LEVEL
from pipeline.parameters.schema import Params
from pipeline.report.publish import Results

FEWEST = 5  # days besides the last one
DEVIATIONS = 5.0  # of the other days' robust standard deviation
MATERIAL = {"k": 0.05, "level": 0.2}  # of 1, and of a log: less is no break however clear
AGREES = 0.5  # of the first day's shift: how far the second one's may be from it
MAD = 1.4826  # from the median absolute deviation to a standard deviation


@dataclass(frozen=True)
class Shift:
    """How far a symbol's last day lies from the other days: of what, how far, and of the day before
    it, in the same unit; deviations: of the other days' robust standard deviation.
    """

    symbol: str
    what: str
    last: float
    before: float
    deviations: float

    @property
    def apart(self) -> bool:
        """Tell whether it is a break, if the next day agrees."""
        return self.deviations > DEVIATIONS and abs(self.last) > MATERIAL[self.what]

    @property
    def lasts(self) -> bool:
        """Tell whether the day before lay as far on the same side."""
        return abs(self.last - self.before) < AGREES * max(abs(self.last), abs(self.before))


def shifts_of(results: Results) -> list[Shift]:
    """Return every symbol's shifts in k and in the level of the cost of its depth, where there are
    days enough to tell.
    """
    tables = {one.symbol: one.calibration.without for one in results.symbols}
    return [
        shift
        for symbol, without in tables.items()
        if len(without) > FEWEST
        for shift in _shifts(symbol, without, results.params, results.config.calibrate.half_life)
    ]


def _shifts(
    symbol: str, without: pd.DataFrame, params: Params, half_life: float | str
) -> list[Shift]:
    table = without.sort_values("date")
    age = np.arange(len(table))[::-1]
    weight = np.ones(len(table)) if isinstance(half_life, str) else 0.5 ** (age / half_life)
    levels = table[[name for name in table.columns if name.startswith(LEVEL)]].mean(axis=1)
    depth = max(params.symbols[symbol].reference.depth_shares, 1.0)
    moves: Mapping[str, pd.Series] = {
        "k": table["k"],
        "level": levels + np.log(depth) * table["k"],
    }
    found = []
    for what, move in moves.items():
        # leaving a day out moves the mean of all by its distance, as its weight is to the others'
        day = -(weight.sum() - weight) / weight * move.to_numpy(dtype=float)
        if not np.isfinite(day).all():
            continue
        others = day[:-2]
        middle = float(np.median(others))
        spread = MAD * float(np.median(np.abs(others - middle)))
        last, before = float(day[-1]) - middle, float(day[-2]) - middle
        deviations = abs(last) / spread if spread > 0 else np.inf
        found.append(Shift(symbol, what, last, before, deviations))
    return found
