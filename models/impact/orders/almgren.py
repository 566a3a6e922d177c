"""The law of permanent and temporary impact of a parent order of Almgren et al. 2005."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# their liquidity factor: the power of shares outstanding over daily volume
TURNOVER_EXPONENT = 0.25
BASIS_POINTS = 1e4


@dataclass(frozen=True)
class Almgren:
    """I = gamma sigma (X/V) (Theta/V)^(1/4), J - I/2 = eta sigma sgn(X) |X/V|^delta T^(-tau).

    X order, V average daily volume, Theta shares outstanding, all shares; T days; sigma 1 /
    day^(1/2). delta is the exponent of cost per share: that of total cost is k = 1 + delta. tau =
    delta is cost by rate, |X/(VT)|^delta, the published law; tau = 0 cost by size, whatever T.
    Source: Almgren, Thum, Hauptmann, Li 2005, "Direct estimation of equity market impact", the
    cross-sectional law; Toth et al. 2011, "Anomalous price impact and the critical nature of
    liquidity in financial markets", on cost by size.
    """

    gamma: float
    eta: float
    delta: float
    tau: float

    @classmethod
    def by_rate(cls, gamma: float, eta: float, delta: float) -> "Almgren":
        """Return the published law: tau = delta."""
        return cls(gamma, eta, delta, delta)

    @classmethod
    def by_size(cls, gamma: float, eta: float, delta: float) -> "Almgren":
        """Return the law of cost by size: tau = 0."""
        return cls(gamma, eta, delta, 0.0)

    def permanent(
        self, participation: Floats, volatility: Floats, inverse_turnover: Floats
    ) -> Floats:
        """Return I, the lasting relative change of the price.

        participation: X/V, signed; inverse_turnover: Theta/V, 1 where shares outstanding are not in
        the law.
        """
        return self.gamma * volatility * participation * inverse_turnover**TURNOVER_EXPONENT

    def temporary(self, participation: Floats, volatility: Floats, duration: Floats) -> Floats:
        """Return J - I/2, what the order pays beyond its own lasting impact, relative.

        duration: T, days.
        """
        scale = np.abs(participation) ** self.delta * duration**-self.tau
        return self.eta * volatility * np.sign(participation) * scale

    def impact_bps(
        self, participation: Floats, volatility: Floats, duration: Floats, inverse_turnover: Floats
    ) -> tuple[Floats, Floats]:
        """Return I and J, lasting change and mean price paid over arrival, basis points."""
        lasting = self.permanent(participation, volatility, inverse_turnover)
        paid = lasting / 2 + self.temporary(participation, volatility, duration)
        return BASIS_POINTS * lasting, BASIS_POINTS * paid


# their estimates; standard errors .041, .0062, .038
PUBLISHED = Almgren.by_rate(gamma=0.314, eta=0.142, delta=0.600)
