"""GARCH models of a realized variance, whose signed root is a return without its noise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.measures import Measures
from models.forecast.daily.model import DailyForecast, check_known, known_ratios, usable_forecast

Floats = NDArray[np.float64]
LEAST = 1e-6  # share of the scaled series: below it nothing varies and nothing can be fitted


@dataclass(frozen=True)
class Garch:
    """level_t = h_t e_t, h_{t+1} = omega + (alpha + gamma [bad day]) level_t + beta h_t.

    By quasi-likelihood.
    asymmetric: with gamma ("GJR"); a bad day is one whose negative semivariance exceeds the
    positive one.
    Source: Engle 2002, "New frontiers for ARCH models", section 5 (the multiplicative error model
    is a GARCH of the root); Glosten, Jagannathan, Runkle 1993 for gamma.
    """

    name: str
    asymmetric: bool

    def fit(self, history: Measures, window: int) -> "GarchFit":
        """Fit to the last `window` days, known ones only.

        Raises: ValueError when fewer than 20 are known, or the semivariances are missing where
        signs are needed.
        """
        check_known(history.level[-window:], self.name)
        from arch import arch_model  # seconds to import

        recent = history[-window:]
        known = recent.level > 0
        scale = float(recent.level[known].mean())
        root = np.sqrt(recent.level[known] / scale)
        if self.asymmetric:
            good = recent.needed("positive")[known] >= recent.needed("negative")[known]
            root = np.where(good, root, -root)
        fitted = np.full(len(recent), np.nan)
        if np.var(root**2) < LEAST:
            fitted[known] = scale
            return GarchFit(self, window, recent, fitted, scale, scale, 0.0, None)
        model: Any = arch_model(root, mean="Zero", p=1, o=int(self.asymmetric), q=1, rescale=False)
        found = model.fit(disp="off", show_warning=False)
        values = np.asarray(found.params, dtype=np.float64)
        fitted[known] = np.asarray(found.conditional_volatility) ** 2 * scale
        ahead = float(found.forecast(horizon=1).variance.to_numpy()[-1, 0]) * scale
        bad = float(np.average(root < 0, weights=root**2)) if self.asymmetric else 0.0
        decay = float(values[1] + values[-1] + (values[2] * bad if self.asymmetric else 0.0))
        rest = float(values[0]) * scale / (1 - decay) if decay < 1 else scale
        return GarchFit(self, window, recent, fitted, ahead, rest, min(decay, 1.0), values)


@dataclass(frozen=True, eq=False)
class GarchFit:
    """A fitted GARCH: the forecast decays from `ahead`, tomorrow's, to `rest` by `decay` a day."""

    model: Garch
    window: int
    recent: Measures
    fitted: Floats
    ahead: float
    rest: float
    decay: float
    parameters: Floats | None

    def update(self, observation: Measures) -> "GarchFit":
        """Return the model fitted again to the window that ends with the observed days."""
        return self.model.fit(self.recent.followed_by(observation), self.window)

    def forecast(self, horizon: int) -> DailyForecast:
        """Return the next `horizon` days."""
        level = self.recent.level
        ratios = np.full((horizon, len(level)), np.nan)
        for step in range(min(horizon, len(level))):
            fitted = self.rest + self.decay**step * (self.fitted[: len(level) - step] - self.rest)
            ratios[step, : len(fitted)] = known_ratios(level[step:], fitted)
        means = np.asarray(
            self.rest + self.decay ** np.arange(horizon) * (self.ahead - self.rest),
            dtype=np.float64,
        )
        return usable_forecast(means, ratios, level)

    def summary(self) -> str:
        """Return the fit as text."""
        values = (
            "constant"
            if self.parameters is None
            else "  ".join(f"{each:.4f}" for each in self.parameters)
        )
        return f"{self.model.name}  n {len(self.recent)}  omega, alpha, (gamma,) beta: {values}"
