"""Curvature and round trips of the law against its own second differences and a search over
sizes.
"""

import numpy as np
import pytest

from models.impact.admissibility import admissibility, gain, letter_admits, turn
from solver import ImpactLaw


def at(scale: float, k: float, gamma: float, spread: float = 0.01) -> ImpactLaw:
    return ImpactLaw(alpha=scale, k=k, gamma=gamma, spread=spread)


def codes(law: ImpactLaw) -> set[str]:
    found = (*admissibility(law), *letter_admits(law, 100.0, 5000.0))
    return {caveat.code for caveat in found}


@pytest.mark.parametrize(("k", "gamma"), [(1.3, 4e-5), (1.5, 4e-5), (1.8, 1e-4), (2.3, 4e-3)])
def test_phi_turns_where_its_second_difference_changes_sign(k, gamma):
    law = at(3e-4, k, gamma)
    x = np.geomspace(1, 1e4, 2000)
    slope = np.gradient(np.gradient(-gain(law, x), x), x)[5:-5]
    change = x[5:-5][np.flatnonzero(np.diff(np.sign(slope)))]
    assert change[0] == pytest.approx(turn(law), rel=1e-2)
    assert (slope[x[5:-5] < turn(law) * 0.9] > 0).all() == (k < 2)


def test_the_quadratic_linear_and_concave_laws():
    assert turn(at(1e-4, 2.0, 1.9e-4)) == np.inf
    assert turn(at(1e-4, 2.0, 2.1e-4)) == 0
    assert turn(at(1e-4, 1.0, 1e-6)) == 0
    assert turn(at(1e-4, 1.5, 0.0)) == np.inf
    assert codes(at(1e-4, 1.5, 0.0)) == set()
    assert "cost_concave" in codes(at(1e-4, 0.9, 0.0))


def test_round_trips_that_earn_money_are_found_and_only_those():
    """A round trip of n buys and n sells of x costs 2 n (g(x) - gamma x^2 / 2): trade it step by
    step.
    """
    for gamma in (1e-7, 1e-6, 1e-5, 1e-4):
        law, spread, scale, k = at(3e-4, 1.5, gamma), 0.01, 3e-4, 1.5
        profits = []
        for size in np.linspace(100, 5000, 50):
            moved, cost = 0.0, 0.0
            for trade in (size, size, -size, -size):
                cost += moved * trade + spread * size + scale * size**k
                moved += gamma * trade
            profits.append(-cost)
        assert ("round_trip" in codes(law)) == (max(profits) > 0), gamma


def test_a_linear_cost_is_outweighed_at_every_size():
    (linear,) = letter_admits(at(0.01, 1.0, 1e-6, spread=0.0), 100, 1000)
    assert (linear.code, "at every size" in linear.message) == ("nonconvex", True)
