"""Machine-learning regressors of cost: curves by state, their distribution, their intervals."""

from models.learners.catalogue import LEARNERS, fit_curve
from models.learners.causal import CausalTable
from models.learners.curve import CostModel, FittedCurve, StatedLaw
from models.learners.folds import forward_folds
from models.learners.rows import CostRows
from models.learners.settings import LearnerSettings

__all__ = [
    "LEARNERS",
    "CausalTable",
    "CostModel",
    "CostRows",
    "FittedCurve",
    "LearnerSettings",
    "StatedLaw",
    "fit_curve",
    "forward_folds",
]
