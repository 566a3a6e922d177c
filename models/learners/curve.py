"""A fitted cost curve g(x | state): costs at knots, and the law between and beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from solver.problem.impact_law import ImpactLaw
from solver.problem.knotted_law import KnottedLaw, log_ratios

Floats = NDArray[np.float64]
DEPTH, SIZE, RELATIVE = "log_depth", "log_size", "log_size_over_depth"


class StatedLaw(Protocol):
    """A parametric law that states enter as features."""

    def at(self, states: Floats) -> ImpactLaw:
        """Return the law in these states, (n, p), one entry a row."""


class CostModel(Protocol):
    """What a learner found: mean costs by state and size.

    regressor: behind it, of scikit-learn's interface, None where it found nothing beside the law.
    """

    @property
    def regressor(self) -> Any:
        """Return the fitted regressor."""

    def cost(self, states: Floats, size: Floats, law: Floats) -> Floats:
        """Return the cost of rows, (n,); states (n, p); law: what the law says of them."""


@dataclass(frozen=True, eq=False)
class FittedCurve:
    """g(x | state): 0 at 0, never falling in x.

    A learner tells costs at the sizes it saw, `knots`. From knot to knot the log of its ratio to
    the law is linear in the log of size; below the first and beyond the last knot the ratio stays,
    so that the curve goes on with the law's exponent (`solver.KnottedLaw`).
    """

    learner: str
    model: CostModel
    law: StatedLaw
    knots: Floats

    def curve(self, states: Floats, sizes: Floats) -> Floats:
        """Return the cost of sizes (k,) in each state, (n, p): (n, k), currency."""
        return self.at(states).cost(sizes)

    def at(self, states: Floats) -> KnottedLaw:
        """Return the curve of each state, (n, p), as plans take it."""
        law, many = self.law.at(states), len(self.knots)
        base = np.column_stack([law.cost(size) for size in self.knots])
        rows, size = np.repeat(states, many, axis=0), np.tile(self.knots, len(states))
        cost = self.model.cost(rows, size, base.ravel()).reshape(base.shape)
        return KnottedLaw.rising(law, self.knots, log_ratios(law, self.knots, cost))


def design_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the regressors' columns: size, size over depth where depth is a state, the states."""
    return (SIZE, *((RELATIVE,) if DEPTH in names else ()), *names)


def design(names: tuple[str, ...], states: Floats, size: Floats) -> Floats:
    """Return the columns of `design_names`, (n, p'); states (n, p), size (n,)."""
    log_size = np.log(size)
    relative = [log_size - states[:, names.index(DEPTH)]] if DEPTH in names else []
    return np.column_stack([log_size, *relative, states])


def rises(names: tuple[str, ...]) -> list[int]:
    """Return 1 for columns of the design that cost may only rise in, 0 for the others."""
    return [int(name in (SIZE, RELATIVE)) for name in design_names(names)]
