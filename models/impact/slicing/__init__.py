"""How fast displayed depth refills, which is what child orders within a period wait for."""

from models.impact.slicing.depth import HALF_LIVES, LAGS, DepthTape, RefillSums, refill_sums
from models.impact.slicing.refill import RefillFit, fit_refill

__all__ = [
    "HALF_LIVES",
    "LAGS",
    "DepthTape",
    "RefillFit",
    "RefillSums",
    "fit_refill",
    "refill_sums",
]
