"""Partial pooling: across symbols by random effects, over the day by a smooth curve."""

from models.pooling.reference_state import at_reference_state
from models.pooling.symbols import Pooled, SymbolEstimates, pool
from models.pooling.time_of_day import ProfileFit, shrink_profile

__all__ = [
    "Pooled",
    "ProfileFit",
    "SymbolEstimates",
    "at_reference_state",
    "pool",
    "shrink_profile",
]
