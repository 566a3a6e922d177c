"""Markets of cost cells as estimators take them."""

import numpy as np

from models.impact.book.cost_law import fit_law
from models.impact.book.families import Family
from models.impact.book.walks import Cells
from models.learners import CausalTable, CostRows
from models.simulation.cost_cells import STATES, CostCells
from pipeline.stages.learning.learned_rows import LawOfStates

BUCKETS = 13
MINUTE, DAY = 60 * 1_000_000_000, 86_400 * 1_000_000_000


def law_of(cells: CostCells) -> LawOfStates:
    """Return the parametric law of these costs, by the book route's estimator."""
    world = cells.world
    many = len(world.sizes)
    states, size = np.repeat(cells.states, many, axis=0), np.tile(world.sizes, len(cells.day))
    half_spread = np.exp(states[:, 2])
    measured = Cells(
        size=size,
        excess=cells.cost.ravel() - half_spread * size,
        half_spread=half_spread,
        censored=np.zeros(len(size)),
        bucket=np.repeat(cells.period * BUCKETS // world.periods, many),
        volatility=np.exp(states[:, 0]),
        thinness=np.exp(states[:, 1]),
        cluster=np.repeat(cells.day, many),
    )
    return LawOfStates(fit_law(measured, Family.SPREAD_POWER, BUCKETS), world.periods)


def rows_of(cells: CostCells) -> CostRows:
    """Return the same costs as learners take them."""
    many = len(cells.world.sizes)
    start = np.repeat(cells.day * DAY + cells.period * MINUTE, many)
    states = np.repeat(cells.states, many, axis=0)
    known = np.repeat(start[:, None], len(STATES), axis=1)
    size = np.tile(cells.world.sizes, len(cells.day))
    table = CausalTable(STATES, states, known, start)
    return CostRows(table, size, cells.cost.ravel(), start + MINUTE, np.repeat(cells.day, many))


def split(cells: CostCells, days: int) -> tuple[CostCells, CostCells]:
    """Return the first days and the ones behind them."""
    early = cells.day < days
    names = ("states", "cost", "day", "period")
    first, behind = (
        CostCells(cells.world, *(getattr(cells, name)[some] for name in names))
        for some in (early, ~early)
    )
    return first, behind
