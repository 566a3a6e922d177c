"""Order-flow imbalance on planted flows, its component by hand, and the two flows together."""

import numpy as np
import pytest

from models.impact.flow.imbalance import BEST, INTEGRATED, fit_imbalance, fit_joint

LOADINGS = np.array([1.0, 0.8, 0.6])
SLOPE = 3e-5


def tape(seed: int, windows: int = 4, n: int = 150) -> tuple[np.ndarray, ...]:
    """Return mid change, imbalance and depth of three levels, and window.

    One factor moves the mid and all levels.
    """
    rng = np.random.default_rng(seed)
    window = np.repeat(np.arange(windows), n)
    depth = (
        (300.0 + 200 * window)[:, None]
        * np.array([1.0, 1.2, 1.1])
        * rng.uniform(0.9, 1.1, (len(window), 3))
    )
    factor = rng.standard_normal(len(window)) * 400
    imbalance = factor[:, None] * LOADINGS + 250 * rng.standard_normal((len(window), 3))
    weights = LOADINGS / LOADINGS.sum()
    return (
        SLOPE * (imbalance @ weights) + 0.004 * rng.standard_normal(len(window)),
        imbalance,
        depth,
        window,
    )


def component(flow: np.ndarray) -> np.ndarray:
    """Return the first principal component by singular values, absolute sum 1."""
    first = np.linalg.svd(flow - flow.mean(axis=0), full_matrices=False)[2][0]
    return first * np.sign(first.sum()) / np.abs(first).sum()


def test_planted_slope_and_weights_are_recovered():
    fits = [fit_imbalance(*tape(seed)) for seed in range(20)]
    z = np.array([(fit.slope.estimate - SLOPE) / fit.slope.standard_error for fit in fits])
    assert abs(np.mean([fit.slope.estimate for fit in fits]) / SLOPE - 1) < 0.03
    assert z.std() < 1.6
    assert np.mean([fit.weights for fit in fits], axis=0) == pytest.approx(
        LOADINGS / LOADINGS.sum(), abs=0.02
    )
    assert all(fit.weights.sum() == pytest.approx(1) for fit in fits)


def test_windows_against_lines_by_hand():
    change, imbalance, depth, window = tape(1)
    fit = fit_imbalance(change, imbalance, depth, window)
    assert fit.slope.flow == INTEGRATED
    before = None
    for label in range(4):
        rows = window == label
        flow = imbalance[rows] / depth[rows].mean()
        weights = component(flow)
        line = np.polyfit(flow @ weights, change[rows], 1)
        total = ((change[rows] - change[rows].mean()) ** 2).sum()
        assert fit.r2[label] == pytest.approx(
            np.corrcoef(flow @ weights, change[rows])[0, 1] ** 2, rel=1e-9
        )
        if before:
            rest = change[rows] - np.polyval(before[1], flow @ before[0])
            assert fit.r2_next[label] == pytest.approx(1 - rest @ rest / total, rel=1e-9)
        before = weights, line
    assert np.isnan(fit.r2_next[0])
    assert fit.slope.estimate == pytest.approx(
        np.polyfit(imbalance @ fit.weights, change, 1)[0], rel=1e-9
    )


def test_one_level_is_the_best_level_whatever_the_depth():
    change, imbalance, depth, window = tape(2)
    fit = fit_imbalance(change, imbalance[:, :1], depth[:, :1], window)
    assert fit.slope.flow == BEST
    assert (fit.weights, fit.explained) == (np.ones(1), 1.0)
    expected = [
        np.corrcoef(imbalance[window == label, 0], change[window == label])[0, 1] ** 2
        for label in range(4)
    ]
    assert fit.r2 == pytest.approx(expected, rel=1e-9)
    deeper = fit_imbalance(change, imbalance[:, :1], 7 * depth[:, :1], window)
    assert deeper.r2_next[1:] == pytest.approx(fit.r2_next[1:], rel=1e-9)
    assert fit_imbalance(change, imbalance, depth, window).r2.mean() > fit.r2.mean()


def test_windows_without_data_are_left_out_and_those_after_a_gap_have_no_prediction():
    change, imbalance, depth, window = tape(3)
    change[:10], change[150:295] = np.nan, np.nan  # five periods are left of window 1
    fit = fit_imbalance(change, imbalance, depth, window)
    assert list(fit.window) == [0, 2, 3]
    assert fit.n_excluded == 1
    assert list(np.isfinite(fit.r2_next)) == [False, False, True]
    assert (fit.slope.n, fit.slope.n_excluded) == (440, 160)
    with pytest.raises(ValueError, match="window: none of 4 has 10"):
        fit_imbalance(change * np.nan, imbalance, depth, window)
    with pytest.raises(ValueError, match="depth: shape"):
        fit_imbalance(change, imbalance, depth[:, :2], window)
    with pytest.raises(ValueError, match="imbalance: shape"):
        fit_imbalance(change, imbalance[:, 0], depth, window)


def test_both_flows_against_a_regression_by_hand():
    rng = np.random.default_rng(4)
    imbalance = 500 * rng.standard_normal(400)
    volume = imbalance / 2 + 300 * rng.standard_normal(400)
    change = 2e-5 * imbalance + 1e-5 * volume + 0.01 * rng.standard_normal(400)
    change[7] = np.nan
    known = np.isfinite(change)
    design = np.column_stack([np.ones(400), imbalance, volume])[known]
    expected = np.linalg.lstsq(design, change[known])[0]
    fit = fit_joint(change, imbalance, volume)
    assert (fit.imbalance, fit.volume) == pytest.approx(tuple(expected[1:]), rel=1e-9)
    assert abs(fit.imbalance - 2e-5) < 4 * fit.imbalance_error
    assert abs(fit.volume - 1e-5) < 4 * fit.volume_error
    assert (fit.n, fit.n_excluded) == (399, 1)
    assert not fit.warnings
    same = fit_joint(change, imbalance, imbalance + 10 * rng.standard_normal(400))
    assert [caveat.code for caveat in same.warnings] == ["flows_collinear"]
    assert "flows_collinear" in same.summary()
    with pytest.raises(ValueError, match="signed_volume: it or imbalance"):
        fit_joint(change, imbalance, np.ones(400))
    with pytest.raises(ValueError, match="mid_change: 8 periods"):
        fit_joint(change[:9], imbalance[:9], volume[:9])
