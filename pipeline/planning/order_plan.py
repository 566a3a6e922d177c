"""A planned order, light: what `allocate` prints and what the report's tables are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

BENCHMARKS = ("twap", "vwap")


@dataclass(frozen=True, eq=False)
class OrderPlan:
    """How one order is worked, as `Schedule` has it in tables, V(s, t) and frontier apart.

    periods: columns by name, (N,) each: period, start, sigma, volume, shares by method; costs: a
    row a method; warnings: code, message.
    """

    periods: Mapping[str, Any]
    costs: tuple[dict[str, Any], ...]
    risk_aversion: float
    scored_days: int
    warnings: tuple[tuple[str, str], ...]

    @property
    def n(self) -> int:
        """Return the number of periods."""
        return len(self.periods["period"])

    @property
    def by_method(self) -> dict[str, dict[str, Any]]:
        """Return the rows of costs by method."""
        return {row["method"]: row for row in self.costs}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return a row a period, of plain numbers and text."""
        columns = {
            name: values.tolist() if isinstance(values, np.ndarray) else values
            for name, values in self.periods.items()
        }
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
