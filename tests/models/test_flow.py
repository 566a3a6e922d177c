"""Gamma on planted flows, and its errors against a direct sum."""

import numpy as np
import pytest

from models.flow import fit_permanent

GAMMA = 1.5e-5


def flows(seed: int, n: int = 2000, gamma: float = GAMMA) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    volume = 2000 * rng.standard_t(5, n)
    return gamma * volume + 0.03 * rng.normal(size=n), volume


def test_planted_gamma_is_recovered_within_its_errors():
    fits = [fit_permanent(*flows(seed)) for seed in range(40)]
    z = np.array([(fit.gamma - GAMMA) / fit.standard_error for fit in fits])
    assert abs(z.mean()) < 3 / np.sqrt(40)
    assert 0.7 < z.std() < 1.4
    assert all(not fit.warnings for fit in fits)


def test_errors_are_newey_west():
    rng = np.random.default_rng(3)
    change, volume = flows(3, 400)
    change = change + np.convolve(rng.normal(size=404), np.ones(5), "valid") * 0.02  # autocorrelated noise
    fit = fit_permanent(change, volume)
    assert fit.lags == int(4 * 4 ** (2 / 9))
    x = np.column_stack([np.ones(400), volume])
    beta = np.linalg.solve(x.T @ x, x.T @ change)
    score = x * (change - x @ beta)[:, None]
    meat = score.T @ score
    for lag in range(1, fit.lags + 1):
        cross = score[lag:].T @ score[:-lag]
        meat += (1 - lag / (fit.lags + 1)) * (cross + cross.T)
    bread = np.linalg.inv(x.T @ x)
    error = np.sqrt((bread @ meat @ bread)[1, 1] * 400 / 398)
    assert fit.standard_error == pytest.approx(error, rel=1e-9)
    assert fit.gamma == pytest.approx(beta[1], rel=1e-9)
    assert fit.r2 == pytest.approx(1 - ((change - x @ beta) ** 2).sum() / ((change - change.mean()) ** 2).sum())


@pytest.mark.parametrize(("t", "code"), [(-3.0, "gamma_negative"), (1.0, "gamma_not_identified"), (3.0, "")])
def test_a_gamma_that_is_negative_or_not_told_from_zero_becomes_zero_and_says_so(t, code):
    change, volume = flows(4)
    slope = np.polyfit(volume, change, 1)[0]
    error = fit_permanent(change, volume).standard_error
    fit = fit_permanent(change + (t * error - slope) * volume, volume)
    assert fit.estimate == pytest.approx(t * error)
    assert fit.gamma == (0 if code else fit.estimate)
    assert [caveat.code for caveat in fit.warnings] == ([code] if code else [])
    assert code in fit.summary()


def test_missing_mids_are_left_out_and_counted():
    change, volume = flows(5)
    hole = np.arange(2000) % 7 == 0
    fit = fit_permanent(np.where(hole, np.nan, change), volume)
    assert (fit.n, fit.n_excluded) == (2000 - hole.sum(), hole.sum())
    slope = np.polyfit(volume[~hole], change[~hole], 1)[0]
    assert fit.gamma == pytest.approx(slope, rel=1e-9)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="signed_volume: shape"):
        fit_permanent(np.zeros(20), np.zeros(21))
    with pytest.raises(ValueError, match="mid_change: 9 periods"):
        fit_permanent(np.zeros(9), np.arange(9.0))


def test_without_sides_gamma_is_zero_and_said_to_be():
    fit = fit_permanent(np.arange(20.0), np.zeros(20))
    assert fit.gamma == 0
    assert [caveat.code for caveat in fit.warnings] == ["gamma_not_identified"]
