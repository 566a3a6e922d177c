"""What is to be traded, at what cost and within which limits; what a schedule of it costs."""

from solver.problem.impact_law import ImpactLaw
from solver.problem.laws import PowerLaw, ProblemError, TableLaw
from solver.problem.problem import Problem
from solver.problem.schedule import Breakdown, evaluate
from solver.problem.solution import Settings, Solution, Status

__all__ = [
    "Breakdown",
    "ImpactLaw",
    "PowerLaw",
    "Problem",
    "ProblemError",
    "Settings",
    "Solution",
    "Status",
    "TableLaw",
    "evaluate",
]
