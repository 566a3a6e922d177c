"""Machine-learning regressors of cost."""

from models.learners.regressors import Boosting, fit_boosting, fit_gamma_regression

__all__ = ["Boosting", "fit_boosting", "fit_gamma_regression"]
