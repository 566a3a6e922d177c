"""Costs to come, told by the hour's states: where they stand, and where nothing is told."""

from dataclasses import replace

import numpy as np

from solver.execution import Band, Coming, Past, Seen, TakeOrWait
from solver.execution.coming import NAMES, hour_features, minutes_of

HORIZONS = np.array([1.0, 10.0, 40.0])


def hour(moments: int = 61) -> Past:
    rng = np.random.default_rng(0)
    spread = 0.02 * np.exp(0.3 * rng.standard_normal(moments))
    over = spread[:, None] / 2 + 0.01 * np.arange(4)
    size = np.full((moments, 4), 500.0)
    mid = np.cumsum(0.01 * rng.standard_normal(moments))
    tilt = np.tanh(rng.standard_normal(moments))
    return Past(np.arange(moments) - moments + 1, over, size, spread, mid, tilt)


def told(name: str, by: tuple[float, ...]) -> Coming:
    coefficients = np.zeros((3, len(NAMES)))
    coefficients[:, NAMES.index(name)] = by
    return Coming(HORIZONS, coefficients, 60.0)


def test_factors_follow_the_horizons_and_end() -> None:
    past = hour()
    worth = hour_features(minutes_of(past, 1))[NAMES.index("tilt_10")]
    found = np.log(told("tilt_10", (0.5, 1.0, 2.0)).factors(past, 60.0, 200)) / worth
    np.testing.assert_allclose(found[[0, 9, 39]], [0.5, 1.0, 2.0])
    np.testing.assert_allclose(found[79:], 0.0, atol=1e-12)
    assert 0.5 < found[4] < 1.0


def test_nothing_told_is_nothing_changed() -> None:
    past = hour()
    seen = Seen(0, 120, 9000.0, 9000.0, past.over[-1], past.size[-1], float(past.spread[-1]),
                float(past.tilt[-1]), 0.0, past)  # fmt: skip
    plain = TakeOrWait(Band(0.1))
    none = replace(plain, coming=told("tilt_10", (0.0, 0.0, 0.0)), interval=60.0)
    for one, other in zip(plain.learned(seen).slopes, none.learned(seen).slopes, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (told("tilt_2", (1.0, 1.0, 1.0)).factors(hour(5), 60.0, 30) == 1).all()


def test_what_is_dearer_later_is_bought_now() -> None:
    past = hour()
    past = replace(past, moment=past.moment + 40)
    seen = Seen(40, 120, 9000.0, 6000.0, past.over[-1], past.size[-1], float(past.spread[-1]),
                float(past.tilt[-1]), 0.0, past)  # fmt: skip
    sign = np.sign(hour_features(minutes_of(past, 1))[NAMES.index("tilt_30")])
    values = [
        replace(TakeOrWait(Band(0.1)), coming=told("tilt_30", (by, by, by)), interval=60.0)
        .learned(seen)
        .value(seen)
        for by in (-3 * sign, 0.0, 3 * sign)
    ]
    assert values[0] < values[1] < values[2]


def test_moments_are_gathered_by_period() -> None:
    past = hour(121)
    found = minutes_of(past, 6)
    assert len(found) == 21  # the first holds one moment alone
    np.testing.assert_allclose(found[-1, 0], np.log(past.spread[-6:]).mean())
    np.testing.assert_allclose(found[-1, 2], past.tilt[-6:].mean())
    move = (past.mid[-1] - past.mid[-7]) / np.exp(found[-1, 0])
    np.testing.assert_allclose(found[-1, 3], move)


def test_levels_of_the_hour_say_nothing() -> None:
    """Features are over the hour's own mean, whatever the symbol."""
    window = minutes_of(hour(), 1)
    moved = window + np.array([3.0, -2.0, 0.0, 0.0])
    np.testing.assert_allclose(hour_features(moved), hour_features(window), atol=1e-12)
