"""How much risk a small part of the cost takes away."""

import numpy as np
import pytest

from solver import PowerLaw, Problem, ProblemError, evaluate, most_urgent, solve, twap


def over_mid(problem: Problem, x: np.ndarray) -> float:
    parts = evaluate(problem, x)
    return parts.spread + parts.temporary


def test_the_most_urgent_plan_costs_two_per_cent_more_and_any_more_urgent_one_more() -> None:
    problem = Problem(
        shares=50_000, law=PowerLaw(3e-5, 1.5, 0.01), sigma=0.05, permanent=1e-7, periods=60,
        own_impact="half",
    )  # fmt: skip
    found = most_urgent(problem)
    patient, urgent = found.x
    np.testing.assert_allclose(patient, twap(50_000, 60), rtol=1e-6)
    dearer = over_mid(problem, urgent) / over_mid(problem, patient)
    assert 1.0195 < dearer <= 1.02
    assert found.variance[1] < 0.8 * found.variance[0]
    value = float(found.risk_aversion[1])
    again = solve(Problem(**vars_of(problem) | {"risk_aversion": value})).x
    np.testing.assert_allclose(again, urgent, atol=0.5)
    beyond = solve(Problem(**vars_of(problem) | {"risk_aversion": 1.01 * value})).x
    assert over_mid(problem, beyond) > 1.02 * over_mid(problem, patient)


def vars_of(problem: Problem) -> dict:
    names = ("shares", "law", "permanent", "sigma", "own_impact")
    return {name: getattr(problem, name) for name in names}


def test_without_risk_nothing_is_urgent_and_a_plan_that_jumps_is_refused() -> None:
    calm = Problem(shares=100, law=PowerLaw(1.0, 1.5), periods=10)
    assert most_urgent(calm).risk_aversion.tolist() == [0.0, 0.0]
    with pytest.raises(ProblemError, match="exponent above 1"):
        most_urgent(Problem(shares=100, law=PowerLaw(1.0, 1.0), periods=10))
