"""How regressors are fitted: their size, and the budget of their tuning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LearnerSettings:
    """trees: at most; learning_rate; leaves: of a tree at most; seed; tries: settings that the
    tuner draws, 0 for the ones given; folds: of its validation; most_rows: that it looks at.
    """

    trees: int = 200
    learning_rate: float = 0.05
    leaves: int = 15
    seed: int = 0
    tries: int = 6
    folds: int = 3
    most_rows: int = 20_000
