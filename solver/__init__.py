"""Exact, certified allocation of an order over trading periods under fitted impact laws."""

from .closed_form import almgren_chriss, bertsimas_lo, power_law, twap, vwap
from .laws import PowerLaw, ProblemError, TableLaw
from .problem import Problem
from .schedule import Breakdown, evaluate
from .solution import Settings, Solution, Status
from .solve import solve

__all__ = [
    "Breakdown",
    "PowerLaw",
    "Problem",
    "ProblemError",
    "Settings",
    "Solution",
    "Status",
    "TableLaw",
    "almgren_chriss",
    "bertsimas_lo",
    "evaluate",
    "power_law",
    "solve",
    "twap",
    "vwap",
]
