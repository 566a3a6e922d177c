"""Schedules in fractions of shares: closed forms, the multiplier, interior points, certificates."""

from solver.continuous.certificate import certified_gap
from solver.continuous.closed_form import almgren_chriss, bertsimas_lo, power_law, twap, vwap
from solver.continuous.interior_point import descend, interior_point
from solver.continuous.multiplier import multiplier

__all__ = [
    "almgren_chriss",
    "bertsimas_lo",
    "certified_gap",
    "descend",
    "interior_point",
    "multiplier",
    "power_law",
    "twap",
    "vwap",
]
