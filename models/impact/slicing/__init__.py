"""How fast displayed depth refills, and what slicing an order within a period saves."""

from models.impact.slicing.depth import HALF_LIVES, LAGS, DepthTape, RefillSums, refill_sums
from models.impact.slicing.refill import RefillFit, fit_refill
from models.impact.slicing.slices import SliceLimits, SlicePlan, plan_slices, slice_factor

__all__ = [
    "HALF_LIVES",
    "LAGS",
    "DepthTape",
    "RefillFit",
    "RefillSums",
    "SliceLimits",
    "SlicePlan",
    "fit_refill",
    "plan_slices",
    "refill_sums",
    "slice_factor",
]
