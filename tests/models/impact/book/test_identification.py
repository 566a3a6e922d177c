"""Profiles, contrasts and caveats against planted truths and other implementations."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from models.impact.book.cost_law import fit_law
from models.impact.book.families import Family, FamilyFit, attempt
from models.impact.book.identification import (
    Contrast,
    asymmetry,
    attenuation,
    identification,
    lopsided,
    profile_range,
    reliability,
)
from tests.models.impact.books import Truth, noisy, planted


def solved(cells, family=Family.SPREAD_POWER) -> FamilyFit:
    found = attempt(cells, family)
    assert isinstance(found, FamilyFit)
    return found


def codes(cells) -> set[str]:
    return {caveat.code for caveat in identification(solved(cells))[1]}


def test_the_profile_of_k_ends_where_statsmodels_deviance_has_risen_by_the_cut():
    import statsmodels.api as sm

    cells, _ = noisy()
    cells = replace(cells, volatility=np.ones(len(cells.size)))
    found = solved(cells)
    design = np.column_stack([np.eye(3)[cells.bucket], np.log(cells.thinness)])
    family = sm.families.Gamma(link=sm.families.links.Log())

    def deviance(k: float) -> float:
        return float(
            sm.GLM(cells.excess, design, family=family, offset=k * np.log(cells.size))
            .fit(tol=1e-12)
            .deviance
        )

    k, error = found.solution.value("k"), found.solution.standard_error("k")
    full = np.column_stack([design, np.log(cells.size)])
    reach = stats.t.ppf(0.975, found.solution.influence.dof[3]) * error
    cut = reach**2 / np.linalg.inv(full.T @ full)[-1, -1]
    ends = profile_range(found, "k")
    for end in (ends.low, ends.high):
        assert deviance(end) - deviance(k) == pytest.approx(cut, rel=0.02)
    assert ends.high - ends.low == pytest.approx(2 * reach, rel=0.1)
    assert not ends.open_low
    assert profile_range(found, "beta") is None


def test_a_flat_profile_is_said():
    cells, rng = noisy(0, 1000)
    assert not {"k_weak", "beta_weak"} & codes(cells)
    few, _ = noisy(0, 200)
    calm = 1 + 0.3 * (few.volatility - 1)  # volatility that hardly varies
    assert "beta_weak" in codes(
        replace(few, volatility=calm, excess=few.excess / (1 + 0.5 * few.volatility) * calm)
    )
    size = rng.choice([200.0, 300.0], 1000)  # sizes that hardly differ
    rough = size**1.5 * cells.thinness * (1 + 0.5 * cells.volatility) * rng.gamma(1, 1, 1000)
    found = solved(replace(cells, size=size, excess=rough))
    assert "k_weak" in {caveat.code for caveat in identification(found)[1]}
    assert found.solution.standard_error("k") > 0.13


def test_few_sizes_and_collinear_states_are_said():
    cells, _ = noisy()
    assert "few_sizes" in codes(cells.take(np.isin(cells.size, [100, 500, 5000])))
    rng = np.random.default_rng(0)
    close = replace(cells, thinness=cells.volatility * np.exp(0.05 * rng.normal(size=600)))
    close = replace(
        close, excess=1e-3 * close.size**1.5 * (1 + 0.5 * close.volatility) * close.thinness
    )
    assert "collinear_states" in codes(close)
    assert "collinear_states" not in codes(cells)


def test_dearer_buys_are_measured_and_equal_ones_are_not_accused():
    wrong = []
    for seed in range(30):
        cells = planted(
            Truth(days=20, periods=12, forecast_error=0.3, day_noise=0.1, tilt=0.02), seed
        )
        sizes = len(np.unique(cells.size))
        side = np.tile(np.repeat([1, -1], sizes), 12 * 20)
        noise = np.exp(
            0.1
            * np.random.default_rng(seed).normal(size=(20, 1, 2, 1))
            * np.ones((1, 12, 1, sizes))
        )
        excess = cells.excess * noise.ravel()
        plain = asymmetry(solved(replace(cells, excess=excess)), side)
        wrong.append(plain.p_value < 0.05)
        if seed < 3:
            factor = np.where(side > 0, 1.3, 1.0)
            dear = replace(cells, excess=excess * factor)
            found = asymmetry(solved(dear), side)
            laws = [fit_law(dear.take(side == sign), Family.SPREAD_POWER, 2) for sign in (1, -1)]
            buy, sell = (law.at(0, 1.0, 1.0).cost(800.0) for law in laws)
            assert found.estimate == pytest.approx(plain.estimate + np.log(1.3), abs=0.01)
            assert found.estimate == pytest.approx(np.log(buy / sell), abs=0.03)
            assert lopsided(found)[0].code == "asymmetric"
    assert sum(wrong) <= 5  # 1.5 expected


def test_reliability_tells_berksons_error_from_the_classical_one():
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(50), 40)
    known = rng.normal(size=2000)
    berkson = reliability(np.exp(known + 0.5 * rng.normal(size=2000)), np.exp(known), cluster)
    assert abs(berkson.estimate - 1) < 3 * berkson.standard_error
    assert attenuation("beta", berkson) == ()
    classical = reliability(np.exp(known), np.exp(known + 0.5 * rng.normal(size=2000)), cluster)
    assert classical.estimate == pytest.approx(1 / 1.25, abs=0.03)
    assert attenuation("beta", classical)[0].code == "beta_attenuated"


def test_the_reliability_is_the_share_by_which_the_elasticity_is_attenuated():
    cells, rng = noisy(1, 6000)
    cells = replace(cells, thinness=np.exp(0.5 * rng.normal(size=6000)))
    cells = replace(
        cells, excess=1e-3 * cells.size**1.5 * (1 + 0.5 * cells.volatility) * cells.thinness
    )
    seen = cells.thinness * np.exp(0.25 * rng.normal(size=6000))
    slope = reliability(cells.thinness, seen, cells.cluster).estimate
    assert slope == pytest.approx(0.8, abs=0.02)
    assert fit_law(replace(cells, thinness=seen), Family.SPREAD_POWER, 3).theta == pytest.approx(
        slope, abs=0.03
    )


def test_states_that_do_not_vary_have_no_slope():
    none = reliability(np.ones(10), np.ones(10), np.arange(10))
    assert np.isnan(none.estimate)
    assert attenuation("beta", none) == ()
    assert np.isnan(Contrast(1.0, 0.0, 5).p_value)
