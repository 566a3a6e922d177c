"""Decisions while an order is worked: plans made anew, policies that follow the market's state."""

from solver.execution.adaptive import Adaptive
from solver.execution.ladder import RUNGS, Ladders
from solver.execution.markov import LiquidityChain, LiquidityPolicy, stochastic_policy
from solver.execution.policy import Band, Child, Decider, Learning, Past, Policy, Seen, decision
from solver.execution.replanning import MarketState, Plan, replan
from solver.execution.schedules import Participation, Scheduled, WaitingTwap
from solver.execution.supply import PooledSupply, Threshold

__all__ = [
    "RUNGS",
    "Adaptive",
    "Band",
    "Child",
    "Decider",
    "Ladders",
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
    "Threshold",
    "WaitingTwap",
    "decision",
    "replan",
    "stochastic_policy",
]
