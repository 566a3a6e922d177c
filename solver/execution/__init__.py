"""Decisions while an order is worked: plans made anew, policies that follow the market's state."""

from solver.execution.adaptive import Adaptive
from solver.execution.coming import Coming
from solver.execution.ladder import RUNGS, Ladders
from solver.execution.moment import SpreadStates, TakeOrWait, Waiting
from solver.execution.placebo import Blind
from solver.execution.policy import (
    Band,
    Child,
    Decider,
    Learned,
    Learning,
    Past,
    Policy,
    Seen,
    decision,
)
from solver.execution.pressure import book_pressure
from solver.execution.replanning import MarketState, Plan, replan
from solver.execution.schedules import Participation, Scheduled, WaitingTwap
from solver.execution.supply import PooledSupply, Threshold
from solver.execution.value import (
    BooksToCome,
    Cells,
    Holding,
    cells_of,
    clairvoyant,
    waiting_slopes,
)

__all__ = [
    "RUNGS",
    "Adaptive",
    "Band",
    "Blind",
    "BooksToCome",
    "Cells",
    "Child",
    "Coming",
    "Decider",
    "Holding",
    "Ladders",
    "Learned",
    "Learning",
    "MarketState",
    "Participation",
    "Past",
    "Plan",
    "Policy",
    "PooledSupply",
    "Scheduled",
    "Seen",
    "SpreadStates",
    "TakeOrWait",
    "Threshold",
    "Waiting",
    "WaitingTwap",
    "book_pressure",
    "cells_of",
    "clairvoyant",
    "decision",
    "replan",
    "waiting_slopes",
]
