"""After orders: what stays and what decays are told apart, with errors that hold."""

import numpy as np

from models.tca.orders.reversion import Path, mean_path, reversion

LAGS = np.array([0.0, 1, 5, 30, 60, 300, 600, 1200, 1800])


def paths(rng: np.random.Generator, decaying: float) -> Path:
    """Return the mean path of 300 orders on 15 days: 10 bps stay, some decay by half a minute."""
    count = 300
    noise = np.cumsum(rng.normal(size=(count, len(LAGS))) * np.sqrt(np.diff(LAGS, prepend=0)), 1)
    moved = 10 + decaying * 2 ** (-LAGS / 30) + 0.2 * noise
    return mean_path(LAGS, moved / 1e4, rng.uniform(1, 3, count), rng.integers(0, 15, count))


def test_parts_and_half_life_are_found_within_their_errors() -> None:
    rng, count = np.random.default_rng(0), 60
    found = [reversion(paths(rng, 8.0)) for _ in range(count)]
    assert np.mean([one.identified for one in found]) > 0.95
    for name, truth in (("permanent", 10.0), ("decaying", 8.0), ("half_life", 30.0)):
        z = [(getattr(one, name) - truth) / getattr(one, f"{name}_error") for one in found]
        assert np.mean(np.abs(z) < 2.5) > 0.85, name


def test_where_nothing_decays_no_half_life_is_told() -> None:
    rng = np.random.default_rng(1)
    found = [reversion(paths(rng, 0.0)) for _ in range(60)]
    assert np.mean([one.identified for one in found]) <= 0.15
    assert all(np.isnan(one.half_life) for one in found if not one.identified)


def test_means_at_all_lags_are_of_the_same_orders() -> None:
    moved = np.tile(np.array([1.0, 2.0, 3.0, 4.0]) / 1e4, (3, 1))
    moved[2] = [100.0, 100.0, 100.0, np.nan]
    found = mean_path(np.arange(4.0), moved, np.ones(3), np.arange(3))
    np.testing.assert_allclose(found.mean, [1, 2, 3, 4])
    assert found.days == 2
