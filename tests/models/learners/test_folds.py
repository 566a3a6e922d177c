"""Folds go forward, in whole groups, with what ends too late left out."""

import numpy as np

from models.learners import CostRows, forward_folds
from models.learners.folds import EMBARGO_NS
from models.simulation.cost_cells import CellWorld, draw_cells
from tests.models.learners.cell_worlds import MINUTE, rows_of


def rows(days: int) -> CostRows:
    return rows_of(draw_cells(CellWorld(days=days, periods=30), seed=0))


def test_every_block_is_behind_what_it_is_tested_on() -> None:
    some = rows(7)
    folds = forward_folds(some.states.start, some.end, some.group, 3)
    assert len(folds) == 3
    for train, test in folds:
        assert some.end[train].max() + EMBARGO_NS <= some.states.start[test].min()
        assert not set(some.group[train]) & set(some.group[test])
    assert set(some.group[folds[-1][1]]) == {6}
    tested = np.concatenate([test for _, test in folds])
    assert len(np.unique(tested)) == len(tested)


def test_blocks_of_one_day_lose_what_the_embargo_covers() -> None:
    some = rows(1)
    group = (some.states.start // (10 * MINUTE)).astype(int)
    (_, last) = folds = forward_folds(some.states.start, some.end, group, 2, 5 * MINUTE)
    assert len(folds) == 2
    train, test = last
    assert some.states.start[test].min() == 20 * MINUTE
    assert some.end[train].max() == 15 * MINUTE


def test_one_group_is_no_fold() -> None:
    some = rows(1)
    assert forward_folds(some.states.start, some.end, some.group, 3) == []
