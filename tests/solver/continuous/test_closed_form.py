"""The published examples and the oracles."""

from dataclasses import replace

import numpy as np
import pytest

from solver import (
    PowerLaw,
    Problem,
    ProblemError,
    Settings,
    Status,
    almgren_chriss,
    bertsimas_lo,
    evaluate,
    power_law,
    solve,
    twap,
    vwap,
)


def chriss_example() -> Problem:
    """Almgren and Chriss (2000), table 1: permanent 2.5e-7, temporary 2.5e-6, half-spread 0.0625,
    five days.
    """
    return Problem(
        1e6,
        PowerLaw(2.5e-6, 2.0, 0.0625),
        permanent=2.5e-7,
        sigma=0.95,
        risk_aversion=1e-6,
        price=50.0,
        side="sell",
        periods=5,
    )


@pytest.mark.parametrize("method", ["closed_form", "nlp", "auto"])
@pytest.mark.parametrize("compiled", [True, False])
def test_almgren_chriss_example(method: str, compiled: bool) -> None:
    found = solve(chriss_example(), method=method, settings=Settings(compiled=compiled))
    assert np.array_equal(np.rint(found.x), [458044, 252101, 141957, 85756, 62142])
    assert round(found.shortfall) == 911227
    assert round(np.sqrt(found.variance)) == 603431
    assert found.status is Status.OPTIMAL


def test_almgren_chriss_example_in_whole_shares() -> None:
    found = solve(chriss_example(), integer=True)
    assert np.array_equal(found.x, [458044, 252101, 141957, 85756, 62142])


def test_almgren_chriss_without_risk_is_twap() -> None:
    problem = Problem(1e6, PowerLaw(2.5e-6, 2.0), permanent=2.5e-7, periods=7)
    assert np.allclose(almgren_chriss(problem), twap(1e6, 7), rtol=1e-14)


def test_almgren_chriss_with_half_of_the_own_move_has_the_plain_eta() -> None:
    problem = replace(chriss_example(), own_impact="half")
    without = replace(chriss_example(), permanent=0.0)
    assert np.array_equal(almgren_chriss(problem), almgren_chriss(without))
    found = solve(problem, method="nlp")
    assert np.allclose(found.x, almgren_chriss(problem), rtol=1e-6)
    assert found.breakdown.permanent == pytest.approx(0.5 * 2.5e-7 * 1e12, rel=1e-12)
    with pytest.raises(ProblemError, match="constant"):
        almgren_chriss(replace(problem, permanent=np.linspace(1e-7, 2e-7, 5)))


def test_almgren_chriss_at_extreme_risk_does_not_overflow() -> None:
    problem = Problem(1e6, PowerLaw(1e-9, 2.0), sigma=1.0, risk_aversion=10.0, periods=400)
    x = almgren_chriss(problem)
    assert np.isfinite(x).all()
    assert x.sum() == pytest.approx(1e6)


def test_power_law_oracle_equals_the_solver() -> None:
    rng = np.random.default_rng(0)
    for k in (1.1, 1.5, 2.0, 2.5):
        problem = Problem(1e4, PowerLaw(rng.lognormal(size=30), k))
        oracle, found = power_law(problem), solve(problem, settings=Settings(compiled=False))
        assert evaluate(problem, oracle).objective == pytest.approx(found.objective, rel=1e-12)
        marginal = np.asarray(problem.law.scale) * k * oracle ** (k - 1.0)
        assert np.ptp(marginal) <= 1e-9 * marginal.max()
        moved = replace(problem, permanent=1.0, own_impact="half")
        assert np.array_equal(power_law(moved), oracle)
        with pytest.raises(ProblemError, match="problem"):
            power_law(replace(moved, own_impact="none"))


def test_vwap_follows_volume() -> None:
    assert np.array_equal(vwap(10.0, [1.0, 3.0, 1.0]), [2.0, 6.0, 2.0])
    with pytest.raises(ProblemError, match="volume"):
        vwap(10.0, [0.0, 0.0])


def test_closed_form_refuses_what_it_does_not_solve() -> None:
    with pytest.raises(ProblemError, match="problem"):
        solve(Problem(10.0, PowerLaw(1.0, 1.5), permanent=0.1, periods=3), method="closed_form")
    with pytest.raises(ProblemError, match="problem"):
        almgren_chriss(Problem(10.0, PowerLaw([1.0, 2.0], 2.0)))
    with pytest.raises(ProblemError, match="integer"):
        solve(Problem(10.0, PowerLaw(1.0, 1.5), periods=3), method="closed_form", integer=True)


def test_bertsimas_lo_is_the_optimum_under_linear_impact_and_drift() -> None:
    drift = np.array([0.02, -0.01, 0.03, 0.0, 0.01, 0.5])
    x = bertsimas_lo(6000.0, 1e-4, drift)
    problem = Problem(6000.0, PowerLaw(1e-4, 2.0), permanent=1e-4, drift=drift, lot=6000.0)
    assert np.allclose(x, solve(problem, method="nlp").x, rtol=1e-6)
    half = replace(problem, law=PowerLaw(5e-5, 2.0), own_impact="half")
    assert np.allclose(x, solve(half, method="nlp").x, rtol=1e-6)
    assert evaluate(half, x).objective == pytest.approx(evaluate(problem, x).objective, rel=1e-12)
    assert np.allclose(bertsimas_lo(6000.0, 1e-4, np.zeros(6)), twap(6000.0, 6))


@pytest.mark.parametrize(
    ("impact", "drift", "name"),
    [(0.0, [1.0, 1.0], "impact"), (1.0, [[1.0]], "drift"), (1e-6, [1.0, 0.0], "drift")],
)
def test_bertsimas_lo_messages_name_the_argument(
    impact: float, drift: list[float], name: str
) -> None:
    with pytest.raises(ProblemError, match=name):
        bertsimas_lo(100.0, impact, drift)
