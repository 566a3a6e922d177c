"""Learned cost curves: one interface, shapes that hold, skill where there is something to learn."""

import numpy as np
import pytest

from models.learners import LEARNERS, CausalTable, FittedCurve, LearnerSettings, fit_curve
from models.losses import gamma_deviance
from models.simulation.cost_cells import CellWorld, draw_cells, true_cost
from tests.models.learners.cell_worlds import law_of, rows_of, split

QUICK = LearnerSettings(trees=60, tries=1, folds=2)
WORLD = {"days": 8, "periods": 65}


def fitted(truth: str, learner: str, shuffled: bool = False) -> tuple[FittedCurve, object]:
    early, late = split(draw_cells(CellWorld(truth=truth, **WORLD), seed=4), 6)
    if shuffled:
        order = np.random.default_rng(0).permutation(len(early.cost))
        early.cost[:] = early.cost[order]
    return fit_curve(learner, rows_of(early), law_of(early), QUICK), late


@pytest.mark.parametrize("learner", LEARNERS)
def test_curves_start_at_zero_and_never_fall(learner: str) -> None:
    curve, late = fitted("cliff", learner)
    states = np.vstack([late.states[::7], 3 * late.states[:3]])  # and far from what was seen
    sizes = np.append(0.0, np.geomspace(1.0, 1e6, 300))
    cost = curve.curve(states, sizes)
    assert (cost[:, 0] == 0).all()
    assert (cost[:, 1:] > 0).all()
    assert (np.diff(cost, axis=1) >= -1e-12 * cost[:, 1:]).all()
    last = curve.knots[-1]
    beyond = curve.curve(states, np.array([last, 30 * last]))
    law = curve.law.at(states)
    growth = law.cost(np.array([30 * last])) / law.cost(np.array([last]))
    np.testing.assert_allclose(beyond[:, 1] / beyond[:, 0], growth)


@pytest.mark.parametrize("learner", ["histogram", "lightgbm", "hybrid", "spline"])
def test_what_the_law_lacks_is_learned(learner: str) -> None:
    world = CellWorld(truth="state_k", days=24, periods=130)
    early, late = split(draw_cells(world, seed=4), 20)
    sizes, settings = np.array(world.sizes), LearnerSettings(tries=2, folds=2)
    true = true_cost("state_k", late.states, sizes)
    miss, of_law = (
        np.mean(
            np.log(
                fit_curve(name, rows_of(early), law_of(early), settings).curve(late.states, sizes)
                / true
            )
            ** 2
        )
        for name in (learner, "law")
    )
    assert miss < (0.5 if learner == "hybrid" else 0.9) * of_law


def test_where_the_law_is_the_truth_nothing_is_corrected_without_proof() -> None:
    curve, late = fitted("law", "hybrid")
    law, _ = fitted("law", "law")
    sizes = np.array(late.world.sizes)
    off = np.log(curve.curve(late.states, sizes) / law.curve(late.states, sizes))
    assert np.abs(off).mean() < 0.05


@pytest.mark.parametrize("learner", ["histogram", "lightgbm", "hybrid", "spline"])
def test_placebo_targets_give_no_skill(learner: str) -> None:
    """Costs of other periods: states say nothing of them, sizes still do."""
    curve, late = fitted("interaction", learner, shuffled=True)
    early, _ = split(draw_cells(CellWorld(truth="interaction", **WORLD), seed=4), 6)
    sizes = np.array(late.world.sizes)
    usual = np.broadcast_to(early.cost.mean(axis=0), late.cost.shape)
    told = curve.curve(late.states, sizes)
    order = np.random.default_rng(1).permutation(len(late.cost))
    gain = gamma_deviance(late.cost[order], usual) - gamma_deviance(late.cost[order], told)
    assert gain.mean() < 2 * gain.std() / len(gain) ** 0.5


@pytest.mark.parametrize("feature", range(5))
def test_a_feature_from_the_next_period_is_refused(feature: int) -> None:
    table = rows_of(draw_cells(CellWorld(days=2, periods=20), seed=0)).states
    values, known, step = table.values.copy(), table.known.copy(), 7
    values[:-step, feature], known[:-step, feature] = values[step:, feature], known[step:, feature]
    with pytest.raises(ValueError, match=f"feature {table.names[feature]}.*future"):
        CausalTable(table.names, values, known, table.start)


def test_tuning_sees_training_rows_alone() -> None:
    cells = draw_cells(CellWorld(**WORLD), seed=2)
    early, late = split(cells, 6)
    first = fit_curve("lightgbm", rows_of(early), law_of(early), QUICK)
    late.cost[:] *= 50
    again = fit_curve("lightgbm", rows_of(split(cells, 6)[0]), law_of(early), QUICK)
    sizes = np.array(cells.world.sizes)
    np.testing.assert_array_equal(first.curve(late.states, sizes), again.curve(late.states, sizes))
