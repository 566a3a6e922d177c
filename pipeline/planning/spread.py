"""The plans that an order is held against: spread evenly, or by volume, under the same caps."""

from dataclasses import replace

import numpy as np

from solver import PowerLaw, Problem, solve


def spread_evenly(stated: Problem, weight: np.ndarray) -> np.ndarray:
    """Return TWAP (equal weights) or VWAP (by volume) under the order's caps, shares.

    Minimising sum x^2/weight makes x proportional to the weight wherever no cap binds, in whole
    lots, so that the benchmark is a plan that could be traded.
    """
    return solve(spread_problem(stated, weight), integer=True).x


def spread_problem(stated: Problem, weight: np.ndarray) -> Problem:
    """Return the problem whose optimum is in proportion to the weight, under the order's caps."""
    return replace(
        stated,
        law=PowerLaw(scale=1.0 / weight, exponent=2.0),
        permanent=0.0,
        drift=0.0,
        sigma=0.0,
        risk_aversion=0.0,
    )
