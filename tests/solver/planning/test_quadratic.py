"""The constant quadratic problem nearest to a fitted one, and the schedule it has."""

import numpy as np
import pytest

from solver import PowerLaw, Problem, ProblemError, TableLaw, almgren_chriss, even_quadratic

N, SHARES, RISK = 30, 6_000.0, 3e-4
SIGMA = np.linspace(0.05, 0.01, N)


def fitted(exponent: float, risk_aversion: float = RISK) -> Problem:
    return Problem(
        SHARES, PowerLaw(np.linspace(1.0, 3.0, N) * 1e-3, exponent, spread=0.02), permanent=1e-6,
        drift=1e-4, sigma=SIGMA, risk_aversion=risk_aversion, cap=1_500.0, own_impact="half",
    )  # fmt: skip


@pytest.mark.parametrize("exponent", [0.8, 1.5, 2.0, 2.4])
def test_it_costs_what_the_law_costs_at_an_even_pace_and_decays_by_sinh(exponent: float) -> None:
    problem = fitted(exponent)
    even = SHARES / N
    found = even_quadratic(problem)
    beyond = problem.law.cost(even) - 0.02 * even
    assert found.law.cost(even) == pytest.approx(beyond.mean())
    eta = 2e-3 * even ** (exponent - 2.0)
    kappa = np.arccosh(1.0 + RISK * np.mean(SIGMA**2) / (2.0 * eta))
    left = SHARES * np.sinh(kappa * (N - np.arange(N + 1))) / np.sinh(kappa * N)
    assert almgren_chriss(found) == pytest.approx(-np.diff(left))


def test_without_risk_aversion_it_is_an_even_pace() -> None:
    assert almgren_chriss(even_quadratic(fitted(1.5, 0.0))) == pytest.approx(np.full(N, SHARES / N))


def test_a_table_has_none() -> None:
    with pytest.raises(ProblemError, match="TableLaw"):
        even_quadratic(Problem(2.0, TableLaw([[0.0, 1.0, 2.0]] * 2)))
