"""Which estimator gamma is from, and what is said when it is not the long-run response."""

import numpy as np
import pytest
from scipy.signal import lfilter

from models.impact.flow.hasbrouck import fit_hasbrouck
from models.impact.flow.kyle import fit_permanent
from models.impact.flow.permanent import permanent_impact


def tape(
    noise: float, transient: float, n: int = 1000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    flow = 500 * rng.standard_normal(n)
    passing = lfilter([transient, -transient], [1.0, -0.5], flow)
    return 1e-5 * flow + passing + noise * rng.standard_normal(n), flow, np.repeat([0, 1], n // 2)


def test_gamma_is_the_long_run_response():
    change, flow, session = tape(0.004, 1e-5)
    found, response = permanent_impact(change, flow, session), fit_hasbrouck(change, flow, session)
    assert found.estimator == "hasbrouck"
    assert (found.gamma, found.standard_error) == (response.permanent, response.standard_error)
    assert found.kyle.estimate == pytest.approx(np.polyfit(flow, change, 1)[0], rel=1e-9)
    assert found.kyle.estimate > 1.5e-5
    assert abs(found.gamma - 1e-5) < 3 * found.standard_error


def test_kyles_slope_stands_in_where_the_response_is_too_uncertain():
    change, flow, session = tape(0.05, 0.0)
    found = permanent_impact(change, flow, session)
    assert found.response.gamma == 0
    assert found.estimator == "kyle"
    assert found.gamma == fit_permanent(change, flow).gamma > 0
    codes = [caveat.code for caveat in found.warnings]
    assert "permanent_by_kyle" in codes
    assert not any(code.startswith("gamma") for code in codes)
    assert "permanent_by_kyle" in found.summary()


def test_an_impact_that_is_all_transient_is_not_kyles_slope():
    rng = np.random.default_rng(5)
    flow = 500 * rng.standard_normal(2000)
    change = lfilter([1e-5, -1e-5], [1.0], flow) + 0.002 * rng.standard_normal(2000)
    found = permanent_impact(change, flow, np.zeros(2000, np.int64))
    assert found.kyle.gamma > 0.9e-5
    assert (found.gamma, found.estimator) == (0, "hasbrouck")
    assert {caveat.code for caveat in found.warnings} & {"gamma_negative", "gamma_not_identified"}


def test_short_samples_and_flows_without_sides_fall_back():
    change, flow, _ = tape(0.004, 0.0)
    short = permanent_impact(change[:20], flow[:20], np.zeros(20, np.int64))
    assert (short.estimator, short.response) == ("kyle", None)
    assert "permanent_by_kyle" in {caveat.code for caveat in short.warnings}
    sideless = permanent_impact(change, np.zeros(1000), np.zeros(1000, np.int64))
    assert sideless.gamma == 0
    assert [caveat.code for caveat in sideless.warnings] == [
        "gamma_not_identified",
        "permanent_by_kyle",
    ]
    with pytest.raises(ValueError, match="mid_change: 9 periods"):
        permanent_impact(change[:9], flow[:9], np.zeros(9, np.int64))
    with pytest.raises(ValueError, match="session: shape"):
        permanent_impact(change, flow, np.zeros(9, np.int64))


def test_one_period_that_carries_gamma_is_said():
    change, flow, session = tape(0.004, 0.0)
    assert "one_period_dominates" not in {
        caveat.code for caveat in permanent_impact(change, flow, session).warnings
    }
    flow[7] = 2 * np.sqrt((flow**2).sum())
    for end in (20, 1000):  # by Kyle's slope, by the long-run response
        found = permanent_impact(change[:end], flow[:end], session[:end])
        assert "one_period_dominates" in {caveat.code for caveat in found.warnings}
