"""Profiles of the day against planted ones: an opening that stands out, and days without one."""

import numpy as np
import pytest
from scipy.signal import lfilter

from models.forecast.intraday import profile as room
from models.forecast.intraday.dynamics import fit_dynamics

PERIODS, PHI, STATE, NOISE = 390, 0.97, 0.25, 0.3
OPENING = slice(0, 10)


def planted(opening: float) -> np.ndarray:
    clock = np.arange(PERIODS)
    shape = 0.15 * np.cos(2 * np.pi * clock / PERIODS) + opening * np.exp(-clock / 8)
    return shape - shape.mean()


def history(opening: float, days: int, rng: np.random.Generator) -> np.ndarray:
    shocks = STATE * np.sqrt(1 - PHI**2) * rng.normal(size=(days, PERIODS))
    shocks[:, 0] = STATE * rng.normal(size=days)
    state = lfilter([1.0], [1.0, -PHI], shocks, axis=1)
    level = 0.2 * rng.normal(size=(days, 1))
    return planted(opening) + level + state + NOISE * rng.normal(size=(days, PERIODS))


def errors(
    opening: float, days: int, seeds: int, monkeypatch: pytest.MonkeyPatch, limit: float
) -> np.ndarray:
    """Return the profile less the planted one, (seeds, N); limit: of what shrinkage moves."""
    monkeypatch.setattr(room, "MOST_MOVED", limit)
    drawn = (history(opening, days, np.random.default_rng(seed)) for seed in range(seeds))
    return np.stack([fit_dynamics(one)[1] - planted(opening) for one in drawn])


@pytest.mark.parametrize("days", [3, 5])
def test_an_opening_that_stands_out_is_forecast_better(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, one_factor = (
        errors(1.2, days, 30, monkeypatch, limit) for limit in (room.MOST_MOVED, np.inf)
    )
    bias, former = (each[:, OPENING].mean() for each in (own, one_factor))
    assert abs(bias) < 0.7 * abs(former)
    gain = (one_factor**2 - own**2)[:, OPENING].mean(axis=1)
    assert gain.mean() > 3 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("days", [3, 5])
def test_a_day_without_an_opening_is_forecast_no_worse(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, one_factor = (
        (errors(0.0, days, 60, monkeypatch, limit) ** 2).mean(axis=1)
        for limit in (room.MOST_MOVED, np.inf)
    )
    difference = own - one_factor
    noise = STATE**2 + NOISE**2  # of what is measured of a period, whatever its profile
    assert difference.mean() < 0.001 * noise
