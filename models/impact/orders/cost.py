"""What a law of parent orders says that an order costs, with its error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.orders.almgren import BASIS_POINTS, TURNOVER_EXPONENT, Almgren
from models.inference.covariance import Covariance

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class OrderShape:
    """An order: participation X/V; duration T, days; volatility 1 / day^(1/2); Theta/V."""

    participation: float
    duration: float
    volatility: float
    inverse_turnover: float = 1.0


@dataclass(frozen=True, eq=False)
class FittedLaw:
    """A law and the covariance of its four coefficients."""

    law: Almgren
    covariance: Covariance

    def cost_bps(self, shape: OrderShape) -> tuple[float, float]:
        """Return J, mean price paid over arrival, and its standard error, basis points.

        Source: the delta method, e.g. van der Vaart 1998, "Asymptotic Statistics", theorem 3.1.
        """
        size, law = abs(shape.participation), self.law
        half = shape.volatility * size * shape.inverse_turnover**TURNOVER_EXPONENT / 2
        power = shape.volatility * size**law.delta * shape.duration**-law.tau
        paid = law.gamma * half + law.eta * power
        slope = np.array(
            [
                half,
                power,
                law.eta * power * np.log(size),
                -law.eta * power * np.log(shape.duration),
            ]
        )
        error = float(np.sqrt(slope @ self.covariance.matrix @ slope))
        return BASIS_POINTS * paid, BASIS_POINTS * error
