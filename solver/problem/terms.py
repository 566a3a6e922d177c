"""A power-law problem written as functions of single trades and of the shares left."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from solver.problem.laws import Floats


@dataclass(frozen=True)
class Terms:
    """A power-law problem as `const + sum phi_j(x_j) + sum psi_j(R_j)`, R_j the shares left after
    period j.

    phi_j(x) = spread_j x + scale_j x**exponent_j - bend_j x**2 / 2 and psi_j(R) = slope_j R +
    curve_j R**2 (zero for the last period, where R = 0). bend is what a trade escapes of its own
    permanent move. Shapes: (N,) each, const a number in currency. `lower` and `upper` are the
    limits on x implied by all of them together.

    Source: summation by parts of gamma_j x_j R_j, with x_j = R_{j-1} - R_j.
    """

    shares: float
    spread: Floats
    scale: Floats
    exponent: Floats
    bend: Floats
    slope: Floats
    curve: Floats
    lower: Floats
    upper: Floats
    const: float

    @cached_property
    def rows(self) -> Floats:
        """All of it as one (8, N) array, as the compiled kernels take it."""
        table = np.empty((8, self.scale.size))
        fields = (
            self.spread,
            self.scale,
            self.exponent,
            self.bend,
            self.slope,
            self.curve,
            self.lower,
            self.upper,
        )
        for row, field in zip(table, fields, strict=True):
            row[:] = field
        return table

    @cached_property
    def power(self) -> float | None:
        """The exponent when it is the same in every period, otherwise None."""
        first = float(self.exponent[0])
        return first if bool((self.exponent == first).all()) else None

    @cached_property
    def separable(self) -> bool:
        """Whether the objective is a sum of functions of single x_j (no risk term, constant
        permanent impact).
        """
        return not self.curve.any()
