"""Whether a fitted law may hold as it stands: costs that rise, a convex programme, no profitable
round trip.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.inference.caveat import Caveat
from solver.problem.impact_law import ImpactLaw


def turn(law: ImpactLaw) -> float:
    """Return the size at which phi(x) = g(x) - gamma x^2 / 2 changes its curvature, shares.

    law: one period's, scalar fields. Up to k = 2 phi is convex below that size, beyond k = 2 above
    it; infinite where phi is convex, 0 where it is concave.
    """
    scale, k, gamma = float(law.scale), law.k, float(np.asarray(law.gamma))
    if gamma <= 0 or k == 2:
        return np.inf if gamma <= 2 * scale else 0.0
    if k <= 1:
        return 0.0
    return float((scale * k * (k - 1) / gamma) ** (1 / (2 - k)))


def gain(law: ImpactLaw, size: ArrayLike) -> NDArray[np.float64]:
    """Return what each trade of a round trip of this size earns, gamma x^2 / 2 - g(x), currency."""
    return np.asarray(law.price_move(size) * np.asarray(size) / 2 - law.cost(size))


def admissibility(law: ImpactLaw) -> tuple[Caveat, ...]:
    """Check a law as it is planned with, where a trade pays half of its own permanent move.

    A round trip then costs sum g(x_j) > 0, as h is linear and the same for both sides and all day
    (otherwise there would be round trips for free, Huberman and Stanzl); plans are convex wherever
    g is. Code cost_concave: k < 1, cost per share falls with size. Gatheral's bounds on the
    exponent do not bind: they are for temporary impact that decays over time, here it is gone at
    once.
    Source: Huberman, Stanzl 2004, "Price manipulation and quasi-arbitrage", propositions 1-2;
    Gatheral 2010, "No-dynamic-arbitrage and market impact", sections 4-5.
    """
    if law.k >= 1:
        return ()
    message = f"k is {law.k:.3g}: cost per share falls with size, plans trade at once"
    return (Caveat("cost_concave", message),)


def letter_admits(law: ImpactLaw, smallest: float, largest: float) -> tuple[Caveat, ...]:
    """Say what one period's law admits where a trade pays nothing of its own permanent move.

    law: scalar fields; trades of `smallest` to `largest` shares. Codes. nonconvex: phi is concave
    from some size on, or up to it, so that plans of such trades need the exact method. round_trip:
    a round trip costs sum phi(x_j), so that it earns money where phi is negative.
    """
    caveats, bend = [], turn(law)
    if law.k <= 2 and bend < largest:
        where = f"beyond {bend:,.0f} shares a period" if bend > smallest else "at every size"
        caveats.append(_nonconvex(where))
    elif law.k > 2 and smallest < bend < np.inf:
        caveats.append(_nonconvex(f"up to {min(bend, largest):,.0f} shares a period"))
    size = _profitable(law, smallest, largest)
    if np.isfinite(size):
        message = f"a round trip in trades of {size:,.0f} shares would earn money"
        caveats.append(Caveat("round_trip", message))
    return tuple(caveats)


def _nonconvex(where: str) -> Caveat:
    message = f"permanent impact outweighs the rise of costs {where}: plans need the exact method"
    return Caveat("nonconvex", message)


def _profitable(law: ImpactLaw, smallest: float, largest: float) -> float:
    sizes = np.geomspace(smallest, largest, 200)
    gains = gain(law, sizes)
    first = int(np.argmax(gains > 0))
    if not gains[first] > 0:
        return float("inf")
    if first == 0:
        return float(sizes[0])
    from scipy.optimize import brentq  # few plans need it, and it takes long to import

    return float(brentq(lambda size: float(gain(law, size)), sizes[first - 1], sizes[first]))
