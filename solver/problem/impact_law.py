"""The law of impact, written once: fits make it, plans, models, simulators and reports use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from solver.problem.laws import Floats, PowerLaw


@dataclass(frozen=True, eq=False)
class ImpactLaw:
    """g(x) = spread x + alpha x^k (1 + beta v) L over mid, and h(x) = gamma x on the mid for good.

    Shapes: k and beta are numbers; every other field is a scalar or (N,), one entry a period.
    Units: alpha in currency / share^k; k, the exponent of *total* cost, and beta dimensionless;
    gamma in currency / share per share; spread in currency / share; volatility (v) and liquidity
    (L, larger is thinner) dimensionless, each over its reference.

    Source: Almgren, Thum, Hauptmann, Li (2005), "Direct estimation of equity market impact", eq.
    (4)-(6), with k = 1 + delta and the states of the period in the coefficient.
    """

    alpha: Floats | float
    k: float
    beta: float = 0.0
    gamma: Floats | float = 0.0
    spread: Floats | float = 0.0
    volatility: Floats | float = 0.0
    liquidity: Floats | float = 1.0

    @classmethod
    def from_section(cls, section: Mapping[str, Any]) -> ImpactLaw:
        """The law of every period of one symbol's section of `params.json`."""
        law = section["law"]
        names = ("alpha", "spread", "volatility", "liquidity")
        columns = {
            name: np.array([period[name] for period in section["periods"]], dtype=np.float64)
            for name in names
        }
        return cls(k=law["k"], beta=law["beta"], gamma=law["gamma"], **columns)

    def at(self, places: list[int]) -> ImpactLaw:
        """The law of some of its periods; every field that varies has one entry a period."""
        alpha, spread, volatility, liquidity = (
            np.asarray(field)[places]
            for field in (self.alpha, self.spread, self.volatility, self.liquidity)
        )
        return ImpactLaw(alpha, self.k, self.beta, self.gamma, spread, volatility, liquidity)

    @property
    def scale(self) -> Floats:
        """alpha (1 + beta v) L, what multiplies x^k, currency / share^k."""
        state = 1.0 + self.beta * np.asarray(self.volatility)
        return np.asarray(self.alpha * state * np.asarray(self.liquidity))

    def cost(self, x: ArrayLike) -> Floats:
        """The total temporary cost g(x) over mid, currency; shapes broadcast."""
        size = np.asarray(x, dtype=np.float64)
        return np.asarray(np.asarray(self.spread) * size + self.scale * size**self.k)

    def marginal_cost(self, x: ArrayLike) -> Floats:
        """g'(x), currency / share; infinite at 0 where k < 1."""
        size = np.asarray(x, dtype=np.float64)
        with np.errstate(divide="ignore"):
            return np.asarray(self.spread + self.scale * self.k * size ** (self.k - 1.0))

    def price_move(self, x: ArrayLike) -> Floats:
        """The permanent move h(x) of the mid, currency / share."""
        return np.asarray(np.asarray(self.gamma) * np.asarray(x, dtype=np.float64))

    @property
    def temporary(self) -> PowerLaw:
        """g as a problem takes it, states composed.

        Raises:
            ProblemError: what a `PowerLaw` refuses.
        """
        return PowerLaw(scale=self.scale, exponent=self.k, spread=self.spread)
