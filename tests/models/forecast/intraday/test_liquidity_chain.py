"""The chain keeps the moments of the process it stands for, and the adaptive allocator takes it."""

import numpy as np
import pytest

from models.forecast.intraday.dynamics import Dynamics
from models.forecast.intraday.liquidity_chain import discretise_liquidity
from solver import LiquidityChain


@pytest.mark.parametrize("phi", [0.0, 0.6, 0.97])
def test_mean_variance_and_autocorrelation_are_those_of_the_process(phi: float):
    chain = discretise_liquidity(Dynamics(phi, 0.09, 0.3), 7, 0.09)
    weight, level = chain.stationary, chain.deviation
    np.testing.assert_allclose(chain.transition.sum(axis=1), 1.0)
    np.testing.assert_allclose(weight @ chain.transition, weight, atol=1e-12)
    assert weight @ level == pytest.approx(0.0, abs=1e-12)
    assert weight @ level**2 == pytest.approx(0.09)
    np.testing.assert_allclose(chain.transition @ level, phi * level, atol=1e-12)


def test_what_is_known_now_narrows_the_first_state():
    dynamics = Dynamics(0.97, 0.09, 0.3)
    open_, sure = (
        discretise_liquidity(dynamics, 5, variance).initial for variance in (0.09, 0.001)
    )
    np.testing.assert_allclose([open_.sum(), sure.sum()], 1.0)
    np.testing.assert_allclose(open_, open_[::-1])
    assert sure[2] > 0.99 > open_[2]


def test_the_solver_accepts_it():
    chain = discretise_liquidity(Dynamics(0.9, 0.2, 0.3), 3, 0.2)
    levels = np.exp(-chain.deviation)
    assert LiquidityChain(levels, chain.transition).expected(1, 3).shape == (3,)
