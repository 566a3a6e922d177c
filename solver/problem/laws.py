"""Cost laws: the total cost over mid, in currency, of trading a size within one period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPONENT_RANGE = (0.25, 4.0)


class ProblemError(ValueError):
    """An argument is wrong; the message names it, says what was found and what to do."""


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Make `array` read-only in place and return it."""
    array.setflags(write=False)
    return array


def as_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value`, which must be among `choices`.

    Raises:
        ProblemError: it is not.
    """
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        raise ProblemError(
            f"{name} must be {' or '.join(map(repr, known))}, found {value!r}: choose one"
        )
    return value


def as_count(name: str, value: object, minimum: int = 1) -> int:
    """Return `value` as an int not below `minimum`.

    Raises:
        ProblemError: not a whole number, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise ProblemError(
            f"{name} must be a whole number >= {minimum}, found {value!r}: pass an int"
        )
    return int(value)


def as_floats(name: str, value: ArrayLike) -> Floats:
    """Return a read-only float64 copy of `value`, all finite.

    Raises:
        ProblemError: `value` is not numeric or not finite.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"{name} must be numeric, found {value!r}: pass a number or an array"
        ) from error
    if not np.isfinite(array).all():
        raise ProblemError(
            f"{name} must be finite, found NaN or infinity: clean or drop those periods first"
        )
    return frozen(array)


def as_vector(name: str, value: ArrayLike, *, minimum: float | None = None) -> Floats:
    """Return `value` as a finite scalar or vector not below `minimum`.

    Raises:
        ProblemError: more than one dimension, not finite, or below `minimum`.
    """
    array = as_floats(name, value)
    if array.ndim > 1:
        raise ProblemError(
            f"{name} must be a scalar or have shape (N,), found shape {array.shape}: flatten it"
        )
    if minimum is not None and array.size and array.min() < minimum:
        raise ProblemError(
            f"{name} must be >= {minimum:g}, found {array.min():g}: check its sign and units"
        )
    return array


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Total cost `g_i(x) = spread_i x + scale_i x**exponent_i` over mid.

    Shapes: scalars or (N,). Units: scale in currency / share**exponent (>= 0), exponent
    dimensionless and of the *total* cost (1.5 is the square-root law), spread in currency / share
    (any sign; a rebate is negative).

    Raises: ProblemError: a wrong shape, a non-finite number, a negative scale, an exponent outside
        [0.25, 4].

    Source: Almgren, Thum, Hauptmann, Li (2005), "Direct estimation of equity market impact", eq.
    (4)-(6), with k = 1 + delta.
    """

    scale: ArrayLike
    exponent: ArrayLike
    spread: ArrayLike = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", as_vector("scale", self.scale, minimum=0.0))
        exponent = as_vector("exponent", self.exponent, minimum=EXPONENT_RANGE[0])
        if exponent.size and exponent.max() > EXPONENT_RANGE[1]:
            raise ProblemError(
                f"exponent must be <= {EXPONENT_RANGE[1]:g}, found {exponent.max():g}: it is that "
                "of total cost"
            )
        object.__setattr__(self, "exponent", exponent)
        object.__setattr__(self, "spread", as_vector("spread", self.spread))

    def cost(self, x: ArrayLike) -> Floats:
        """Return the total cost over mid of trading x shares, currency; shapes broadcast."""
        size = np.asarray(x, dtype=np.float64)
        return np.asarray(self.spread) * size + np.asarray(self.scale) * size ** np.asarray(
            self.exponent
        )


@dataclass(frozen=True, eq=False)
class TableLaw:
    """A tabulated curve, of any shape: `cost[i, n]` for n = 0..M lots traded in period i.

    Shapes: (N, M+1). Units: currency as a cost law; currency / share (a price move) as a
    permanent-impact law. No more than M lots can be traded in a period.

    Raises:
        ProblemError: not a finite (N, M+1) table, or a first column that is not zero.
    """

    cost: ArrayLike

    def __post_init__(self) -> None:
        table = as_floats("cost", self.cost)
        if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2:
            raise ProblemError(
                f"cost must have shape (N, M+1) with N, M >= 1, found {table.shape}: one row a "
                "period"
            )
        if table[:, 0].any():
            raise ProblemError(
                "cost must start at 0 in every row (trading nothing is free): subtract the first "
                "column"
            )
        object.__setattr__(self, "cost", table)

    @property
    def table(self) -> Floats:
        """The checked table, shape (N, M+1)."""
        return np.asarray(self.cost, dtype=np.float64)


Law = PowerLaw | TableLaw
