"""Exact, certified allocation of an order over trading periods under fitted impact laws."""

from solver.continuous.closed_form import almgren_chriss, bertsimas_lo, power_law, twap, vwap
from solver.execution.replanning import MarketState, Plan, replan
from solver.lattice.programme import ValueFunction, value_function
from solver.planning.batch import Batch, solve_many
from solver.planning.curves import evaluate_curve, law_of, solve_curve, tabulated
from solver.planning.frontier import Frontier, frontier, most_urgent
from solver.planning.order_terms import OrderTerms
from solver.planning.orders import Orders
from solver.planning.parameters import (
    child_orders,
    chosen_law,
    from_params,
    learned_curve,
    tilt_of,
    uncertainty_of,
)
from solver.planning.quadratic import even_quadratic, quadratic_approximation
from solver.planning.robust import RobustPlan, robust
from solver.planning.section import periods_within
from solver.planning.tilt import Tilt
from solver.planning.uncertainty import CostInterval, Uncertainty, cost_interval, sensitivities
from solver.problem.extrapolation import Extrapolation
from solver.problem.impact_law import ImpactLaw
from solver.problem.knotted_law import KnottedLaw, log_ratios
from solver.problem.laws import PowerLaw, ProblemError, TableLaw
from solver.problem.problem import Problem
from solver.problem.schedule import Breakdown, evaluate
from solver.problem.slicing import Slicing, slice_factor
from solver.problem.solution import Settings, Solution, Status
from solver.solve import certify, solve

__all__ = [
    "Batch",
    "Breakdown",
    "CostInterval",
    "Extrapolation",
    "Frontier",
    "ImpactLaw",
    "KnottedLaw",
    "MarketState",
    "OrderTerms",
    "Orders",
    "Plan",
    "PowerLaw",
    "Problem",
    "ProblemError",
    "RobustPlan",
    "Settings",
    "Slicing",
    "Solution",
    "Status",
    "TableLaw",
    "Tilt",
    "Uncertainty",
    "ValueFunction",
    "almgren_chriss",
    "bertsimas_lo",
    "certify",
    "child_orders",
    "chosen_law",
    "cost_interval",
    "evaluate",
    "evaluate_curve",
    "even_quadratic",
    "from_params",
    "frontier",
    "law_of",
    "learned_curve",
    "log_ratios",
    "most_urgent",
    "periods_within",
    "power_law",
    "quadratic_approximation",
    "replan",
    "robust",
    "sensitivities",
    "slice_factor",
    "solve",
    "solve_curve",
    "solve_many",
    "tabulated",
    "tilt_of",
    "twap",
    "uncertainty_of",
    "value_function",
    "vwap",
]
