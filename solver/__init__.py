"""Exact, certified allocation of an order over trading periods under fitted impact laws."""

from solver.continuous.closed_form import almgren_chriss, bertsimas_lo, power_law, twap, vwap
from solver.execution.adaptive import Adaptive, MarketState, Plan, replan
from solver.execution.markov import LiquidityChain, LiquidityPolicy, stochastic_policy
from solver.lattice.programme import ValueFunction, value_function
from solver.planning.batch import Batch, solve_many
from solver.planning.frontier import Frontier, frontier
from solver.planning.orders import Orders
from solver.planning.robust import RobustPlan, robust
from solver.planning.uncertainty import CostInterval, Uncertainty, cost_interval, sensitivities
from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import PowerLaw, ProblemError, TableLaw
from solver.problem.problem import Problem
from solver.problem.schedule import Breakdown, evaluate
from solver.problem.solution import Settings, Solution, Status
from solver.solve import solve

__all__ = [
    "Adaptive",
    "Batch",
    "Breakdown",
    "CostInterval",
    "Frontier",
    "ImpactLaw",
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
