"""The state-space model within the day, averaged with a regression on the periods gone by."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.profile import shrinkage
from models.forecast.intraday.state_space import IntradayFit, fit_intraday

Floats = NDArray[np.float64]
Ints = NDArray[np.int_]
HALF_LIVES = (0.3, 1.0, 3.0, 8.0, 20.0, 60.0, 240.0, 1440.0)  # periods
COMPANION_LIVES = (0.3, 1.0, 3.0, 20.0)
MEMORY = 20  # a half-life is used when the history is this many times longer
CLOCK = 60  # periods to the hour: trading programmes start on round minutes
CLOCK_WIDTH = 15.0  # periods, s.d. of the kernel that minutes of the hour deviate from
EVEN, WEIGHT_SPREAD = 0.5, 0.1  # mean and s.d. of the regression's weight, before a day is held out
LEAST_ROWS = 100  # below it there is no regression
TREE_ROWS, TREES = 10_000, 60  # trees are grown from this many rows on
REFIT_DAYS = 5  # coefficients and trees are kept so long
YOUNG_DAYS = 10  # below it they are fitted again every day
PARAMETERS = {
    "objective": "regression",
    "num_leaves": 15,
    "learning_rate": 0.05,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.6,
    "verbosity": -1,
    "num_threads": 1,
    "seed": 0,
    "deterministic": True,
    "force_row_wise": True,
}


@dataclass(frozen=True, eq=False)
class AveragedFit:
    """Fitted to past days, ready for the next: logs are forecast.

    state: the intraday state-space model; clock: (60,), what each minute of the hour adds;
    coefficients: (k,) of the regression, None while too short; trees: on its residuals, None while
    too short; weight: of the regression in the average; history: (D, N) logs; companions: each (D,
    N), logs of what else was measured (trades, range); fitted: days that coefficients, trees and
    weight rest on.
    """

    state: IntradayFit
    clock: Floats
    coefficients: Floats | None
    trees: Any
    weight: float
    history: Floats
    companions: tuple[Floats, ...]
    fitted: int

    def one_step(self, today: Floats, companions: tuple[Floats, ...] = ()) -> PeriodForecast:
        """Return the forecast of every period made just before it, shapes (N,)."""
        stepped, regressed = self._parts(today, companions)
        return replace(
            stepped, log_mean=stepped.log_mean + self.weight * (regressed - stepped.log_mean)
        )

    def update(self, observations: Floats) -> IntradayFit:
        """Return the state-space model after the day's first logs: the regression is one-step."""
        return self.state.update(observations)

    def forecast(self, horizon: int) -> PeriodForecast:
        """Return the state-space model's forecast of the day's next `horizon` periods."""
        return self.state.forecast(horizon)

    def _parts(
        self, today: Floats, companions: tuple[Floats, ...]
    ) -> tuple[PeriodForecast, Floats]:
        """Return the state space's forecast and the regression's log mean."""
        stepped = self.state.one_step(today)
        if self.coefficients is None:
            return stepped, stepped.log_mean
        joined = [
            np.vstack([past, row]) for past, row in zip(self.companions, companions, strict=True)
        ]
        whole = np.vstack([self.history, today])
        rows = _regressors(whole, tuple(joined), self.clock, self.fitted * len(today))[
            -len(today) :
        ]
        found = rows @ self.coefficients
        if self.trees is not None:
            found = found + self.trees.predict(_with_time(rows, len(today)), num_threads=1)
        return stepped, np.where(np.isfinite(found), found, stepped.log_mean)


def fit_averaged(
    history: Floats,
    kinds: Ints | None = None,
    companions: tuple[Floats, ...] = (),
    earlier: AveragedFit | None = None,
) -> AveragedFit:
    """Fit to the logs of past days, (D, N), NaN where nothing was measured.

    kinds: (D + 1,) kind of every past day and of the next (weekday 0, weekend 1), None when they
    are alike; earlier: a fit to the first of these days, whose regression is kept while it is at
    most four days old.
    Raises: ValueError naming the argument whose shape does not fit.
    Source: Chen, Feng, Palomar 2016 for the state space; Corsi 2009 for the regression on nested
    memories.
    """
    if any(each.shape != history.shape for each in companions):
        raise ValueError(
            f"companions: shapes {[each.shape for each in companions]}, the history has "
            f"{history.shape}"
        )
    if kinds is not None and len(kinds) != len(history) + 1:
        raise ValueError(
            f"kinds: {len(kinds)} days, {len(history)} past ones and the next are needed"
        )
    if earlier is not None and _still_good(earlier, len(history)):
        state = fit_intraday(history, kinds)
        return replace(earlier, state=state, history=history, companions=companions)
    fit = _fit_parts(history, kinds, companions)
    if len(history) < 2 or fit.coefficients is None:
        return fit
    earlier_kinds = None if kinds is None else kinds[:-1]
    before = _fit_parts(history[:-1], earlier_kinds, tuple(each[:-1] for each in companions))
    stepped, regressed = before._parts(history[-1], tuple(each[-1] for each in companions))
    error, difference = history[-1] - stepped.log_mean, regressed - stepped.log_mean
    return replace(fit, weight=_weight(error, difference))


def _still_good(earlier: AveragedFit, days: int) -> bool:
    """Tell whether the regression of an earlier fit can be kept for a history of so many days."""
    return earlier.fitted >= YOUNG_DAYS and days - earlier.fitted < REFIT_DAYS


def _fit_parts(history: Floats, kinds: Ints | None, companions: tuple[Floats, ...]) -> AveragedFit:
    state = fit_intraday(history, kinds)
    clock = _clock_effects(history)
    target = history.ravel()
    coefficients = trees = None
    if len(target) >= LEAST_ROWS:
        rows = _regressors(history, companions, clock, history.size)
        known = np.isfinite(rows).all(axis=1) & np.isfinite(target)
        if known.sum() >= LEAST_ROWS:
            coefficients = np.asarray(
                np.linalg.lstsq(rows[known], target[known], rcond=None)[0], dtype=np.float64
            )
            if known.sum() >= TREE_ROWS:
                rest = target[known] - rows[known] @ coefficients
                trees = _grow(_with_time(rows, history.shape[1])[known], rest)
    return AveragedFit(state, clock, coefficients, trees, EVEN, history, companions, len(history))


def _weight(error: Floats, difference: Floats) -> float:
    """Return the weight that would have been best on the last day, shrunk to one half.

    error: of the state space; difference: the regression's forecast less its. The mean of a normal
    posterior, the prior centred on one half with standard deviation WEIGHT_SPREAD, kept within 0
    and 1.
    Source: Diebold, Pauly 1990, "The use of prior information in forecast combination".
    """
    known = np.isfinite(error) & np.isfinite(difference)
    if not known.any():
        return EVEN
    rest = error[known] - EVEN * difference[known]
    precision = float((rest**2).mean()) / WEIGHT_SPREAD**2 + float((difference[known] ** 2).sum())
    moved = float(rest @ difference[known]) / precision if precision > 0 else 0.0
    return min(max(EVEN + moved, 0.0), 1.0)


def _regressors(
    history: Floats, companions: tuple[Floats, ...], clock: Floats, fitted: int
) -> Floats:
    """Return the regressors of every period: 1, its clock effect and averages before it.

    Shape (D N, k).
    fitted: periods that the coefficients rest on.
    """
    periods = history.shape[1]
    effect = np.tile(clock[np.arange(periods) % CLOCK], len(history))
    flat = history.ravel() - effect
    columns = [_ewma_before(flat, life) for life in HALF_LIVES if life * MEMORY <= fitted]
    columns += [_ewma_before(each.ravel(), life) for each in companions for life in COMPANION_LIVES]
    return np.column_stack([np.ones(len(flat)), effect, *columns])


def _ewma_before(values: Floats, half_life: float) -> Floats:
    from pandas import Series

    return np.asarray(
        Series(values).ewm(halflife=half_life, ignore_na=True).mean().shift(1), dtype=np.float64
    )


def _clock_effects(history: Floats) -> Floats:
    """Return what each minute of the hour adds to the period means around it, (60,), shrunk."""
    known = np.isfinite(history)
    if not known.all(axis=0).any() or history.shape[1] < 2 * CLOCK:
        return np.zeros(CLOCK)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, history, 0.0).sum(axis=0) / count
    rough = means - gaussian_filter1d(means, CLOCK_WIDTH, mode="nearest")
    minute = np.arange(len(rough)) % CLOCK
    number = np.bincount(minute, minlength=CLOCK)
    effect = np.bincount(minute, rough, minlength=CLOCK) / np.maximum(number, 1)
    noise = float((rough - effect[minute]).var() / number.mean())
    return np.asarray(shrinkage(float(effect.var()), noise) * (effect - effect.mean()))


def _with_time(rows: Floats, periods: int) -> Floats:
    place = np.arange(len(rows)) % periods
    return np.column_stack([rows, place, place % CLOCK])


def _grow(rows: Floats, target: Floats) -> Any:
    import lightgbm  # half a second to import

    return lightgbm.train(PARAMETERS, lightgbm.Dataset(rows, target, params=PARAMETERS), TREES)
