"""A simulated market of daily measures, for the tests of forecasters."""

import numpy as np

from models.forecast.daily.measures import Measures


def market(days: int, seed: int = 0) -> Measures:
    """Return measures whose log level is a persistent AR(1) observed with noise."""
    rng = np.random.default_rng(seed)
    state = np.zeros(days)
    for day in range(1, days):
        state[day] = 0.97 * state[day - 1] + 0.2 * rng.normal()
    level = np.exp(state + 0.35 * rng.normal(size=days))
    negative = level * rng.beta(8, 8, days)
    date = np.busday_offset("2020-01-01", np.arange(days), roll="forward").astype("datetime64[D]")
    return Measures(
        level,
        0.01 * level**2 * rng.chisquare(4, days),
        level * 0.1 * rng.uniform(size=days),
        negative,
        level - negative,
        date,
    )
