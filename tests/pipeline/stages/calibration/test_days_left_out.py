"""An estimate that one day makes says so; one that the days share does not."""

import numpy as np
import pandas as pd
import pytest

from models.inference.covariance import Covariance
from pipeline.stages.calibration.days_left_out import one_day_carries
from pipeline.stages.calibration.estimates import ExportedEstimates

NAMES = ("log_alpha_0", "k", "beta", "theta", "gamma")
VALUES = np.array([-8.0, 1.5, 0.5, 0.8, 5e-6])
ERRORS = np.array([0.05, 0.02, 0.1, 0.1, 1e-6])
SIZE = np.array([100.0, 1000.0])


def estimates() -> ExportedEstimates:
    covariance = Covariance(NAMES, np.diag(ERRORS**2))
    return ExportedEstimates(VALUES, covariance, ERRORS, (), (0.0, 1e-5), ())


def moves(days: int = 5, **of_third: float) -> pd.DataFrame:
    """Return small moves of all days, and the third day's own."""
    rng = np.random.default_rng(0)
    dates = [f"2025-01-{6 + day:02d}" for day in range(days)]
    frame = pd.DataFrame(0.1 * ERRORS * rng.normal(size=(days, 5)), columns=list(NAMES))
    frame.loc[2, list(of_third)] = list(of_third.values())
    return frame.assign(date=dates)


def test_days_that_share_the_estimates_say_nothing():
    assert not list(one_day_carries(moves(), estimates(), SIZE))


@pytest.mark.parametrize(
    ("name", "move", "said"),
    [
        ("gamma", 4e-6, "gamma moves by +80%, 4.0 standard errors"),
        ("beta", -0.4, "beta moves by -80%, 4.0 standard errors"),
        ("log_alpha_0", 0.5, "alpha moves by +65%"),
        ("k", 0.15, "k moves by +0.15, 7.5 standard errors"),
    ],
)
def test_a_day_that_makes_an_estimate_is_named(name, move, said):
    found = list(one_day_carries(moves(**{name: move}), estimates(), SIZE))
    assert {one.code for one in found} == {"one_day_carries"}
    assert any(f"without 2025-01-08 {said}" in one.message for one in found)


def test_a_move_that_matters_to_nobody_and_two_days_say_nothing():
    assert not list(one_day_carries(moves(gamma=0.5e-6), estimates(), SIZE))
    assert not list(one_day_carries(moves(gamma=4e-6).iloc[1:3], estimates(), SIZE))


def test_an_estimate_that_no_day_moves_says_nothing():
    still = moves().assign(k=0.0)  # fixed by the family
    assert not list(one_day_carries(still, estimates(), SIZE))
