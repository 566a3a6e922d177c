"""When an order looks at the market and when its answers arrive there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.sessions import SECOND_NS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HISTORY_NS = 3600 * SECOND_NS  # what a policy remembers


def trading_seconds(stretches: tuple[tuple[int, int], ...], times: Ints, origin: int) -> Floats:
    """Return the seconds that the market was open for from an origin to each time, ns."""
    total = np.zeros(np.shape(times))
    for begin, close in stretches:
        since = np.clip(times, begin, close) - np.clip(origin, begin, close)
        total += since / SECOND_NS
    return total


@dataclass(frozen=True)
class Clock:
    """Moments every interval from `start` (included) to `end` (excluded), ns; fills come later.

    phase: where in the first interval they begin, 0 to 1; latency: from decision to fill, ns.
    """

    start: int
    end: int
    interval: int
    latency: int
    phase: float = 0.0

    def moments(self, stretches: tuple[tuple[int, int], ...]) -> tuple[Ints, int]:
        """Return the moments, those of the hour before the order too, and which is its first, ns.

        There are none in breaks, nor where the fill would come after the end of trading.
        """
        first = self.start + round(self.phase * self.interval)
        back = HISTORY_NS // self.interval
        every = np.arange(first - back * self.interval, self.end, self.interval, dtype=np.int64)
        inside = np.zeros(len(every), dtype=bool)
        for begin, close in stretches:
            inside |= (every >= begin) & (every + self.latency < close)
        times = every[inside & (every + self.latency < self.end)]
        return times, int(np.searchsorted(times, self.start))
