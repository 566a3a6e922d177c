"""Markets with known truth, and the tape they make."""

from models.simulation.book_chain import BookChain, MovingBook, chain_of
from models.simulation.market import (
    DayTape,
    DayTruth,
    MarketConfig,
    SymbolTruth,
    simulate_day,
    simulate_truth,
)
from models.simulation.moving_book import MovingDay, simulate_moving_day

__all__ = [
    "BookChain",
    "DayTape",
    "DayTruth",
    "MarketConfig",
    "MovingBook",
    "MovingDay",
    "SymbolTruth",
    "chain_of",
    "simulate_day",
    "simulate_moving_day",
    "simulate_truth",
]
