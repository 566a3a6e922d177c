"""How far a cost law may be off beyond the sizes that the book showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats

REACH = 1.959963984540054  # of a 95 % interval, standard errors


@dataclass(frozen=True, eq=False)
class Extrapolation:
    """The law's error beyond the largest size that displayed depth held at least 80 % of the time.

    shown: that size, shares. multiples: (m,) sizes over it, rising from above 1. There, of the
    logarithm of mean cost: biases, the book continued behind its last level less the law; errors,
    the law's root mean square error, the bias included. measured_to: the multiple up to which
    cutting the book to fewer levels could check them, 1 where it could not. walk_low, walk_high:
    one period's walk over its mean, the ends that hold 95 % of walks of shown sizes.
    """

    shown: float
    multiples: Floats
    biases: Floats
    errors: Floats
    measured_to: float
    walk_low: float
    walk_high: float

    @classmethod
    def from_section(cls, section: Mapping[str, Any]) -> Extrapolation | None:
        """What a symbol's section of `params.json` says; None where it says nothing."""
        told = section.get("extrapolation")
        if told is None:
            return None
        names = ("multiple", "log_bias", "log_error")
        rows = [[one[name] for name in names] for one in told["errors"]]
        multiples, biases, errors = np.array(rows, dtype=np.float64).reshape(-1, 3).T
        return cls(
            shown=told["shown_shares"],
            multiples=multiples,
            biases=biases,
            errors=errors,
            measured_to=told["measured_to"],
            walk_low=told["walk_low"],
            walk_high=told["walk_high"],
        )

    def error(self, shares: ArrayLike) -> Floats:
        """The standard error of the logarithm of mean cost, 0 at sizes that the book showed.

        Linear in the logarithm of the multiple between the measured ones, in proportion to it
        beyond the last; NaN beyond the shown size where none was measured.
        """
        return self._at(shares, self.errors)

    def walks(self, shares: ArrayLike, sampling: ArrayLike = 0.0) -> tuple[Floats, Floats]:
        """What one period's walk over the law's mean lies between, 95 % of the time.

        Its mean is taken to be that of the book continued, with half of what the law is away from
        it for an error, and that of continuing cut books. sampling: standard error of the logarithm
        of the law's mean.
        """
        bias = self._at(shares, self.biases)
        apart = self.error(shares) ** 2 - 0.75 * bias**2
        off = REACH * np.sqrt(np.maximum(apart, 0.0) + np.square(sampling))
        low, high = (np.hypot(np.log(end), off) for end in (self.walk_low, self.walk_high))
        return np.exp(bias - low), np.exp(bias + high)

    def _at(self, shares: ArrayLike, values: Floats) -> Floats:
        multiple = np.log(np.maximum(np.asarray(shares, dtype=np.float64) / self.shown, 1.0))
        if not len(self.multiples):
            return np.where(multiple > 0, np.nan, 0.0)
        at = np.append(0.0, np.log(self.multiples))
        return np.interp(multiple, at, np.append(0.0, values)) * np.maximum(multiple / at[-1], 1.0)
