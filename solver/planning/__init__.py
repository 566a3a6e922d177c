"""What is built on a solve: many orders at once, the price of risk, errors of parameters."""

from solver.planning.batch import Batch, solve_many
from solver.planning.frontier import Frontier, frontier
from solver.planning.orders import Orders
from solver.planning.robust import RobustPlan, robust
from solver.planning.uncertainty import CostInterval, Uncertainty, cost_interval, sensitivities

__all__ = [
    "Batch",
    "CostInterval",
    "Frontier",
    "Orders",
    "RobustPlan",
    "Uncertainty",
    "cost_interval",
    "frontier",
    "robust",
    "sensitivities",
    "solve_many",
]
