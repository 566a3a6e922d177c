"""Decisions while an order is worked: plans made anew, policies that follow the market's state."""

from solver.execution.adaptive import Adaptive, MarketState, Plan, replan
from solver.execution.markov import LiquidityChain, LiquidityPolicy, stochastic_policy

__all__ = [
    "Adaptive",
    "LiquidityChain",
    "LiquidityPolicy",
    "MarketState",
    "Plan",
    "replan",
    "stochastic_policy",
]
