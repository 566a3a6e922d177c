"""How dear trading will be over the periods to come, learned from the state of the last hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from solver.execution.policy import Past
from solver.problem.laws import Floats

HALF_LIVES = (2.0, 10.0, 30.0)  # periods, over which the states of the hour are averaged
LEAST_PERIODS = 10  # of the hour with a book, below which nothing is told
NAMES = tuple(
    f"{name}_{life:g}" for life in HALF_LIVES for name in ("spread", "size", "tilt", "move", "calm")
)


@dataclass(frozen=True, eq=False)
class Coming:
    """The log of cost at horizons, over the hour's mean, linear in the states of the hour.

    horizons (h,): periods, rising; coefficients (h, p): of `NAMES`, 0 where nothing was told out of
    sample; seconds: of a period.
    """

    horizons: Floats
    coefficients: Floats
    seconds: float

    @classmethod
    def from_section(cls, section: Mapping[str, Any], seconds: float) -> Coming | None:
        """What a symbol's section of `params.json` says; None where it says nothing."""
        told = section.get("coming")
        if told is None:
            return None
        rows = [one["coefficients"] for one in told["horizons"]]
        periods = [one["periods"] for one in told["horizons"]]
        return cls(np.array(periods, dtype=np.float64), np.array(rows), seconds)

    def factors(self, past: Past, interval: float, moments: int) -> Floats:
        """What costs of the next moments are over the hour's, (moments,): 1 where nothing is told.

        past: over the level of its time; interval: seconds from moment to moment. Linear in the log
        of the horizon between those told, and back to 1 at twice the last one.
        """
        window = minutes_of(past, max(1, round(self.seconds / interval)))
        if len(window) < LEAST_PERIODS:
            return np.ones(moments)
        told = self.coefficients @ hour_features(window)
        at = np.log(np.append(self.horizons, 2 * self.horizons[-1]))
        ahead = np.log((np.arange(moments) + 1.0) * interval / self.seconds)
        return np.asarray(np.exp(np.interp(ahead, at, np.append(told, 0.0))))


def minutes_of(past: Past, each: int) -> Floats:
    """The hour by period of so many moments, the last one ending now, (m, 4): mean logs of spread
    and best size, mean tilt, and the mid's move over the mean spread.
    """
    number = (past.moment[-1] - past.moment) // each
    columns = (np.log(past.spread), np.log(past.size[:, 0] + 1.0), past.tilt)
    labels, place = np.unique(number, return_inverse=True)
    count = np.bincount(place)
    spread, size, tilt = (np.bincount(place, one) / count for one in columns)
    first = np.full(len(labels), len(number))
    np.minimum.at(first, place, np.arange(len(number)))  # of each period, in time
    before = np.maximum(first - 1, 0)
    last = np.zeros(len(labels), dtype=np.int64)
    np.maximum.at(last, place, np.arange(len(number)))
    move = (past.mid[last] - past.mid[before]) / np.exp(spread)
    return np.column_stack([spread, size, tilt, move])[::-1]


def hour_features(window: Floats) -> Floats:
    """The features of `NAMES` at a window's end, (p,); window: (m, 4), of `minutes_of`."""
    away = window[:, :2] - window[:, :2].mean(axis=0)
    still = np.abs(window[:, 3])
    columns = np.column_stack([away, window[:, 2:], still - still.mean()])
    age = np.arange(len(window))[::-1]
    weights = np.exp2(-age / np.array(HALF_LIVES)[:, None])
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((weights @ columns).ravel())
