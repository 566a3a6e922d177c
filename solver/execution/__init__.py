"""Decisions while an order is worked: plans made anew, policies that follow the market's state."""

from solver.execution.adaptive import Adaptive
from solver.execution.ladder import RUNGS, Ladders
from solver.execution.markov import LiquidityChain, LiquidityPolicy, stochastic_policy
from solver.execution.moment import SpreadStates, TakeOrWait, Waiting
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
from solver.execution.replanning import MarketState, Plan, replan
from solver.execution.schedules import Participation, Scheduled, WaitingTwap
from solver.execution.supply import PooledSupply, Threshold
from solver.execution.value import BooksToCome, Cells, Holding, cells_of, waiting_slopes

__all__ = [
    "RUNGS",
    "Adaptive",
    "Band",
    "BooksToCome",
    "Cells",
    "Child",
    "Decider",
    "Holding",
    "Ladders",
    "Learned",
    "Learning",
    "LiquidityChain",
    "LiquidityPolicy",
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
    "cells_of",
    "decision",
    "replan",
    "stochastic_policy",
    "waiting_slopes",
]
