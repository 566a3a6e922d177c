"""Exact, certified allocation of an order over trading periods under fitted impact laws."""

from .adaptive import Adaptive, MarketState, Plan, replan
from .batch import Batch, Orders, solve_many
from .closed_form import almgren_chriss, bertsimas_lo, power_law, twap, vwap
from .frontier import Frontier, frontier
from .laws import PowerLaw, ProblemError, TableLaw
from .markov import LiquidityChain, LiquidityPolicy, stochastic_policy
from .problem import Problem
from .programme import ValueFunction, value_function
from .schedule import Breakdown, evaluate
from .solution import Settings, Solution, Status
from .solve import solve
from .uncertainty import CostInterval, RobustPlan, Uncertainty, cost_interval, robust, sensitivities

__all__ = [
    "Adaptive",
    "Batch",
    "Breakdown",
    "CostInterval",
    "Frontier",
    "LiquidityChain",
    "LiquidityPolicy",
    "MarketState",
    "Orders",
    "Plan",
    "PowerLaw",
    "Problem",
    "ProblemError",
    "RobustPlan",
    "Settings",
    "Solution",
    "Status",
    "TableLaw",
    "Uncertainty",
    "ValueFunction",
    "almgren_chriss",
    "bertsimas_lo",
    "cost_interval",
    "evaluate",
    "frontier",
    "power_law",
    "replan",
    "robust",
    "sensitivities",
    "solve",
    "solve_many",
    "stochastic_policy",
    "twap",
    "value_function",
    "vwap",
]
