"""The law fit on books whose walks follow a planted law, on the sizes that they show."""

from dataclasses import replace

import numpy as np
import pytest

from models.impact.book.cost_law import Family, fit_law, is_level
from models.impact.book.families import _quasi_score, _usable
from models.impact.book.walks import shown_sizes
from models.inference.covariance import Covariance
from tests.models.impact.books import SIZES, Truth, noisy, planted, walked

CENTRE = 400.0  # shares


def estimates(fit) -> dict[str, tuple[float, float]]:
    return {
        name: (value, error)
        for name, value, error in zip(
            fit.names, fit.values, fit.covariance.standard_errors, strict=True
        )
    }


def expected(truth: Truth) -> dict[str, float]:
    levels = {f"log_alpha_{bucket}": np.log(alpha) for bucket, alpha in enumerate(truth.alpha)}
    return levels | {"k": truth.k, "beta": truth.beta, "theta": truth.theta}


@pytest.mark.parametrize("truth", [Truth(), Truth(k=1.62, beta=0.4, theta=0.5, alpha=(3e-4, 2e-4))])
def test_the_planted_law_is_recovered_from_what_the_book_shows(truth):
    for seed in range(3):
        cells = planted(truth, seed)
        assert cells.size.max() < SIZES[-1]
        fit = estimates(fit_law(cells, Family.SPREAD_POWER, len(truth.alpha)))
        for name, value in expected(truth).items():
            assert fit[name][0] == pytest.approx(value, abs=0.005 if name == "k" else 0.02), name


@pytest.mark.parametrize(
    "truth",
    [
        Truth(days=24, periods=14, forecast_error=0.3, tilt=0.02, day_noise=0.1, state=0.4),
        Truth(
            days=12,
            periods=26,
            k=1.7,
            alpha=(1.4e-4, 1.2e-4),
            spread=0.04,
            tilt=0.02,
            day_noise=0.1,
            state=0.5,
        ),
    ],
)
def test_estimates_are_unbiased_and_intervals_cover(truth):
    """States known to their conditional mean only (Berkson's error), days that differ in level and
    exponent. The level is that of the cost of CENTRE shares, in the middle of the sizes.
    """
    fits = [fit_law(planted(truth, seed), Family.SPREAD_POWER, 2) for seed in range(60)]
    names = fits[0].names
    centre = np.eye(len(names))
    centre[is_level(names), names.index("k")] = np.log(CENTRE)
    moved = [Covariance(names, fit.covariance.delta(centre), fit.covariance.dof) for fit in fits]
    found = np.array([centre @ fit.values for fit in fits])
    error, reach = (
        np.array([each(one) for one in moved])
        for each in (lambda one: one.standard_errors, lambda one: one.reach())
    )
    planted_at = centre @ np.array(list(expected(truth).values()))
    for place, (name, value) in enumerate(zip(names, planted_at, strict=True)):
        allowed = {"k": 0.01, "beta": 0.03 * value}.get(name, 0.02)
        chance = 3 * found[:, place].std() / np.sqrt(len(fits))
        assert found[:, place].mean() == pytest.approx(value, abs=allowed + chance), name
        assert (np.abs(found[:, place] - value) < reach[:, place]).mean() >= 0.86, (
            name
        )  # 0.95 less three errors
        assert error[:, place].mean() == pytest.approx(found[:, place].std(), rel=0.3), name


def test_dropping_censored_time_would_bias_the_cost_of_large_orders_down():
    """The books that go on behind their last level cost what the law says, also where it was
    shown to thick books alone.
    """
    cells = walked(Truth(forecast_error=0.4), 0)
    large = cells.size == 5000
    truth = np.asarray(Truth().alpha)[cells.bucket[large]] * (1 + 0.6 * cells.volatility[large])
    truth *= cells.thinness[large] * 5000**1.5
    ratio = cells.excess[large] / truth
    assert cells.censored[large].mean() > 0.4
    assert ratio[cells.censored[large] == 0].mean() < 0.8
    assert ratio.mean() == pytest.approx(1.0, abs=0.06)


def test_sizes_are_left_out_whole_where_depth_fell_short_a_fifth_of_the_time():
    size = np.repeat([100.0, 200.0, 400.0, 800.0], 2)
    censored = np.array([0.3, 0.3, 0.1, 0.9, 0.4, 0.0, 0.2, 0.21])
    np.testing.assert_array_equal(shown_sizes(size, censored), [100, 200, 400])  # two at least
    censored[-2:] = np.nan  # no time is no depth
    np.testing.assert_array_equal(shown_sizes(size, censored), [100, 200, 400])


def test_without_censoring_and_beta_it_is_the_gamma_regression_of_statsmodels():
    import statsmodels.api as sm

    cells, _ = noisy()
    cells = replace(cells, volatility=np.ones(len(cells.size)))
    fit = fit_law(cells, Family.SPREAD_POWER, 3)
    design = np.column_stack([np.eye(3)[cells.bucket], np.log(cells.size), np.log(cells.thinness)])
    link = sm.families.Gamma(link=sm.families.links.Log())
    glm = sm.GLM(cells.excess, design, family=link).fit(tol=1e-12)
    mine = np.r_[0:4, 5]
    np.testing.assert_allclose(fit.values[mine], glm.params, rtol=1e-6)
    residual = cells.excess / glm.fittedvalues - 1
    scores = []
    for day in np.unique(
        cells.cluster
    ):  # CR3 as it is defined, with each day's block of the hat matrix
        here = design[cells.cluster == day]
        left = np.eye(len(here)) - here @ np.linalg.inv(design.T @ design) @ here.T
        scores.append(here.T @ np.linalg.solve(left, residual[cells.cluster == day]))
    bread = np.linalg.inv(design.T @ (design * (1 + residual)[:, None]))
    covariance = bread @ np.transpose(scores) @ scores @ bread
    np.testing.assert_allclose(fit.covariance.matrix[np.ix_(mine, mine)], covariance, rtol=1e-5)


def test_one_level_per_bucket_has_its_closed_form():
    """With k fixed and states constant, alpha is the mean of cost / x^1.5 and its error the
    clustered one of a mean.
    """
    cells, _ = noisy(1)
    still = np.ones(len(cells.size))
    fit = fit_law(replace(cells, volatility=still, thinness=still), Family.SPREAD_SQRT, 3)
    rate = cells.excess / cells.size**1.5
    for bucket in range(3):
        here = cells.bucket == bucket
        assert fit.alpha[bucket] == pytest.approx(rate[here].mean(), rel=1e-8)
        sums = np.array(
            [((rate - rate[here].mean()) * here)[cells.cluster == day].sum() for day in range(30)]
        )
        share = np.array([here[cells.cluster == day].sum() for day in range(30)]) / here.sum()
        error = np.sqrt(((sums / (1 - share)) ** 2).sum()) / here.sum()
        assert fit.covariance.standard_errors[bucket] == pytest.approx(
            error / fit.alpha[bucket], rel=1e-6
        )
    assert fit.k == 1.5
    assert fit.covariance.standard_errors[-3:].tolist() == [0, 0, 0]
    assert {caveat.code for caveat in fit.warnings} == {
        "beta_not_identified",
        "theta_not_identified",
    }


@pytest.mark.parametrize("family", [Family.SPREAD_POWER, Family.POWER])
def test_the_equations_are_the_sums_over_cells_and_their_derivative_is_right(family):
    from scipy.optimize import approx_fprime

    _, cells, costs = _usable(planted(Truth(days=3), 0), family)
    problem = _quasi_score(cells, costs, {})
    point = np.array([-7.0, -7.1, 1.4, 0.5, 0.8])
    half = np.arange(len(problem.bucket)) % 2
    scores, slopes = problem.equations(point, half, 2)
    residual = costs / problem.mean(point) - 1
    gradient = problem.gradient(point)
    np.testing.assert_allclose(scores.sum(axis=0), gradient.T @ residual, rtol=1e-9)
    np.testing.assert_allclose(problem.gathered(point, residual, half, 2), scores, rtol=1e-9)
    np.testing.assert_allclose(
        problem.information(point, half, 2).sum(axis=0), gradient.T @ gradient, rtol=1e-9
    )
    for name, value, derivative in (
        ("scores", lambda at: problem.equations(at, half, 2)[0][1], slopes[1]),
        ("gradient", lambda at: np.log(problem.mean(at)), problem.gradient(point)),
        ("natural", lambda at: problem.natural(at)[0], problem.natural(point)[1]),
    ):
        numeric = approx_fprime(point, value, 1e-7)
        tolerance = 1e-5 * np.abs(numeric).max()
        np.testing.assert_allclose(derivative, numeric, rtol=1e-3, atol=tolerance, err_msg=name)


def test_a_one_level_book_falls_back_to_linear_total_cost():
    cells, rng = noisy()
    n = len(cells.size)
    spread = 0.02 * (1 + 0.5 * cells.volatility) * cells.thinness * rng.gamma(50, 1 / 50, n)
    flat = replace(cells, excess=np.zeros(n), half_spread=spread)
    fit = fit_law(flat, Family.SPREAD_POWER, 3)
    assert fit.family is Family.LINEAR
    assert fit.warnings[0].code == "k_not_identified"
    assert fit.k == 1.0
    for name, value in {"log_alpha_0": np.log(0.02), "beta": 0.5, "theta": 1.0}.items():
        found, error = estimates(fit)[name]
        assert abs(found - value) < 3.5 * error, name
    np.testing.assert_allclose(
        fit.cost(flat.size, spread, flat.bucket, flat.volatility, flat.thinness),
        fit.at(flat.bucket, flat.volatility, flat.thinness).cost(flat.size),
    )


def test_one_costly_size_is_enough_where_k_is_fixed():
    cells, _ = noisy()
    one = replace(cells, excess=np.where(cells.size == 5000, cells.excess, 0.0))
    assert fit_law(one, Family.SPREAD_SQRT, 3).family is Family.SPREAD_SQRT
    assert fit_law(one, Family.SPREAD_POWER, 3).family is Family.LINEAR


def test_the_power_law_of_total_cost_has_no_spread_beside_it():
    cells, rng = noisy(n=2000)
    total = 2e-3 * cells.size**1.35 * (1 + 0.5 * cells.volatility) * cells.thinness
    spread = 0.5 * total / cells.size
    fit = fit_law(
        replace(
            cells,
            half_spread=spread,
            excess=(total - spread * cells.size) * rng.gamma(25, 0.04, 2000),
        ),
        Family.POWER,
        3,
    )
    assert fit.k == pytest.approx(1.35, abs=0.02)
    np.testing.assert_allclose(
        fit.cost(cells.size, spread, cells.bucket, cells.volatility, cells.thinness),
        total,
        rtol=0.15,
    )
    root = fit_law(
        replace(cells, half_spread=spread, excess=total - spread * cells.size),
        Family.SQUARE_ROOT,
        3,
    )
    assert (root.k, root.family) == (1.5, Family.SQUARE_ROOT)


def test_an_imprecise_exponent_falls_back_to_linear():
    cells, rng = noisy(n=60)
    few = replace(cells, size=rng.choice([100.0, 101.0], 60))
    fit = fit_law(few, Family.SPREAD_POWER, 3)
    assert fit.family is Family.LINEAR
    assert "standard error" in fit.warnings[0].message


@pytest.mark.parametrize(("name", "field"), [("beta", "volatility"), ("theta", "thinness")])
def test_coefficients_of_the_wrong_sign_or_none_become_zero_and_say_so(name, field):
    cells, rng = noisy()
    other = {"beta": cells.thinness, "theta": 1 + 0.5 * cells.volatility}[name]
    base = 1e-3 * cells.size**1.5 * other * rng.gamma(4, 0.25, len(cells.size))
    value = getattr(cells, field)
    for excess, codes in (
        (base / value, {f"{name}_negative"}),
        (base, {f"{name}_negative", f"{name}_not_identified"}),
    ):
        fit = fit_law(replace(cells, excess=excess), Family.SPREAD_POWER, 3)
        assert estimates(fit)[name] == (0.0, 0.0)
        assert {caveat.code for caveat in fit.warnings} & codes
        assert estimates(fit)["k"][0] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_cost_proportional_to_volatility_or_steeper_holds_beta_at_its_bound(power):
    cells, rng = noisy()
    mean = 1e-3 * cells.size**1.5 * cells.volatility**power * cells.thinness
    fit = fit_law(
        replace(cells, excess=mean * rng.gamma(4, 0.25, len(mean))), Family.SPREAD_POWER, 3
    )
    assert fit.beta > 20 / cells.volatility.mean()
    if power > 1:
        assert [caveat.code for caveat in fit.warnings] == ["beta_at_bound"]
    fitted = fit.at(cells.bucket, cells.volatility, cells.thinness).cost(cells.size)
    slope = np.polyfit(np.log(cells.volatility), np.log(fitted / mean), 1)[0]
    assert slope == pytest.approx(1 - power, abs=0.05)


def test_cells_without_time_are_counted_and_buckets_without_cells_borrow():
    cells, _ = noisy()
    blind = np.arange(len(cells.size)) % 10 == 0
    gone = replace(
        cells, censored=np.where(blind, np.nan, 0.0), excess=np.where(blind, np.nan, cells.excess)
    )
    fit = fit_law(gone, Family.SPREAD_POWER, 5)
    assert (fit.n, fit.n_excluded) == (540, 60)
    assert fit.alpha[4] == fit.alpha[3] == fit.alpha[2]
    assert [caveat.code for caveat in fit.warnings] == ["bucket_borrowed"]
    np.testing.assert_array_equal(fit.covariance.matrix[2], fit.covariance.matrix[4])


def test_fit_quality_is_measured_on_total_cost():
    from sklearn.metrics import mean_gamma_deviance

    cells, _ = noisy()
    fit = fit_law(cells, Family.SPREAD_POWER, 3)
    total = cells.excess + cells.half_spread * cells.size
    fitted = fit.cost(cells.size, cells.half_spread, cells.bucket, cells.volatility, cells.thinness)
    assert fit.deviance == pytest.approx(mean_gamma_deviance(total, fitted))
    flat = mean_gamma_deviance(total, (total / cells.size).mean() * cells.size)
    assert fit.pseudo_r2 == pytest.approx(1 - fit.deviance / flat)
    assert 0.5 < fit.pseudo_r2 < 1


def test_the_summary_names_every_parameter():
    cells, _ = noisy()
    fit = fit_law(cells, Family.SPREAD_POWER, 3)
    assert all(name in fit.summary() for name in fit.names)


def test_few_clusters_are_said_and_one_is_refused():
    cells, _ = noisy()
    fit = fit_law(replace(cells, cluster=cells.cluster % 5), Family.SPREAD_POWER, 3)
    assert [caveat.code for caveat in fit.warnings] == ["few_clusters"]
    with pytest.raises(ValueError, match="cluster: 1 found"):
        fit_law(replace(cells, cluster=cells.cluster * 0), Family.SPREAD_POWER, 3)


def test_bad_input_is_named():
    cells, _ = noisy()
    with pytest.raises(ValueError, match="buckets: 2"):
        fit_law(cells, Family.SPREAD_POWER, 2)
    with pytest.raises(ValueError, match="thinness"):
        replace(cells, thinness=-cells.thinness)
    with pytest.raises(ValueError, match="excess: shape"):
        replace(cells, excess=cells.excess[1:])
    two = np.arange(len(cells.size)) % 2
    with pytest.raises(ValueError, match="cannot be told apart"):
        fit_law(replace(cells, bucket=two, volatility=1.0 + two), Family.SPREAD_POWER, 2)
    with pytest.raises(ValueError, match="nothing to fit"):
        fit_law(
            replace(cells, excess=0 * cells.excess, half_spread=0 * cells.size),
            Family.SPREAD_POWER,
            3,
        )


def test_a_coefficient_that_is_zero_is_seldom_kept_with_few_days():
    """A one-sided 5 % test of beta, eight days: what a normal point would keep in 8.7 % of data
    sets.
    """
    truth = Truth(days=8, periods=12, beta=0.0, forecast_error=0.3, tilt=0.02, day_noise=0.2)
    kept = sum(
        fit_law(planted(truth, seed), Family.SPREAD_POWER, 2).beta != 0 for seed in range(150)
    )
    assert kept <= 11  # 7.5 expected


def test_a_bucket_of_one_cluster_shares_its_neighbours_level_and_error():
    cells = planted(Truth(), 3)
    last = cells.bucket.max()
    seen = cells.cluster == cells.cluster[cells.bucket == last][0]
    thin = cells.take((cells.bucket != last) | seen)
    fit = fit_law(thin, Family.SPREAD_POWER, last + 1)
    assert "bucket_borrowed" in {caveat.code for caveat in fit.warnings}
    assert fit.values[last] == fit.values[last - 1]
    assert fit.covariance.standard_errors[last] == fit.covariance.standard_errors[last - 1] > 0
    assert fit.n == len(thin.size)  # its cells are used
    alone = thin.take(thin.bucket == last)
    with pytest.raises(ValueError, match="cluster: 1 found"):
        fit_law(alone, Family.SPREAD_POWER, last + 1)
