"""The block bootstrap against closed forms, and what it refuses."""

import numpy as np
import pytest

from models.inference.bootstrap import block_bootstrap


def test_the_mean_of_blocks_has_the_error_of_independent_blocks():
    rng = np.random.default_rng(1)
    block = np.repeat(np.arange(60), 10)
    values = np.repeat(rng.normal(size=60), 10)  # wholly dependent within a block
    found = block_bootstrap(lambda rows: np.array([values[rows].mean()]), block, 600, seed=2)
    assert found.standard_errors[0] == pytest.approx(values[::10].std() / np.sqrt(60), rel=0.1)
    assert found.interval()[0, 0] < values.mean() < found.interval()[1, 0]


def test_rows_of_a_block_stay_together_wherever_they_stand():
    block = np.tile(np.arange(5), 4)
    found = block_bootstrap(
        lambda rows: np.bincount(block[rows], minlength=5).astype(float), block, 50, seed=0
    )
    assert set(np.unique(found.estimates % 4)) == {0.0}
    assert (found.estimates.sum(axis=1) == 20).all()


def test_failed_replicates_are_counted_and_too_many_refused():
    block = np.arange(8)

    def fussy(rows: np.ndarray) -> np.ndarray:
        if 0 in rows:
            raise ValueError("rows: not 0")
        return np.array([1.0])

    with pytest.raises(ValueError, match="replicates have no estimate"):
        block_bootstrap(fussy, block, 50, seed=0)
    with pytest.raises(ValueError, match="at least 2"):
        block_bootstrap(fussy, np.zeros(8, dtype=int), 50, seed=0)

    def seldom_fails(rows: np.ndarray) -> np.ndarray:
        if (rows == 0).sum() > 2:
            raise ValueError("rows: too many of 0")
        return np.array([1.0])

    found = block_bootstrap(seldom_fails, block, 200, seed=0)
    assert 0 < found.failed < 40
    assert len(found.estimates) + found.failed == 200
