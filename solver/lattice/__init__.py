"""Schedules in whole lots: the exact dynamic programme, its rows, and sweeps of roundings."""

from solver.lattice.lattice import Lattice
from solver.lattice.programme import ValueFunction, dynamic_programme, value_function
from solver.lattice.sweeps import sweep

__all__ = [
    "Lattice",
    "ValueFunction",
    "dynamic_programme",
    "sweep",
    "value_function",
]
