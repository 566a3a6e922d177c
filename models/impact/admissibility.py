"""Whether a fitted law may hold as it stands: costs that rise, a convex programme, no profitable
round trip.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from models.inference.caveat import Caveat


@dataclass(frozen=True)
class Impact:
    """A law at its cheapest: spread x + scale x^k for each trade, gamma x on the mid for ever.

    spread: currency / share; scale: currency / share^k; gamma: currency / share^2.
    """

    spread: float
    scale: float
    k: float
    gamma: float

    @property
    def turn(self) -> float:
        """Return the size at which phi(x) = g(x) - gamma x^2 / 2 changes its curvature, shares.

        Up to k = 2 phi is convex below it, beyond k = 2 above it; infinite where phi is convex, 0
        where it is concave.
        """
        if self.gamma <= 0 or self.k == 2:
            return np.inf if self.gamma <= 2 * self.scale else 0.0
        if self.k <= 1:
            return 0.0
        return float((self.scale * self.k * (self.k - 1) / self.gamma) ** (1 / (2 - self.k)))

    def gain(self, size: float) -> float:
        """Return what each trade of a round trip of this size earns, gamma x^2 / 2 - g(x),
        currency.
        """
        return self.gamma * size**2 / 2 - self.spread * size - self.scale * size**self.k


def admissibility(impact: Impact, smallest: float, largest: float) -> tuple[Caveat, ...]:
    """Check a law for trades of `smallest` to `largest` shares a period.

    Codes. cost_concave: k < 1, cost per share falls with size. nonconvex: phi is concave from some
    size on, or up to it, so that plans of such trades need the exact method. round_trip: a round
    trip costs sum phi(x_j), as h is linear and the same for both sides and all day (otherwise there
    would be round trips for free, Huberman and Stanzl), so that it earns money where phi is
    negative: the law then cannot hold at that size. Gatheral's bounds on the exponent do not bind:
    they are for temporary impact that decays over time, here it is gone at once.
    Source: Huberman, Stanzl 2004, "Price manipulation and quasi-arbitrage", propositions 1-2;
    Gatheral 2010, "No-dynamic-arbitrage and market impact", sections 4-5.
    """
    caveats = []
    if impact.k < 1:
        caveats.append(
            Caveat(
                "cost_concave",
                f"k is {impact.k:.3g}: cost per share falls with size, plans trade at once",
            )
        )
    turn = impact.turn
    if impact.k <= 2 and turn < largest:
        where = (
            f"beyond {turn:,.0f} shares a period: larger trades need"
            if turn > smallest
            else ("at every size: plans need")
        )
        caveats.append(
            Caveat(
                "nonconvex",
                f"permanent impact outweighs the rise of costs {where} the exact method",
            )
        )
    elif impact.k > 2 and smallest < turn < np.inf:
        caveats.append(
            Caveat(
                "nonconvex",
                f"permanent impact outweighs the rise of costs up to "
                f"{min(turn, largest):,.0f} shares a period: plans need the exact method",
            )
        )
    size = _profitable(impact, smallest, largest)
    if np.isfinite(size):
        caveats.append(
            Caveat(
                "round_trip",
                f"a round trip in trades of {size:,.0f} shares would earn money: "
                "the law cannot hold at that size",
            )
        )
    return tuple(caveats)


def _profitable(impact: Impact, smallest: float, largest: float) -> float:
    sizes = np.geomspace(smallest, largest, 200)
    gains = np.array([impact.gain(size) for size in sizes])
    first = int(np.argmax(gains > 0))
    if not gains[first] > 0:
        return float("inf")
    return float(sizes[0] if first == 0 else brentq(impact.gain, sizes[first - 1], sizes[first]))
