"""The law fit on books whose walks follow a planted law, half of the large sizes beyond the displayed depth."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from models.book import walk
from models.impact import Cells, Family, completed_excess, fit_law

TICK = 0.01
SIZES = np.array([100, 200, 300, 500, 800, 1200, 2000, 3000, 5000], dtype=float)
SNAPSHOTS = 20


@dataclass(frozen=True)
class Truth:
    """A planted law; alpha has one level a bucket."""

    alpha: tuple[float, ...] = (7e-4, 8e-4)
    k: float = 1.5
    beta: float = 0.6
    theta: float = 1.0
    levels: int = 10
    days: int = 20
    periods: int = 40
    forecast_error: float = 0.0
    tilt: float = 0.0


def planted(truth: Truth, seed: int) -> Cells:
    """Walk simulated books and average as the features stage does: the cost curve follows the law up to its ticks.

    Marginal prices are rounded to the tick by a dither that is unbiased over snapshots; states move from day
    to day and from period to period; the fit is given the states' conditional means, which differ by
    forecast_error; the exponent of each day differs from k by tilt.
    """
    rng = np.random.default_rng(seed)
    shape = (truth.days, truth.periods)
    expected = [np.exp(0.3 * rng.normal(size=(truth.days, 1)) + 0.3 * rng.normal(size=shape)) for _ in range(2)]
    surprise = [np.exp(truth.forecast_error * rng.normal(size=shape) - truth.forecast_error**2 / 2) for _ in range(2)]
    v, thinness = (mean * shock for mean, shock in zip(expected, surprise, strict=True))
    bucket = np.broadcast_to(np.arange(truth.periods) * len(truth.alpha) // truth.periods, shape)
    alpha = np.asarray(truth.alpha)[bucket]
    scale = (alpha * (1 + truth.beta * v) * thinness**truth.theta).ravel()
    per_period = [_averages(scale, truth, rng) for _ in range(2)]  # two sides
    fields = {name: np.concatenate([side[name].ravel() for side in per_period]) for name in per_period[0]}
    repeat = {
        "bucket": bucket, "volatility": expected[0], "thinness": expected[1],
        "cluster": np.broadcast_to(np.arange(truth.days)[:, None], shape)}
    fields |= {name: np.tile(np.repeat(value.ravel(), len(SIZES)), 2) for name, value in repeat.items()}
    size = np.tile(SIZES, 2 * truth.days * truth.periods)
    turn = (size / 1000) ** (truth.tilt * rng.normal(size=truth.days))[fields["cluster"]]
    fields |= {name: fields[name] * turn for name in ("excess", "censored_excess")}
    return Cells(size=size, half_spread=np.full(len(size), TICK), **fields)


def _averages(scale: np.ndarray, truth: Truth, rng: np.random.Generator) -> dict[str, np.ndarray]:
    dither = (rng.random((len(scale), 1)) + np.arange(SNAPSHOTS) * 0.6180339887498949) % 1
    marginal = (np.arange(1, truth.levels + 1) - dither[..., None]) * TICK / (scale[:, None, None] * truth.k)
    reach = marginal ** (1 / (truth.k - 1))
    size = np.diff(reach, axis=-1, prepend=0.0).reshape(-1, truth.levels)
    price = np.broadcast_to(100 + TICK * np.arange(truth.levels), size.shape)
    cost, depth, whole = (each.reshape(len(scale), SNAPSHOTS, -1) for each in walk(price, size, SIZES))
    beyond = depth < SIZES
    within_count, beyond_count = (~beyond).sum(axis=1), beyond.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return {
            "excess": (cost * ~beyond).sum(axis=1) / within_count,
            "censored": beyond.mean(axis=1),
            "censored_depth": (depth * beyond).sum(axis=1) / beyond_count,
            "censored_excess": (whole * beyond).sum(axis=1) / beyond_count,
        }


def estimates(fit) -> dict[str, tuple[float, float]]:
    return {name: (value, error) for name, value, error in
            zip(fit.names, fit.values, fit.covariance.standard_errors, strict=True)}


def expected(truth: Truth) -> dict[str, float]:
    levels = {f"log_alpha_{bucket}": np.log(alpha) for bucket, alpha in enumerate(truth.alpha)}
    return levels | {"k": truth.k, "beta": truth.beta, "theta": truth.theta}


@pytest.mark.parametrize("truth", [Truth(), Truth(k=1.62, beta=0.4, theta=0.5, alpha=(3e-4, 2e-4))])
def test_the_planted_law_is_recovered_with_large_sizes_censored(truth):
    for seed in range(3):
        cells = planted(truth, seed)
        assert 0.4 < cells.censored[cells.size >= 3000].mean() < 0.8
        fit = estimates(fit_law(cells, Family.SPREAD_POWER, len(truth.alpha)))
        for name, value in expected(truth).items():
            assert fit[name][0] == pytest.approx(value, abs=0.005 if name == "k" else 0.02), name


def test_no_attenuation_and_sane_coverage_with_predicted_states():
    """States are known to their conditional mean only (Berkson error) and exponents differ between days."""
    truth = Truth(periods=16, forecast_error=0.3, tilt=0.02)
    fits = [estimates(fit_law(planted(truth, seed), Family.SPREAD_POWER, 2)) for seed in range(60)]
    for name, value in expected(truth).items():
        found, error = np.array([fit[name] for fit in fits]).T
        assert found.mean() == pytest.approx(value, abs=3 * found.std() / np.sqrt(len(fits)) + 0.002), name
        covered = (np.abs(found - value) < 1.96 * error).mean()
        assert 0.8 <= covered <= 1.0, name
        assert error.mean() == pytest.approx(found.std(), rel=0.3), name


def test_dropping_censored_cells_would_bias_the_cost_of_large_orders_down():
    cells = planted(Truth(forecast_error=0.4), 0)
    fit = fit_law(cells, Family.SPREAD_POWER, 2)
    large = cells.size == 5000
    kept = cells.censored[large] == 0
    truth = np.asarray(Truth().alpha)[cells.bucket[large]] * (1 + 0.6 * cells.volatility[large])
    truth *= cells.thinness[large] * 5000**1.5
    assert (cells.excess[large][kept] / truth[kept]).mean() < 0.8
    completed = completed_excess(cells, fit.k)[large]
    assert (completed / truth).mean() == pytest.approx(1.0, abs=0.06)


def test_completed_excess_by_hand():
    """Half of the time 1,000 shares cost 3; the other half depth ended at 250 shares and a cost of 2: 2 * 4^1.5."""
    cells = cell(size=1000, excess=3, censored=0.5, censored_depth=250, censored_excess=2)
    np.testing.assert_allclose(completed_excess(cells, 1.5), 0.5 * 3 + 0.5 * 2 * 8)
    assert np.isnan(completed_excess(cell(censored=np.nan), 1.5)).all()
    whole = cell(excess=np.nan, censored=1.0, size=400, censored_depth=100, censored_excess=1)
    np.testing.assert_allclose(completed_excess(whole, 2.0), 16)


def cell(count: int = 1, **values) -> Cells:
    """Cells that are equal but for the given values."""
    plain = {"size": 100.0, "excess": 1.0, "half_spread": TICK, "censored": 0.0, "censored_depth": np.nan,
             "censored_excess": np.nan, "bucket": 0, "volatility": 1.0, "thinness": 1.0, "cluster": 0}
    return Cells(**{name: np.broadcast_to(np.asarray(values.get(name, value)), (count,)).copy()
                    for name, value in plain.items()})


def noisy(seed: int = 0, n: int = 600) -> tuple[Cells, np.random.Generator]:
    """Uncensored cells with Gamma noise around 1e-3 x^1.5 (1 + .5 v) thinness."""
    rng = np.random.default_rng(seed)
    size, v, thinness = rng.choice(SIZES, n), rng.uniform(0.3, 2, n), rng.uniform(0.4, 2, n)
    mean = 1e-3 * size**1.5 * (1 + 0.5 * v) * thinness
    return cell(n, size=size, excess=mean * rng.gamma(4, 0.25, n), volatility=v, thinness=thinness,
                bucket=rng.integers(0, 3, n), cluster=rng.integers(0, 30, n)), rng


def test_without_censoring_and_beta_it_is_the_gamma_regression_of_statsmodels():
    import statsmodels.api as sm

    cells, _ = noisy()
    cells = replace(cells, volatility=np.ones(len(cells.size)))
    fit = fit_law(cells, Family.SPREAD_POWER, 3)
    design = np.column_stack([np.eye(3)[cells.bucket], np.log(cells.size), np.log(cells.thinness)])
    link = sm.families.Gamma(link=sm.families.links.Log())
    glm = sm.GLM(cells.excess, design, family=link).fit(
        cov_type="cluster", cov_kwds={"groups": cells.cluster, "use_correction": False}, tol=1e-12)
    mine = np.r_[0:4, 5]
    np.testing.assert_allclose(fit.values[mine], glm.params, rtol=1e-6)
    groups = len(np.unique(cells.cluster))
    np.testing.assert_allclose(
        fit.covariance.standard_errors[mine], glm.bse * np.sqrt(groups / (groups - 1)), rtol=1e-4)


def test_one_level_per_bucket_has_its_closed_form():
    """With k fixed and states constant, alpha is the mean of cost / x^1.5 and its error the clustered one of a mean."""
    cells, _ = noisy(1)
    still = np.ones(len(cells.size))
    fit = fit_law(replace(cells, volatility=still, thinness=still), Family.SPREAD_SQRT, 3)
    rate = cells.excess / cells.size**1.5
    for bucket in range(3):
        here = cells.bucket == bucket
        assert fit.alpha[bucket] == pytest.approx(rate[here].mean(), rel=1e-8)
        sums = [((rate - rate[here].mean()) * here)[cells.cluster == day].sum() for day in range(30)]
        error = np.sqrt(np.sum(np.square(sums)) * 30 / 29) / here.sum()
        assert fit.covariance.standard_errors[bucket] == pytest.approx(error / fit.alpha[bucket], rel=1e-6)
    assert fit.k == 1.5
    assert fit.covariance.standard_errors[-3:].tolist() == [0, 0, 0]
    assert {caveat.code for caveat in fit.warnings} == {"beta_not_identified", "theta_not_identified"}


def test_the_derivative_of_the_scores_is_right():
    from scipy.optimize import approx_fprime

    from models.impact import _problem, _usable

    cells = _usable(planted(Truth(days=3), 0), Family.SPREAD_POWER)
    problem = _problem(cells, Family.SPREAD_POWER, {})
    point = np.array([-7.0, -7.1, 1.4, 0.5, 0.8])
    for name, value, derivative in (
        ("scores", lambda at: problem.scores(at)[0].sum(axis=0), problem.scores(point)[1]),
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
        fit.predict(flat.size, flat.bucket, flat.volatility, flat.thinness))


def test_one_costly_size_is_enough_where_k_is_fixed():
    cells, _ = noisy()
    one = replace(cells, excess=np.where(cells.size == 5000, cells.excess, 0.0))
    assert fit_law(one, Family.SPREAD_SQRT, 3).family is Family.SPREAD_SQRT
    assert fit_law(one, Family.SPREAD_POWER, 3).family is Family.LINEAR


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
    for excess, codes in ((base / value, {f"{name}_negative"}), (base, {f"{name}_negative", f"{name}_not_identified"})):
        fit = fit_law(replace(cells, excess=excess), Family.SPREAD_POWER, 3)
        assert estimates(fit)[name] == (0.0, 0.0)
        assert {caveat.code for caveat in fit.warnings} & codes
        assert estimates(fit)["k"][0] == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_cost_proportional_to_volatility_or_steeper_holds_beta_at_its_bound(power):
    cells, rng = noisy()
    mean = 1e-3 * cells.size**1.5 * cells.volatility**power * cells.thinness
    fit = fit_law(replace(cells, excess=mean * rng.gamma(4, 0.25, len(mean))), Family.SPREAD_POWER, 3)
    assert fit.beta > 20 / cells.volatility.mean()
    if power > 1:
        assert [caveat.code for caveat in fit.warnings] == ["beta_at_bound"]
    fitted = fit.predict(cells.size, cells.bucket, cells.volatility, cells.thinness)
    slope = np.polyfit(np.log(cells.volatility), np.log(fitted / mean), 1)[0]
    assert slope == pytest.approx(1 - power, abs=0.05)


def test_cells_without_time_are_counted_and_buckets_without_cells_borrow():
    cells, _ = noisy()
    blind = np.arange(len(cells.size)) % 10 == 0
    gone = replace(cells, censored=np.where(blind, np.nan, 0.0), excess=np.where(blind, np.nan, cells.excess))
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
        fit_law(replace(cells, excess=0 * cells.excess, half_spread=0 * cells.size), Family.SPREAD_POWER, 3)
