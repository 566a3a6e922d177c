"""How far two files' laws lie apart, by what orders of a few sizes would cost under each."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.impact.book.cost_law import LEVEL
from pipeline.parameters.schema import Params, Reference, SymbolParams

SIZES = (0.1, 0.3, 1.0)  # of the largest size that the book showed
UNKNOWN = "one_day"  # the warning of laws whose errors do not tell days apart


@dataclass(frozen=True)
class Distance:
    """How likely laws would lie as far apart by their errors, over all symbols (Bonferroni).

    symbol: the one that lies farthest apart; log_gap: of its costs, the largest over the sizes; p 1
    and symbol empty where there is none in common with errors that tell days apart.
    """

    p: float
    symbol: str = ""
    log_gap: float = 0.0


def distance(one: Params, other: Params) -> Distance:
    """Return how far two files' laws lie apart, over the symbols of both of the same family.

    Costs and not parameters are compared: level, exponent and beta trade off against each other,
    and an estimate of beta at its bound is no number to hold another against.
    """
    both = [
        name
        for name in sorted(set(one.symbols) & set(other.symbols))
        if one.symbols[name].law.family == other.symbols[name].law.family
        and not any(errs_unknown(each.symbols[name]) for each in (one, other))
    ]
    found = {name: _apart(one.symbols[name], other.symbols[name]) for name in both}
    if not found:
        return Distance(1.0)
    symbol = min(found, key=lambda name: found[name][0])
    p, log_gap = found[symbol]
    return Distance(min(1.0, len(found) * p), symbol, log_gap)


def errs_unknown(symbol: SymbolParams) -> bool:
    """Tell whether a law's errors do not tell days apart."""
    return any(warned.code == UNKNOWN for warned in symbol.warnings)


def _apart(one: SymbolParams, other: SymbolParams) -> tuple[float, float]:
    """Return the p of a chi squared, differences of log costs in the sum of both covariances, and
    the largest difference; both in the state that is usual by the first.

    What is usual is the mean of a history, which moves from night to night where days are few: the
    same law, told in its own usual state each time, would move with it.
    Both files share most of their days, so that the sum is more than the difference's own variance:
    an alarm is rarer than told, and what sets it off lies far apart.
    """
    shown = one.extrapolation.shown_shares if one.extrapolation else one.reference.depth_shares
    sizes = np.array(SIZES) * max(shown, 1.0)
    cost, matrix = log_costs(one, sizes, one.reference)
    rival, beside = log_costs(other, sizes, one.reference)
    gap, joint = cost - rival, matrix + beside
    furthest = float(gap[np.abs(gap).argmax()])
    rank = int(np.linalg.matrix_rank(joint, hermitian=True))
    if not rank:
        return 1.0, furthest
    square = float(gap @ np.linalg.pinv(joint, hermitian=True) @ gap)
    return float(stats.chi2.sf(square, rank)), furthest


def log_costs(
    symbol: SymbolParams, sizes: np.ndarray, usual: Reference
) -> tuple[np.ndarray, np.ndarray]:
    """Return the logs of the law's mean cost over the day in a usual state, (m,), and their
    covariance, (m, m); the half spread, which is a state and no estimate, aside.

    usual: the levels of the state, of this file or another; volume against its own is liquidity.
    """
    law, names = symbol.law, list(symbol.covariance.names)
    volatility = usual.volatility / symbol.reference.volatility
    thinness = float(np.log(symbol.reference.volume_shares / usual.volume_shares))
    level = float(np.mean([np.log(max(period.alpha, 1e-300)) for period in symbol.periods]))
    cost = level + law.k * np.log(sizes) + np.log1p(law.beta * volatility) + law.theta * thinness
    slopes = np.zeros((len(sizes), len(names)))
    levels = np.array([name.startswith(LEVEL) for name in names])
    slopes[:, levels] = 1.0 / levels.sum()
    slopes[:, names.index("k")] = np.log(sizes)
    slopes[:, names.index("beta")] = volatility / (1.0 + law.beta * volatility)
    slopes[:, names.index("theta")] = thinness
    return cost, slopes @ np.array(symbol.covariance.matrix, dtype=np.float64) @ slopes.T
