"""Paths of a simulated market's states: a U-shape a day, levels and deviations that persist."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter


@dataclass(frozen=True)
class Shape:
    """How a latent path varies, in logs.

    U-shape lifts at open and close; sd and persistence of the daily level and the intraday state.
    """

    open_lift: float
    close_lift: float
    day_sd: float
    phi: float
    sd: float
    day_phi: float = 0.9


def latent_paths(
    draw: np.random.Generator, periods: Sequence[int], shape: Shape
) -> list[np.ndarray]:
    """Draw one positive path a day around mean 1.

    U-shape x persistent daily level x mean-reverting AR(1).
    """
    levels = _autoregression(draw, len(periods), shape.day_phi, shape.day_sd)
    paths = []
    for count, level in zip(periods, levels, strict=True):
        clock = (np.arange(count) + 0.5) / count
        profile = 1 + shape.open_lift * (1 - clock) ** 6 + shape.close_lift * clock**6
        within = _autoregression(draw, count, shape.phi, shape.sd)
        paths.append(
            profile / profile.mean() * np.exp(level + within - (shape.day_sd**2 + shape.sd**2) / 2)
        )
    return paths


def _autoregression(draw: np.random.Generator, count: int, phi: float, sd: float) -> np.ndarray:
    shocks = sd * np.sqrt(1 - phi**2) * draw.standard_normal(count)
    shocks[0] /= np.sqrt(1 - phi**2)  # starts in its stationary law
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks))
