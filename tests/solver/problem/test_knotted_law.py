"""Learned curves: through their knots, never falling, going on with the law's exponent."""

import numpy as np
import pytest

from solver import ImpactLaw, KnottedLaw, ProblemError, log_ratios

KNOTS = np.array([100.0, 250.0, 600.0, 2000.0])


def random_law(rng: np.random.Generator, periods: int) -> ImpactLaw:
    return ImpactLaw(
        alpha=rng.uniform(1e-4, 1e-2, periods),
        k=float(rng.uniform(0.6, 2.2)),
        spread=rng.uniform(0.0, 0.05, periods),
    )


@pytest.mark.parametrize("seed", range(20))
def test_whatever_was_learned_the_curve_rises_from_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    law = random_law(rng, 3)
    curve = KnottedLaw.rising(law, KNOTS, 2 * rng.standard_normal((3, 4)))
    sizes = np.append(0.0, np.geomspace(1.0, 1e6, 4000))
    cost = curve.cost(sizes)
    assert (cost[:, 0] == 0).all()
    assert (np.diff(cost, axis=1) >= -1e-12 * cost[:, 1:]).all()


def test_costs_at_knots_are_kept_where_they_rise() -> None:
    law = random_law(np.random.default_rng(1), 2)
    cost = np.array([[3.0, 9.0, 30.0, 200.0], [2.0, 7.0, 21.0, 90.0]])
    curve = KnottedLaw.rising(law, KNOTS, log_ratios(law, KNOTS, cost))
    np.testing.assert_allclose(curve.cost(KNOTS), cost)
    np.testing.assert_allclose(curve.temporary(KNOTS[[1, 3]]), [9.0, 90.0])


def test_outside_the_knots_it_goes_on_with_the_exponent() -> None:
    law = ImpactLaw(alpha=np.array([1e-3]), k=1.4)
    cost = np.array([[1.0, 4.0, 20.0, 90.0]])
    curve = KnottedLaw.rising(law, KNOTS, log_ratios(law, KNOTS, cost))
    far = np.array([2000.0, 4000.0, 20_000.0])
    np.testing.assert_allclose(curve.cost(far)[0], 90.0 * (far / 2000.0) ** 1.4)
    near = np.array([1.0, 50.0])
    np.testing.assert_allclose(curve.cost(near)[0], (near / 100.0) ** 1.4)


def test_without_a_correction_it_is_the_law() -> None:
    law = random_law(np.random.default_rng(2), 5)
    curve = KnottedLaw(law, KNOTS, np.zeros((5, 4)), children=3)
    sizes = np.array([0.0, 7.0, 333.0, 9e5])
    np.testing.assert_allclose(curve.cost(sizes), np.array([law.cost(x) for x in sizes]).T)
    table = curve.table(lot=50.0, most=7).table
    np.testing.assert_allclose(table, curve.cost(50.0 * np.arange(8)))


def test_children_have_the_ratio_of_their_own_size() -> None:
    law = ImpactLaw(alpha=np.array([1e-3]), k=1.5)
    ratio = np.array([[0.0, 0.1, 0.2, 0.4]])
    curve = KnottedLaw(law, KNOTS, ratio, children=2)
    expected = law.cost(1200.0) * np.exp(0.2)  # two of 600
    np.testing.assert_allclose(curve.cost(np.array([1200.0]))[0], expected)


@pytest.mark.parametrize(
    ("knots", "ratio"),
    [
        ([100.0, 100.0], [[0.0, 0.0]]),
        ([0.0, 100.0], [[0.0, 0.0]]),
        ([100.0, 200.0], [[0.0, np.nan]]),
        ([100.0, 200.0], [[0.0, -5.0]]),
        ([100.0, 200.0], [[0.0, 0.0, 0.0]]),
    ],
)
def test_refusals(knots: list[float], ratio: list[list[float]]) -> None:
    law = ImpactLaw(alpha=np.array([1e-3]), k=1.5)
    with pytest.raises(ProblemError, match=r"knots|log_ratio"):
        KnottedLaw(law, np.array(knots), np.array(ratio))
