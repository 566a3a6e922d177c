"""Markets with known truth, and the tape they make."""

from models.simulation.market import (
    DayTape,
    DayTruth,
    MarketConfig,
    SymbolTruth,
    simulate_day,
    simulate_truth,
)

__all__ = [
    "DayTape",
    "DayTruth",
    "MarketConfig",
    "SymbolTruth",
    "simulate_day",
    "simulate_truth",
]
