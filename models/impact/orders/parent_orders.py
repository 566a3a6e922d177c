"""Parent orders as the order route takes them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ParentOrders:
    """One row an order (or a stock-day's imbalance); whatever is missing is NaN.

    participation (n,): X/V, positive when it buys; duration (n,): T, days; horizon (n,): time from
    the start to the price that permanent impact is read from, days, at least T; volatility (n,):
    sigma, 1 / day^(1/2); permanent (n,): I, that price over arrival less 1; paid (n,): J, the mean
    price of the fills over arrival less 1; day (n,): label of its day; inverse_turnover (n,):
    Theta/V, or None where shares outstanding are not known: gamma then contains the mean of its
    fourth root; filled (n,): the share of X that was traded, 0 to 1, or None where it is 1. Of an
    order that ended before it was done X, T and the horizon are those of the whole order at its
    pace, and J charges what was not traded at the price after it.
    """

    participation: Floats
    duration: Floats
    horizon: Floats
    volatility: Floats
    permanent: Floats
    paid: Floats
    day: Ints
    inverse_turnover: Floats | None = None
    filled: Floats | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of other lengths."""
        for name, value in vars(self).items():
            if value is not None and np.shape(value) != (len(self.participation),):
                raise ValueError(
                    f"{name}: shape {np.shape(value)}, participation has {len(self.participation)} "
                    "rows"
                )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.participation)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "ParentOrders":
        """Return these rows."""
        return replace(
            self, **{name: value[rows] for name, value in vars(self).items() if value is not None}
        )

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Return which rows have everything, a size and positive scales, (n,)."""
        given = [value for value in vars(self).values() if value is not None]
        positive = [self.duration, self.volatility]
        positive += [] if self.inverse_turnover is None else [self.inverse_turnover]
        with np.errstate(invalid="ignore"):
            sane = np.all([value > 0 for value in positive], axis=0) & (
                self.horizon >= self.duration
            )
            if self.filled is not None:
                sane &= (self.filled >= 0) & (self.filled <= 1)
        return np.asarray(np.isfinite(given).all(axis=0) & sane & (self.participation != 0))
