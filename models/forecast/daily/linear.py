"""Forecasts by least squares on a sliding window, of the level itself or of its logarithm."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.designs import START
from models.forecast.daily.measures import Measures, NotMeasured, positive_log
from models.forecast.daily.model import (
    LEAST_DAYS,
    DailyForecast,
    check_known,
    known_ratios,
    sane_forecast,
    usable_forecast,
)
from models.forecast.daily.sliding import SlidingProducts, sliding_products, solve_products

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LinearModel:
    """level_{t+1}, or its logarithm, = x_t' b + error.

    design: Measures -> (D - 21, k), x_t on the row of day t; filtered: published with the filter of
    `sane_forecast`.
    """

    name: str
    design: Callable[[Measures], Floats]
    logs: bool
    filtered: bool = False

    def fit(self, history: Measures, window: int) -> "LinearFit":
        """Fit to the last `window` days of the history that have 22 days before them.

        A day whose level or regressors are missing (for logs: or zero) is left out. window: >= 20.
        Raises: ValueError when fewer than 20 days are left, or a measure is missing.
        """
        recent = history[-(window + START + 1) :]
        design = self.design(recent) if len(recent) > START else np.empty((0, 1))
        target = self.target(recent.level[START + 1 :])
        products = sliding_products(_joined(design[:-1], target), window)
        known = int((_complete(design[:-1], target) & (recent.level[START + 1 :] > 0)).sum())
        if known < LEAST_DAYS:
            found = f"{known} days with a positive level and its lags"
            raise ValueError(f"history: {found}, {self.name} needs {LEAST_DAYS}")
        return LinearFit(self, window, recent, design, products)

    def target(self, level: Floats) -> Floats:
        """Return what is regressed."""
        return positive_log(level) if self.logs else level


@dataclass(frozen=True)
class Richest:
    """The first of several regressions whose measures were taken, the most demanding first."""

    models: tuple[LinearModel, ...]

    @property
    def name(self) -> str:
        """Return the most demanding one's name."""
        return self.models[0].name

    def chosen(self, history: Measures) -> LinearModel:
        """Return the first that can be fitted to such measures, the last where none can."""
        for model in self.models[:-1]:
            try:
                model.design(history[: START + 1])
            except NotMeasured:
                continue
            except ValueError:  # too short for any: its fit says so
                pass
            return model
        return self.models[-1]

    def fit(self, history: Measures, window: int) -> "LinearFit":
        """Fit the chosen one; raises what it raises."""
        return self.chosen(history).fit(history, window)


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A fitted regression.

    recent: the window and 22 days before it; design: (n + 1, k), tomorrow's row last.
    """

    model: LinearModel
    window: int
    recent: Measures
    design: Floats
    products: SlidingProducts

    @property
    def coefficients(self) -> Floats:
        """Return b, (k,)."""
        return solve_products(self.products.total)

    @property
    def r2(self) -> float:
        """Return the share of the target's variance explained; NaN when it never varies."""
        known = _complete(self.design[:-1], self._target(1))
        target = self._target(1)[known]
        rest = target - self.design[:-1][known] @ self.coefficients
        return float(1 - rest.var() / target.var()) if np.ptp(target) > 0 else float("nan")

    @property
    def standard_errors(self) -> Floats:
        """Return the classical standard errors of b, (k,)."""
        total, count = self.products.total, int(_complete(self.design[:-1], self._target(1)).sum())
        b = self.coefficients
        rest = total[-1, -1] - 2 * b @ total[:-1, -1] + b @ total[:-1, :-1] @ b
        free = max(count - len(b), 1)
        return np.asarray(
            np.sqrt(np.maximum(np.diag(np.linalg.pinv(total[:-1, :-1])) * rest / free, 0.0))
        )

    def update(self, observation: Measures) -> "LinearFit":
        """Return the regression over the window that ends with the observed days."""
        fit = self
        for day in range(len(observation)):
            fit = fit._next(observation[day : day + 1])
        return fit

    def forecast(self, horizon: int) -> DailyForecast:
        """Return the next `horizon` days, each by a regression of its own at that distance.

        A forecast of logs is taken to levels by the mean of exp(residual) (smearing), which makes
        the window's ratios average to one.
        Raises: ValueError when updates have left fewer than 20 days with a positive level.
        Source: Duan 1983, "Smearing estimate: a nonparametric retransformation method".
        """
        check_known(self.recent.level[START + 1 :], self.model.name)
        means, ratios = [], []
        for step in range(1, horizon + 1):
            mean, ratio = self._step(step)
            means.append(mean)
            ratios.append(ratio)
        stated = sane_forecast if self.model.filtered else usable_forecast
        return stated(np.array(means), np.array(ratios), self.recent.level[START + 1 :])

    def summary(self) -> str:
        """Return the fit as text."""
        rows = enumerate(zip(self.coefficients, self.standard_errors, strict=True))
        lines = [f"x{column:<7}{value:>10.4f}{error:>10.4f}" for column, (value, error) in rows]
        return "\n".join([f"{self.model.name}  n {len(self.design) - 1}  R2 {self.r2:.4f}", *lines])

    def _next(self, day: Measures) -> "LinearFit":
        recent = self.recent.followed_by(day)
        row = _joined(self.design[-1:], self.model.target(day.level))[0]
        tomorrow = self.model.design(recent[-(START + 1) :])
        design = np.concatenate([self.design, tomorrow])[-(self.window + 1) :]
        return LinearFit(
            self.model,
            self.window,
            recent[-(self.window + START + 1) :],
            design,
            self.products.push(row),
        )

    def _target(self, step: int) -> Floats:
        """Return what followed each row but the last at this distance, (n,), NaN if yet to come."""
        target = self.model.target(self.recent.level[START + step :])
        return np.concatenate([target, np.full(step - 1, np.nan)])

    def _step(self, step: int) -> tuple[float, Floats]:
        target, design = self._target(step), self.design[:-1]
        total = self.products.total
        if step > 1:
            rows = _joined(design, target)
            total = rows.T @ rows
        b = solve_products(total)
        fitted, ahead = design @ b, float(self.design[-1] @ b)
        if not self.model.logs:
            return ahead, known_ratios(target, fitted)
        errors = target - fitted
        count = int(np.isfinite(errors).sum())
        # Residuals are shorter than errors to come.
        spread = np.sqrt(count / max(count - len(b), 1))
        smearing = float(np.nanmean(np.exp(errors)))
        with np.errstate(over="ignore"):  # an infinite forecast is replaced
            mean = float(np.exp(ahead)) * smearing
        return mean, np.exp(errors * spread) / smearing


def _complete(design: Floats, target: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(design).all(axis=1) & np.isfinite(target))


def _joined(design: Floats, target: Floats) -> Floats:
    """Return the rows (x, y), zero where something is missing: they add nothing to a sum."""
    return np.where(_complete(design, target)[:, None], np.column_stack([design, target]), 0.0)
