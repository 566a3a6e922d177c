"""Pooling against direct conditioning of the joint normal, and what a thin symbol gains."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime, brentq

from benchmarks.pooling import WORLDS, replicate
from models.inference.covariance import Covariance
from models.pooling.reference_state import at_reference_state
from models.pooling.symbols import SymbolEstimates, _stacked, pool


def scalars(values, variances, regressors=None) -> tuple[SymbolEstimates, ...]:
    z = [()] * len(values) if regressors is None else [(one,) for one in regressors]
    return tuple(
        SymbolEstimates(
            f"S{i}", np.array([value]), Covariance(("level",), np.array([[variance]])), z[i]
        )
        for i, (value, variance) in enumerate(zip(values, variances, strict=True))
    )


def pairs(seed: int, count: int = 9) -> tuple[SymbolEstimates, ...]:
    """Level and exponent with errors that are correlated; the third symbol's exponent is fixed."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        half = rng.normal(size=(2, 2)) * [0.2, 0.1]
        matrix = half.T @ half + np.diag([0.01, 0.002])
        values = (
            np.array([-1.0, 1.5])
            + rng.normal(size=2) * [0.4, 0.1]
            + rng.multivariate_normal([0, 0], matrix)
        )
        if i == 2:
            matrix[1], matrix[:, 1] = 0.0, 0.0
        found.append(SymbolEstimates(f"S{i}", values, Covariance(("level", "k"), matrix)))
    return tuple(found)


def test_equal_errors_have_their_closed_form():
    values = np.array([0.3, -0.2, 0.8, 0.1, 1.4, -0.6, 0.5])
    fit = pool(scalars(values, np.full(7, 0.2)))
    squares = ((values - values.mean()) ** 2).sum()
    between = brentq(lambda a: 1 / a - 3 / (0.2 + a) + squares / 2 / (0.2 + a) ** 2, 1e-6, 50)
    shrink = between / (between + 0.2)
    assert fit.between[0] == pytest.approx(between, rel=1e-4)
    np.testing.assert_allclose(
        fit.values[:, 0], values.mean() + shrink * (values - values.mean()), rtol=1e-4
    )
    variance = 0.2 * shrink + (1 - shrink) ** 2 * (between + 0.2) / 7
    np.testing.assert_allclose(fit.standard_errors[:, 0], np.sqrt(variance), rtol=1e-4)
    assert fit.effective_dof[0] == pytest.approx(1 + 6 * shrink, rel=1e-4)
    assert fit.centre[0, 0] == pytest.approx(values.mean())


def test_the_centre_and_errors_are_those_of_statsmodels_given_the_variance_between():
    from statsmodels.stats.meta_analysis import combine_effects

    rng = np.random.default_rng(0)
    variances = rng.uniform(0.05, 0.6, 12)
    values = rng.normal(0.5, np.sqrt(0.3 + variances))
    fit = pool(scalars(values, variances))
    weight = 1 / (variances + fit.between[0])
    assert fit.centre[0, 0] == pytest.approx((weight * values).sum() / weight.sum())
    assert fit.centre_errors[0, 0] == pytest.approx(weight.sum() ** -0.5)
    theirs = combine_effects(values, variances, method_re="iterated")
    assert abs(fit.centre[0, 0] - theirs.mean_effect_re) < 0.2 * theirs.sd_eff_w_re
    assert fit.between[0] > theirs.tau2  # the adjustment keeps it away from zero


def joint(estimates, between, vague=1e3):
    """Condition all symbols' theta on all known estimates, with a vague centre."""
    count, size = len(estimates), 2
    prior = np.kron(np.eye(count), np.diag(between)) + np.kron(
        np.ones((count, count)), vague * np.eye(size)
    )
    seen = np.flatnonzero(np.concatenate([one.known for one in estimates]))
    errors = np.zeros((count * size, count * size))
    for i, one in enumerate(estimates):
        errors[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = one.covariance.matrix
    gain = prior[:, seen] @ np.linalg.inv((prior + errors)[np.ix_(seen, seen)])
    return gain @ np.concatenate([one.values for one in estimates])[seen], prior - gain @ prior[
        seen
    ]


def test_posterior_means_and_errors_are_those_of_the_joint_normal():
    estimates = pairs(1)
    fit = pool(estimates)
    mean, spread = joint(estimates, fit.between)
    known = np.stack([one.known for one in estimates])
    np.testing.assert_allclose(fit.values[known], mean.reshape(-1, 2)[known], atol=2e-4)
    np.testing.assert_allclose(
        fit.standard_errors[known], np.sqrt(np.diag(spread)).reshape(-1, 2)[known], rtol=2e-3
    )
    assert np.isnan(fit.values[2, 1])
    assert fit.covariance[0, 0, 1] == pytest.approx(spread[0, 1], abs=1e-4)
    assert "level" in fit.summary()


def test_the_gradient_of_the_objective_is_right():
    stack = _stacked(pairs(2))
    point = np.log([0.2, 0.02])
    numeric = approx_fprime(point, lambda at: stack.objective(at)[0], 1e-7)
    np.testing.assert_allclose(stack.objective(point)[1], numeric, rtol=1e-4, atol=1e-4)


def test_what_is_not_pooled_keeps_its_shape():
    """Of three levels and k, a large order's level and k are pooled: levels move in parallel."""
    rng = np.random.default_rng(3)
    jacobian = np.array([[1 / 3, 1 / 3, 1 / 3, 2.0], [0.0, 0.0, 0.0, 1.0]])
    full, estimates = {}, []
    for i in range(8):
        half = rng.normal(size=(6, 4)) * [0.3, 0.2, 0.4, 0.05]
        covariance = half.T @ half / 6 + 1e-4 * np.eye(4)
        values = np.append(rng.normal(-1, 0.4, 3), rng.normal(1.5, 0.1))
        full[f"S{i}"] = values, covariance
        estimates.append(
            SymbolEstimates(
                f"S{i}",
                jacobian @ values,
                Covariance(("level", "k"), jacobian @ covariance @ jacobian.T),
            )
        )
    fit = pool(tuple(estimates))
    values, covariance = full["S3"]
    carried, spread = fit.carried("S3", values, covariance, jacobian)
    np.testing.assert_allclose(jacobian @ carried, fit.values[3], rtol=1e-9)
    np.testing.assert_allclose(jacobian @ spread @ jacobian.T, fit.covariance[3], atol=1e-12)
    np.testing.assert_allclose(np.diff(carried[:3]), np.diff(values[:3]), rtol=1e-9)
    shape = np.array([[1.0, -1, 0, 0], [0, 1, -1, 0]])
    np.testing.assert_allclose(shape @ spread @ shape.T, shape @ covariance @ shape.T, atol=1e-12)
    assert (np.linalg.eigvalsh(spread) > 0).all()


@pytest.mark.parametrize("between", [0.01, 0.2, 1.0])
def test_pooled_values_are_nearer_to_the_truth_and_intervals_cover(between):
    rng = np.random.default_rng(4)
    ours, plain, covered = [], [], []
    for _ in range(80):
        variances = rng.uniform(0.05, 0.5, 8)
        truth = rng.normal(2, np.sqrt(between), 8)
        values = rng.normal(truth, np.sqrt(variances))
        fit = pool(scalars(values, variances))
        ours.append(((fit.values[:, 0] - truth) ** 2).sum())
        plain.append(((values - truth) ** 2).sum())
        covered.append(np.abs(fit.values[:, 0] - truth) < 1.96 * fit.standard_errors[:, 0])
    assert np.mean(ours) < (0.97 if between == 1 else 0.75) * np.mean(plain)
    assert 0.92 <= np.mean(covered) <= 1


def test_symbols_that_disagree_wildly_or_are_few_keep_their_own():
    wild = np.array([-40.0, 3.0, 55.0, 18.0, -7.0, 90.0])
    fit = pool(scalars(wild, np.full(6, 0.1)))
    np.testing.assert_allclose(fit.values[:, 0], wild, atol=0.01)
    assert fit.effective_dof[0] == pytest.approx(6, abs=0.01)
    for count in (1, 3):
        few = pool(scalars(wild[:count], np.full(count, 0.1)))
        np.testing.assert_array_equal(few.values[:, 0], wild[:count])
        np.testing.assert_allclose(few.standard_errors[:, 0], np.sqrt(0.1))
        assert few.own_weight[:, 0].tolist() == [1.0] * count
        assert [caveat.code for caveat in few.warnings] == ["not_pooled"]
        assert "not_pooled" in few.summary()


def test_a_parameter_that_few_symbols_estimate_is_not_pooled_but_follows():
    estimates = [
        replace(one, values=np.where([True, i < 3], one.values, np.nan))
        for i, one in enumerate(pairs(5))
    ]
    fit = pool(tuple(estimates))
    assert [caveat.code for caveat in fit.warnings] == ["not_pooled"]
    assert np.isnan(fit.between[1])
    assert np.isnan(fit.values[3:, 1]).all()
    moved = fit.values[0, 0] - estimates[0].values[0]
    matrix = estimates[0].covariance.matrix
    assert fit.values[0, 1] - estimates[0].values[1] == pytest.approx(
        moved * matrix[0, 1] / matrix[0, 0]
    )


def test_a_regressor_takes_what_it_explains_out_of_the_variance_between():
    rng = np.random.default_rng(6)
    z = rng.normal(size=20)
    values = 1 + 0.8 * z + rng.normal(0, 0.15, 20)
    explained, plain = (
        pool(scalars(values, np.full(20, 0.01), z)),
        pool(scalars(values, np.full(20, 0.01))),
    )
    assert explained.between[0] < 0.1 * plain.between[0]
    slope = np.polyfit(z, values, 1)[0]
    assert explained.centre[0, 1] == pytest.approx(slope, rel=1e-6)
    same = pool(scalars(values, np.full(20, 0.01), np.zeros(20)))
    assert [caveat.code for caveat in same.warnings] == ["not_pooled"]


def test_tiny_and_huge_errors_are_safe():
    variances = np.array([1e-14, 1e-10, 1e-2, 1.0, 1e4, 1e8])
    fit = pool(scalars(np.array([1.0, 1.1, 0.9, 1.5, 80.0, -4000.0]), variances))
    np.testing.assert_allclose(fit.values[:2, 0], [1.0, 1.1], atol=1e-6)
    assert (np.abs(fit.values[:, 0]) < 10).all()
    assert np.isfinite(fit.standard_errors).all()


def test_bad_input_is_named():
    one, other = scalars([1.0, 2.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="estimates: none"):
        pool(())
    with pytest.raises(ValueError, match="given twice"):
        pool((one, one))
    with pytest.raises(ValueError, match="S1 has other names"):
        pool((one, replace(other, regressors=(1.0,))))
    with pytest.raises(ValueError, match="values: shape"):
        replace(one, values=np.zeros(2))
    with pytest.raises(ValueError, match="regressors"):
        replace(one, regressors=(np.nan,))


def test_a_thin_symbol_predicts_better_pooled():
    """Out-of-sample deviance above the truth's: own law, pooled, smoothed over the day."""
    rng = np.random.default_rng(7)
    own, pooled, _, both = np.mean([replicate(WORLDS["alike"], rng) for _ in range(25)], axis=0)
    assert pooled < 0.95 * own
    assert both < 0.7 * own


@pytest.mark.parametrize("back", [False, True])
def test_levels_at_the_reference_state_carry_their_errors(back):
    rng = np.random.default_rng(8)
    half = rng.normal(size=(3, 3)) * 0.01
    values, covariance = np.array([-7.0, 0.5, 1.5]), half.T @ half
    drawn = rng.multivariate_normal(values, covariance, 100_000)
    drawn[:, 0] += (-1 if back else 1) * np.log(1 + drawn[:, 1])
    moved, spread = at_reference_state(values, covariance, np.array([True, False, False]), 1, back)
    np.testing.assert_allclose(moved, drawn.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(spread, np.cov(drawn.T), atol=0.02 * spread.max())
    there = at_reference_state(moved, spread, np.array([True, False, False]), 1, not back)
    np.testing.assert_allclose(there[0], values)
    np.testing.assert_allclose(there[1], covariance, atol=1e-12)
    with pytest.raises(ValueError, match="beta is -1"):
        at_reference_state(
            np.array([-7.0, -1.0, 1.5]), covariance, np.array([True, False, False]), 1
        )
