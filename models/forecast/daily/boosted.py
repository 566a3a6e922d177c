"""Gradient-boosted trees on the regressors of a log regression."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.designs import START
from models.forecast.daily.linear import LinearFit, Richest
from models.forecast.daily.measures import Measures
from models.forecast.daily.model import LEAST_DAYS, DailyForecast, usable_forecast

Floats = NDArray[np.float64]
TREES = 50
HELD_OUT = 0.2  # the end of the window, on which the size of the errors is measured
LEAST_ERRORS = 20  # below it the held-out errors say too little
PARAMETERS = {
    "objective": "regression",
    "num_leaves": 7,
    "learning_rate": 0.08,
    "min_data_in_leaf": 20,
    "max_bin": 63,
    "verbosity": -1,
    "num_threads": 1,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
}


@dataclass(frozen=True)
class BoostedModel:
    """log level_{t+1} = log regression + trees(x_t) of what it leaves.

    Trees cannot extrapolate, the line can.
    """

    name: str
    base: Richest

    def parts(self, history: Measures) -> tuple[str, ...]:
        """Return the name of the regression as such measures allow it."""
        return (self.base.chosen(history).name,)

    def fit(self, history: Measures, window: int) -> "BoostedFit":
        """Fit to the last `window` days of the history.

        Raises: ValueError when fewer than 20 days are known.
        """
        return BoostedFit(self, self.base.fit(history, window))


@dataclass(frozen=True, eq=False)
class BoostedFit:
    """The regression; the trees are grown when a forecast is asked for."""

    model: BoostedModel
    line: LinearFit

    def update(self, observation: Measures) -> "BoostedFit":
        """Return the model fitted again to the window that ends with the observed days."""
        return BoostedFit(self.model, self.line.update(observation))

    def forecast(self, horizon: int) -> DailyForecast:
        """Return the next `horizon` days; ratios are those of the window's held-out end."""
        line = self.line.forecast(horizon)
        design = self.line.design
        means, ratios = np.array(line.mean), np.full(line.ratios.shape, np.nan)
        for step in range(horizon):
            means[step], ratios[step] = _corrected(
                design, float(line.mean[step]), line.ratios[step]
            )
        found = usable_forecast(means, ratios, self.line.recent.level[START + 1 :])
        return DailyForecast(found.mean, found.ratios, found.replaced | line.replaced)

    def summary(self) -> str:
        """Return the fit as text."""
        return f"{self.model.name}  {TREES} trees on the residuals of:\n{self.line.summary()}"


def _corrected(design: Floats, mean: float, ratios: Floats) -> tuple[float, Floats]:
    """Return the mean and the ratios after the trees' correction of the residuals' logs."""
    known = np.flatnonzero(np.isfinite(ratios) & (ratios > 0))
    held = max(round(HELD_OUT * len(known)), LEAST_ERRORS)
    if len(known) < LEAST_DAYS + held or not np.isfinite(design[-1]).all():
        return mean, ratios
    logs = np.log(ratios[known])
    centre = logs.mean()  # the line's retransformation stands; the trees move it by day
    early = _grow(design[known[:-held]], logs[:-held] - centre)
    after = np.full(len(ratios), np.nan)
    after[known[-held:]] = ratios[known[-held:]] / np.exp(
        early.predict(design[known[-held:]], num_threads=1)
    )
    step = float(_grow(design[known], logs - centre).predict(design[-1:], num_threads=1)[0])
    return mean * float(np.exp(step)), after


def _grow(design: Floats, target: Floats) -> Any:
    import lightgbm  # half a second to import

    data = lightgbm.Dataset(design, target, params=PARAMETERS)
    return lightgbm.train(PARAMETERS, data, TREES)
