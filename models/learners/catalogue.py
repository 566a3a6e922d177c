"""Learners of the cost curve by name, behind one interface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.learners.boosting import fit_histogram, fit_lightgbm
from models.learners.curve import CostModel, FittedCurve, StatedLaw
from models.learners.hybrid import CorrectedLaw, fit_hybrid
from models.learners.rows import CostRows
from models.learners.settings import LearnerSettings
from models.learners.spline import fit_spline

Floats = NDArray[np.float64]
LEARNERS = ("law", "spline", "histogram", "lightgbm", "hybrid")


def fit_curve(
    learner: str, rows: CostRows, law: StatedLaw, settings: LearnerSettings
) -> FittedCurve:
    """Fit one of `LEARNERS` to costs; law: fitted to the same rows.

    Raises: KeyError for another name.
    Source: Friedman 2001, "Greedy function approximation: a gradient boosting machine", for the
    boosted ones; Hastie, Tibshirani 1990, "Generalized Additive Models", for splines.
    """
    return FittedCurve(learner, _model(learner, rows, law, settings), law, np.unique(rows.size))


def _model(learner: str, rows: CostRows, law: StatedLaw, settings: LearnerSettings) -> CostModel:
    if learner == "law":
        return CorrectedLaw(rows.states.names, None)
    if learner == "hybrid":
        return fit_hybrid(rows, law.at(rows.states.values).cost(rows.size), settings)
    fits = {"spline": fit_spline, "histogram": fit_histogram, "lightgbm": fit_lightgbm}
    return fits[learner](rows, settings)
