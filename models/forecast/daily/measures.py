"""Daily measures of one market: the level to be forecast and what was measured beside it."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]


class NotMeasured(ValueError):
    """A measure that a model needs was never taken."""


@dataclass(frozen=True, eq=False)
class Measures:
    """Days in order.

    Every field has shape (D,), NaN where missing, or is None where it was never measured.
    level: what is forecast, > 0 (a realized variance, a volume); quarticity: of the variance; jump:
    the part of the level that jumps made; negative, positive: semivariances, which add up to the
    level; date.
    Raises: ValueError naming the field when lengths differ, a measure is negative or dates do not
    increase.
    """

    level: Floats
    quarticity: Floats | None = None
    jump: Floats | None = None
    negative: Floats | None = None
    positive: Floats | None = None
    date: Dates | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            values = getattr(self, field.name)
            if values is None:
                continue
            if np.shape(values) != (len(self.level),):
                raise ValueError(
                    f"{field.name}: shape {np.shape(values)}, the level has {len(self.level)} days"
                )
            if field.name == "date":
                late = np.flatnonzero(~(np.diff(values) > np.timedelta64(0)))
                if len(late):
                    raise ValueError(
                        f"date: {values[late[0] + 1]} follows {values[late[0]]}, dates must "
                        "increase"
                    )
            elif (values < 0).any() or np.isinf(values).any():
                day = int(np.argmax((values < 0) | np.isinf(values)))
                raise ValueError(f"{field.name}: negative or infinite on day {day}")

    def __len__(self) -> int:
        return len(self.level)

    def __getitem__(self, days: slice) -> "Measures":
        return Measures(*(None if each is None else each[days] for each in self._values()))

    def followed_by(self, later: "Measures") -> "Measures":
        """Return the days of both.

        Raises: ValueError when one of them lacks a measure that the other has.
        """
        pairs = zip(fields(self), self._values(), later._values(), strict=True)
        joined = []
        for field, before, after in pairs:
            if (before is None) != (after is None):
                raise ValueError(
                    f"{field.name}: measured in the history or in the observation, not in both"
                )
            joined.append(None if before is None else np.concatenate([before, after]))
        return Measures(*joined)

    def needed(self, name: str) -> Floats:
        """Return a measure.

        Raises: NotMeasured when it was never measured.
        """
        values: Floats | None = getattr(self, name)
        if values is None:
            raise NotMeasured(f"{name}: not measured, the model needs it")
        return values

    def _values(self) -> list[NDArray]:
        return [getattr(self, field.name) for field in fields(self)]


def positive_log(values: Floats) -> Floats:
    """Return logarithms, NaN where the value is zero or missing: neither carries one."""
    return np.log(values, out=np.full(np.shape(values), np.nan), where=values > 0)
