"""Golden-section search, for the convex functions of one number whose derivative is not at hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


def golden_section(
    value: Callable[[float], float], low: float, high: float, steps: int
) -> tuple[float, float]:
    """Where in low..high a convex function is least, to within GOLDEN**steps of it, and its least
    value seen.

    Source: Kiefer (1953), "Sequential minimax search for a maximum".
    """
    best = np.inf
    for _ in range(steps):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        value_a, value_b = value(a), value(b)
        best = min(best, value_a, value_b)
        low, high = (low, b) if value_a <= value_b else (a, high)
    return 0.5 * (low + high), best
