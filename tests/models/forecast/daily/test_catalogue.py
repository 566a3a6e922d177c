"""Every daily forecaster: refitting, causality, hostile series, published regressions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.forecast.daily.boosted import BoostedModel
from models.forecast.daily.catalogue import BASELINE, MODELS
from models.forecast.daily.combination import Combination
from models.forecast.daily.designs import START
from models.forecast.daily.linear import LinearFit, LinearModel
from models.forecast.daily.measures import Measures
from models.forecast.daily.model import sane_forecast, usable_forecast
from tests.models.forecast.markets import market

WINDOW = 120
every_model = pytest.mark.parametrize("name", MODELS)
linear = [name for name, model in MODELS.items() if isinstance(model, LinearModel)]


def sp500(real_data: Path) -> Measures:
    frame = pd.read_csv(real_data / "realized/SP500RM.csv.gz")
    columns = (frame[name].to_numpy(dtype=float) for name in ("RV", "RQ", "RJ", "RVn", "RVp"))
    return Measures(*columns, frame["date"].to_numpy("datetime64[D]"))


def test_names_are_those_of_the_models():
    assert all(model.name == name for name, model in MODELS.items())
    assert BASELINE in MODELS


def test_published_regressions_on_sp500(real_data: Path):
    """Bollerslev, Patton, Quaedvlieg 2016: full-sample OLS, as published to four digits."""
    days = sp500(real_data)
    har, harq = (MODELS[name].fit(days, len(days)) for name in ("har", "harq"))
    np.testing.assert_allclose(har.coefficients, [0.1123, 0.2273, 0.4903, 0.1864], atol=5e-5)
    assert har.r2 == pytest.approx(0.5224, abs=5e-5)
    assert harq.r2 == pytest.approx(0.5624, abs=5e-5)


@pytest.mark.parametrize("name", linear)
def test_updating_equals_refitting(name: str):
    days, model = market(600), MODELS[name]
    fit = model.fit(days[:200], WINDOW)
    for end in range(201, 600):
        fit = fit.update(days[end - 1 : end])
        if end % 37 == 0:
            again = refitted(model, days[:end])
            np.testing.assert_allclose(fit.coefficients, again, rtol=1e-8, atol=1e-8)


def refitted(model: LinearModel, days: Measures) -> np.ndarray:
    """The regression from the rows themselves, by a QR of the window."""
    rows, target = (
        model.design(days)[:-1][-WINDOW:],
        model.target(days.level[START + 1 :])[-WINDOW:],
    )
    used = np.abs(rows).max(axis=0) > 0  # weekends
    found = np.zeros(rows.shape[1])
    found[used] = np.linalg.lstsq(rows[:, used], target, rcond=None)[0]
    return found


@pytest.mark.parametrize("name", linear)
def test_updating_equals_refitting_on_sp500(name: str, real_data: Path):
    days, model = sp500(real_data), MODELS[name]
    fit = model.fit(days[:1022], 1000)
    fit = fit.update(days[1022:3900])  # the crises of 1998 to 2009 enter and leave
    rows, target = model.design(days[:3900])[:-1][-1000:], model.target(days.level[:3900])[-1000:]
    used = np.abs(rows).max(axis=0) > 0
    expected = np.linalg.lstsq(rows[:, used], target, rcond=None)[0]
    np.testing.assert_allclose(fit.coefficients[used], expected, rtol=1e-8, atol=1e-8)


@every_model
def test_updating_equals_fitting_to_the_longer_history(name: str):
    days, model = market(200), MODELS[name]
    fit = model.fit(days[:190], WINDOW)
    updated, again = fit.update(days[190:]).forecast(3), model.fit(days, WINDOW).forecast(3)
    np.testing.assert_allclose(updated.mean, again.mean, rtol=1e-8)
    np.testing.assert_allclose(updated.ratios, again.ratios, rtol=1e-7)
    # Updating left the old fit alone.
    before = model.fit(days[:190], WINDOW).forecast(1)
    np.testing.assert_array_equal(fit.forecast(1).mean, before.mean)


@every_model
def test_the_forecast_is_a_distribution_around_its_mean(name: str):
    days = market(400, seed=3)
    found = MODELS[name].fit(days, 300).forecast(5)
    low, middle, high = found.quantiles(np.array([0.05, 0.5, 0.95]))
    assert found.mean.shape == (5,)
    assert (low < middle).all()
    assert (middle < high).all()
    assert ((low < found.mean) & (found.mean < high)).all()
    assert (found.variance > 0).all()
    assert not found.replaced.any()
    assert name in MODELS[name].fit(days, 300).summary()


@every_model
def test_scale_does_not_matter(name: str):
    days = market(200, seed=4)
    scaled = Measures(
        days.level * 1e-4,
        days.quarticity * 1e-8,
        days.jump * 1e-4,
        days.negative * 1e-4,
        days.positive * 1e-4,
        days.date,
    )
    one, other = (MODELS[name].fit(each, WINDOW).forecast(2) for each in (days, scaled))
    tolerance = 0.1 if name == "lightgbm" else 2e-3  # trees jump
    np.testing.assert_allclose(other.mean, one.mean * 1e-4, rtol=tolerance)


@every_model
def test_a_constant_series_is_forecast_by_itself(name: str):
    ones = np.full(100, 2.0)
    days = Measures(ones, ones, ones * 0, ones / 2, ones / 2, market(100).date)
    found = MODELS[name].fit(days, WINDOW).forecast(2)
    np.testing.assert_allclose(found.mean, 2.0, rtol=1e-6)
    np.testing.assert_allclose(found.quantiles(np.array([0.05, 0.95])), 2.0, rtol=1e-6)


@every_model
def test_a_short_series_is_refused(name: str):
    with pytest.raises(ValueError, match=r"history: \d+ days"):
        MODELS[name].fit(market(19), WINDOW)
    nothing = market(100)
    with pytest.raises(ValueError, match="history: 0 days"):
        MODELS[name].fit(replace(nothing, level=np.full(100, np.nan)), WINDOW)


@every_model
def test_zeros_and_gaps_are_survived_and_never_reach_the_forecast(name: str):
    days = market(200, seed=5)
    level = days.level.copy()
    level[[50, 120, 150]] = np.nan
    level[[60, 130]] = 0.0
    fit = MODELS[name].fit(replace(days, level=level), WINDOW)
    found = fit.forecast(2)
    assert np.isfinite(found.mean).all()
    assert (found.mean > 0).all()
    last = level.copy()
    last[-1] = np.nan
    found = MODELS[name].fit(replace(days, level=last), WINDOW).forecast(1)
    assert np.isfinite(found.mean).all()


@every_model
def test_zeros_alone_are_refused(name: str):
    zeros = np.zeros(100)
    days = Measures(zeros, zeros, zeros, zeros, zeros, market(100).date)
    with pytest.raises(ValueError, match="history: 0 days"):
        MODELS[name].fit(days, WINDOW)


def test_a_zero_does_not_pull_the_average_down():
    days = market(200, seed=5)
    level = days.level.copy()
    level[-4:] = 0.0
    with_zeros, without = (
        MODELS["ewma"].fit(Measures(each), WINDOW).forecast(1).mean[0]
        for each in (level, np.where(level > 0, level, np.nan))
    )
    assert with_zeros == without


@pytest.mark.parametrize(("name", "published_with_filter"), [("har", False), ("harq", True)])
def test_only_models_published_with_the_filter_replace_what_lies_outside_the_window(
    name, published_with_filter
):
    """Reference: a HAR on a series that climbs to its record forecasts above it."""
    level = np.concatenate([market(100).level, np.exp(0.4 * np.arange(1, 13))])
    fit = MODELS[name].fit(Measures(level, quarticity=np.full(len(level), 1e-4)), 80)
    assert isinstance(fit, LinearFit)
    raw = float(fit.design[-1] @ fit.coefficients)
    assert raw > level.max()
    found = fit.forecast(1)
    assert found.replaced.tolist() == [published_with_filter]
    expected = level[-80:].mean() if published_with_filter else raw
    assert found.mean[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("harq", "quarticity"),
        ("jump_har", "jump"),
        ("gjr", "positive"),
        ("semivariance_har", "negative"),
        ("log_calendar_harq", "date"),
    ],
)
def test_a_missing_measure_is_named(name: str, missing: str):
    with pytest.raises(ValueError, match=f"{missing}: not measured"):
        MODELS[name].fit(replace(market(100), **{missing: None}), WINDOW)


def test_measures_are_checked():
    with pytest.raises(ValueError, match="jump: shape"):
        Measures(np.ones(3), jump=np.ones(2))
    with pytest.raises(ValueError, match="level: negative or infinite on day 1"):
        Measures(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="dates must increase"):
        Measures(np.ones(2), date=np.array(["2020-01-02", "2020-01-02"], dtype="datetime64[D]"))
    with pytest.raises(ValueError, match="jump: measured in the history or"):
        Measures(np.ones(2), jump=np.ones(2)).followed_by(Measures(np.ones(1)))


def test_a_mean_that_no_level_can_have_is_replaced():
    found = usable_forecast(
        np.array([-1.0, 0.0, np.inf, np.nan, 1e-9]), np.ones((5, 3)), np.array([1.0, 3.0, np.nan])
    )
    assert found.replaced.tolist() == [True, True, True, True, False]
    np.testing.assert_allclose(found.mean, [2, 2, 2, 2, 1e-9])


@pytest.mark.parametrize(
    ("missing", "combined", "boosted"),
    [
        (
            (),
            ("log_calendar_harq", "log_semivariance_harq", "semivariance_har", "ewma"),
            "log_semivariance_harq",
        ),
        (
            ("quarticity",),
            ("log_calendar_har", "log_semivariance_har", "semivariance_har", "ewma"),
            "log_semivariance_har",
        ),
        (("negative",), ("log_calendar_har", "log_harq", "har", "ewma"), "log_harq"),
        (
            ("quarticity", "jump", "negative", "positive"),
            ("log_calendar_har", "log_har", "har", "ewma"),
            "log_har",
        ),
    ],
)
def test_models_of_models_use_what_was_measured(missing, combined, boosted):
    days = replace(market(200), **dict.fromkeys(missing))
    combination, trees = MODELS["combination"], MODELS["lightgbm"]
    assert isinstance(combination, Combination)
    assert isinstance(trees, BoostedModel)
    assert combination.parts(days) == combined
    assert trees.parts(days) == (boosted,)
    means = [MODELS[name].fit(days, 100).forecast(1).mean[0] for name in combined]
    found = combination.fit(days, 100).forecast(1).mean[0]
    assert found == pytest.approx(np.exp(np.mean(np.log(means))))
    assert trees.fit(days, 100).forecast(1).mean[0] > 0


def test_a_mean_below_the_window_is_replaced_however_high_the_window_reaches():
    found = sane_forecast(np.array([-5.0, 1e-9]), np.ones((2, 3)), np.array([0.5, 1.0, 1e12]))
    assert found.replaced.all()


def test_zeros_are_no_bound_of_a_mean():
    found = sane_forecast(np.array([0.0, 1e-12]), np.ones((2, 3)), np.array([0.0, 1.0, 3.0]))
    assert found.replaced.all()
    np.testing.assert_allclose(found.mean, 4 / 3)


def test_a_constant_has_no_r2():
    level = np.full(100, 3.0)
    fit = MODELS["har"].fit(Measures(level), 60)
    assert np.isnan(fit.r2)
    assert "R2 nan" in fit.summary()


def test_the_local_level_settles_on_known_days():
    """22 known days, then a dead market: half of them measure the errors."""
    level = np.exp(0.3 * np.random.default_rng(0).normal(size=60))
    level[22:] = 0.0
    found = MODELS["local_level"].fit(Measures(level), 60).forecast(1)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.ratios).sum() == 11


def test_a_market_that_dies_is_refused_after_updates_as_after_a_fit():
    level = np.exp(0.3 * np.random.default_rng(0).normal(size=170))
    level[90:] = 0.0
    fit = MODELS["har"].fit(Measures(level[:90]), 60).update(Measures(level[90:]))
    with pytest.raises(ValueError, match="history: 0 days with a positive level"):
        fit.forecast(1)
