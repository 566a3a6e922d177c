"""States predicted with an error of their own, moved so that the law's coefficients come back."""

from dataclasses import replace

import numpy as np
import pytest

from models.impact.book.cost_law import CostLawFit, Family, fit_law
from models.impact.book.state_calibration import state_slopes, with_slopes_errors
from models.impact.book.walks import Cells
from tests.models.impact.books import SIZES, cell

DAYS, PERIODS = 12, 40
BETA, THETA = 0.6, 0.9


def market(seed: int, error: float, power: float = 0.0) -> tuple[Cells, np.ndarray, np.ndarray]:
    """Cells whose states, which move together, are predicted with errors, and what came of both;
    power: of volatility that the law has besides.
    """
    rng = np.random.default_rng(seed)
    shape = (DAYS, PERIODS)
    shapes = np.linspace(-0.5, 0.5, PERIODS)
    true = [np.exp(shapes + 0.4 * rng.normal(size=shape)).ravel() for _ in range(2)]
    told = [each * np.exp(error * rng.normal(size=each.shape)) for each in true]
    seen = [each * np.exp(0.3 * rng.normal(size=each.shape)) for each in true]
    volatility, thinness = (np.repeat(each, len(SIZES)) for each in told)
    law = 1e-3 * np.repeat((1 + BETA * true[0]) * true[0] ** power * true[1] ** THETA, len(SIZES))
    size = np.tile(SIZES, DAYS * PERIODS)
    cells = cell(
        len(size),
        size=size,
        excess=law * size**1.5 * rng.gamma(20, 1 / 20, len(size)),
        volatility=volatility,
        thinness=thinness,
        cluster=np.repeat(np.arange(DAYS), PERIODS * len(SIZES)),
    )
    return cells, np.array(told), np.array(seen)


def calibrated(
    seed: int, error: float, power: float = 0.0
) -> tuple[CostLawFit, CostLawFit, np.ndarray]:
    """Return the law on predictions, on calibrated ones, and the slopes' derivative of it."""
    cells, told, seen = market(seed, error, power)
    time, day = np.zeros(DAYS * PERIODS, dtype=int), np.repeat(np.arange(DAYS), PERIODS)
    slopes = state_slopes(told, seen, time, day, day)

    def moved(more: np.ndarray) -> CostLawFit:
        factors = slopes.factors(slopes.slopes + more.reshape(2, 2))
        v, thin = (np.repeat(each, len(SIZES)) for each in factors)
        states = {"volatility": cells.volatility * v, "thinness": cells.thinness * thin}
        return fit_law(replace(cells, **states), Family.SPREAD_POWER, 1)

    fit = moved(np.zeros(4))
    sensitivity = np.array([(moved(row).values - fit.values) / 0.02 for row in 0.02 * np.eye(4)])
    found = with_slopes_errors(fit, sensitivity, slopes)
    return fit_law(cells, Family.SPREAD_POWER, 1), found, sensitivity


def test_predictions_with_errors_make_coefficients_small_and_calibrated_ones_do_not():
    fits = [calibrated(seed, 0.25) for seed in range(20)]
    plain, found = (
        np.array([(each[place].beta, each[place].theta) for each in fits]) for place in (0, 1)
    )
    assert (plain.mean(axis=0) < 0.9 * np.array([BETA, THETA])).all()
    chance = 3 * found.std(axis=0) / np.sqrt(len(fits))
    assert found[:, 0].mean() == pytest.approx(BETA, abs=0.05 * BETA + chance[0])
    assert found[:, 1].mean() == pytest.approx(THETA, abs=0.05 * THETA + chance[1])
    off = (found - [BETA, THETA]) / found.std(axis=0)
    error = [each[1].covariance.standard_errors[-2:] for each in fits]
    assert np.mean(error, axis=0) == pytest.approx(found.std(axis=0), rel=0.5)
    assert np.abs(off).max() < 4


def test_predictions_that_are_conditional_means_stay():
    """An error around the prediction (Berkson's) leaves the slope at 1 and the law as it was."""
    rng = np.random.default_rng(0)
    told = np.exp(0.4 * rng.normal(size=4000))
    seen = told * np.exp(0.4 * rng.normal(size=4000))
    time, day = np.tile(np.arange(40), 100), np.repeat(np.arange(100), 40)
    found = state_slopes(told[None], seen[None], time, day, day)
    assert found.slopes[0, 0] == pytest.approx(1.0, abs=3 * found.standard_errors[0, 0])
    assert 0.005 < found.standard_errors[0, 0] < 0.05


def test_each_bucket_keeps_its_level_and_zeros_have_no_part():
    rng = np.random.default_rng(1)
    time, day = np.tile(np.arange(20), 30), np.repeat(np.arange(30), 20)
    true = np.exp(np.linspace(-1, 1, 20)[time] + 0.3 * rng.normal(size=600))
    told = true * np.exp(0.3 * rng.normal(size=600))
    zeros = np.where(rng.random(600) < 0.1, 0.0, true)
    found = state_slopes(told[None], zeros[None], time, day, day)
    assert found.slopes[0, 0] == pytest.approx(0.5, abs=0.1)
    moved = np.log(told * found.factors(found.slopes)[0])
    means = [np.bincount(time, each) / 30 for each in (np.log(told), moved)]
    np.testing.assert_allclose(means[0], means[1])
    nothing = state_slopes(told[None], np.zeros((1, 600)), time, day, day)
    assert nothing.slopes[0, 0] == 1.0
    assert nothing.standard_errors[0, 0] == 0.0


def test_the_slopes_errors_are_part_of_the_laws():
    _, found, sensitivity = calibrated(3, 0.25)
    assert np.abs(sensitivity[0, -2]) > 0.1
    assert np.abs(sensitivity[3, -1]) > 0.1
    assert np.linalg.eigvalsh(found.covariance.matrix)[0] > -1e-12
    np.testing.assert_allclose(found.influence.covariance, found.covariance.matrix)


def test_a_coefficient_that_is_held_keeps_no_error():
    _, found, sensitivity = calibrated(0, 0.25, power=2.0)
    beta = found.names.index("beta")
    assert [caveat.code for caveat in found.warnings] == ["beta_at_bound"]
    assert sensitivity[:, beta].any()  # the bound is over the mean of volatility, which moves
    assert found.standard_error("beta") == 0
    assert found.standard_error("k") > 0
