"""Gamma on planted flows, errors against a direct sum, and shrinkage against closed forms."""

import numpy as np
import pytest

from models.impact.flow.kyle import fit_permanent, fit_windows, shrink

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
    change = (
        change + np.convolve(rng.normal(size=404), np.ones(5), "valid") * 0.02
    )  # autocorrelated noise
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
    assert fit.r2 == pytest.approx(
        1 - ((change - x @ beta) ** 2).sum() / ((change - change.mean()) ** 2).sum()
    )


@pytest.mark.parametrize(
    ("t", "code"), [(-3.0, "gamma_negative"), (1.0, "gamma_not_identified"), (3.0, "")]
)
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
    still = fit_permanent(np.zeros(20), np.arange(20.0))
    assert (still.gamma, still.r2) == (0, 0)
    assert [caveat.code for caveat in still.warnings] == ["gamma_not_identified"]


def test_windows_are_regressions_of_their_own():
    change, volume = flows(6, 300)
    window = np.repeat([3, 1, 2, 7, 9], [100, 90, 9, 91, 10])
    change[5], change[95] = np.nan, np.nan
    volume[window == 7] = 0.0
    found = fit_windows(change, volume, window)
    assert list(found.window) == [1, 3, 9]  # two periods too few in 2, no flow in 7
    assert found.n_excluded == 2
    for label, fit in zip(found.window, found.fits, strict=True):
        rows = (window == label) & np.isfinite(change)
        assert fit.estimate == pytest.approx(np.polyfit(volume[rows], change[rows], 1)[0], rel=1e-9)
        assert (fit.n, fit.n_excluded) == (rows.sum(), (window == label).sum() - rows.sum())
    assert found.values("r2") == pytest.approx([fit.r2 for fit in found.fits])
    with pytest.raises(ValueError, match="window: none of 300"):
        fit_windows(change, volume, np.arange(300))


def test_other_flows_name_themselves():
    change, volume = flows(7)
    fit = fit_permanent(-change, volume, "order-flow imbalance")
    assert [caveat.code for caveat in fit.warnings] == ["imbalance_negative"]
    assert "order-flow imbalance" in fit.warnings[0].message
    assert "order-flow imbalance" in fit.summary()


def test_estimates_of_equal_errors_shrink_as_in_closed_form():
    rng = np.random.default_rng(9)
    error, true = 2e-6, 1e-5 + 3e-6 * rng.standard_normal(13)
    estimate = true + error * rng.standard_normal(13)
    found = shrink(estimate, np.full(13, error))
    variance = estimate.var(ddof=1) - error**2  # of the true values, by moments
    weight = 1 - 10 / 12 * error**2 / (variance + error**2)
    assert found.spread == pytest.approx(np.sqrt(variance), rel=1e-4)
    assert found.weight == pytest.approx(np.full(13, weight), rel=1e-4)
    assert found.common == pytest.approx(estimate.mean(), rel=1e-9)
    assert found.common_error == pytest.approx(estimate.std(ddof=1) / np.sqrt(13), rel=1e-4)
    assert found.value == pytest.approx(
        weight * estimate + (1 - weight) * estimate.mean(), rel=1e-4
    )
    assert found.effective == pytest.approx(13 * weight + 1 - weight, rel=1e-4)


def test_unequal_errors_leave_as_much_spread_as_they_do_not_explain():
    rng = np.random.default_rng(10)
    error = rng.uniform(0.5, 3, 40)
    estimate = rng.normal(5, 2, 40) + error * rng.standard_normal(40)
    found = shrink(estimate, error)
    total = found.spread**2 + error**2
    common = (estimate / total).sum() / (1 / total).sum()
    assert found.common == pytest.approx(common, rel=1e-6)
    assert ((estimate - common) ** 2 / total).sum() == pytest.approx(
        39, abs=1e-3
    )  # Paule and Mandel's equation
    assert found.weight == pytest.approx(1 - 37 / 39 * error**2 / total)
    assert found.value == pytest.approx(common + found.weight * (estimate - common))


def test_estimates_that_agree_are_drawn_together_and_few_stay():
    rng = np.random.default_rng(12)
    estimate = 1 + 0.001 * rng.standard_normal(101)
    found = shrink(estimate, np.full(101, 0.5))
    assert found.spread == 0
    assert found.weight == pytest.approx(np.full(101, 0.02))  # 1 - 98 / 100
    assert found.effective == pytest.approx(101 * 0.02 + 0.98)
    few = shrink(np.array([2e-5, 3e-5, 9e-5]), np.array([1e-6, 2e-6, 3e-6]))
    assert (list(few.value), few.effective) == ([2e-5, 3e-5, 9e-5], 3)
    assert list(few.standard_error) == [1e-6, 2e-6, 3e-6]
    alone = shrink(np.array([2e-5]), np.array([1e-6]))
    assert (alone.common, alone.common_error) == pytest.approx((2e-5, 1e-6))
    with pytest.raises(ValueError, match="standard_error: shape"):
        shrink(np.zeros(2), np.ones(3))
    with pytest.raises(ValueError, match="standard_error: must be positive"):
        shrink(np.zeros(2), np.array([1.0, 0.0]))


def test_shrinkage_gains_on_planted_times_of_day():
    rng = np.random.default_rng(11)
    raw, shrunk, inside = [], [], []
    for _ in range(200):
        true = 1e-5 * (1 + 0.2 * rng.standard_normal(13))
        error = 1e-5 * rng.uniform(0.1, 0.4, 13)
        estimate = true + error * rng.standard_normal(13)
        found = shrink(estimate, error)
        raw.append(((estimate - true) ** 2).mean())
        shrunk.append(((found.value - true) ** 2).mean())
        inside.append(np.abs(found.value - true) < 1.96 * found.standard_error)
    assert np.mean(shrunk) < 0.6 * np.mean(raw)
    assert 0.92 < np.mean(inside) < 0.98
