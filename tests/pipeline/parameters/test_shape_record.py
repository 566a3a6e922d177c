"""What the parameter file says of the shape of past days: alpha's, by days' own levels."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipeline.parameters.sections import ShapeSection
from pipeline.parameters.shape_record import shape_section

BUCKETS, PER_BUCKET, DAYS, NOISE = 13, 6, 8, 0.1
PERIODS = BUCKETS * PER_BUCKET
DATES = np.array([f"2025-03-{day + 1:02d}" for day in range(DAYS)])
NAMES = [f"log_alpha_{bucket}" for bucket in range(BUCKETS)]


def section(own: np.ndarray) -> ShapeSection:
    """Return the section of days whose levels of alpha alone are known, (D, B) logs.

    The estimate is their mean, and what leaving a day out moves is exact.
    """
    whole = own.mean(axis=0)
    without = pd.DataFrame((whole - own) / (len(own) - 1), columns=NAMES).assign(date=DATES)
    flat = {"series": "volume", "date": np.repeat(DATES[1:], PERIODS), "forecast": 1.0}
    told = pd.DataFrame(flat | {"realized": 1.0, "period": np.tile(np.arange(PERIODS), DAYS - 1)})
    places = pd.DataFrame({"period": np.arange(PERIODS), "half_spread_mean": 0.01})
    states = {name: 1.0 for name in ("volatility", "liquidity", "spread", "alpha")}
    return shape_section(
        SimpleNamespace(shape=told, horizon=places, states=places),
        SimpleNamespace(
            without=without,
            parameters=pd.DataFrame({"name": [*NAMES, "theta"], "value": [*whole, 1.0]}),
        ),
        places.assign(**states),
        True,
    )


def drawn(pattern: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = pattern * np.cos(2 * np.pi * (np.arange(BUCKETS) + 0.5) / BUCKETS)
    return -8 + 0.2 * rng.normal(size=(DAYS, 1)) + shape + NOISE * rng.normal(size=(DAYS, BUCKETS))


def test_a_pattern_of_alpha_that_repeats_is_believed() -> None:
    weights = [section(drawn(0.3, seed)).alpha.weight for seed in range(20)]
    assert min(weights) > 0.7


def test_levels_without_a_pattern_are_not_believed() -> None:
    """Of a worthless shape the slope is 0 on average, neither above nor below."""
    found = [section(drawn(0.0, seed)).alpha for seed in range(60)]
    slopes = np.array([one.slope for one in found])
    assert abs(slopes.mean()) < 3 * slopes.std() / np.sqrt(len(slopes))
    assert np.mean([one.weight for one in found]) < 0.1


def test_joint_moments_hold_what_alpha_did_on_every_day() -> None:
    own = drawn(0.3, 1)
    joint = np.array(section(own).joint)[:, 3, 3]
    for day in range(1, DAYS):
        before, came = own[:day].mean(axis=0), own[day]
        assert joint[day - 1] == pytest.approx(np.cov(before, came, ddof=0)[0, 1])
