"""The states that the law is fitted to, through the history of a run."""

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.tables import Forecast
from pipeline.stages.calibration.calibrated_states import calibrated_states
from pipeline.stages.history import past_cells, past_periods, past_states
from tests.pipeline.stages.cell_markets import CellMarket, World, cell_market
from tests.pipeline.stages.held_laws import law_held

MARKETS = 10


def told(states: pd.DataFrame) -> Forecast:
    return Forecast(states, *[pd.DataFrame()] * 8)


def history(market: CellMarket, states: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells of a market and its past periods with these states."""
    cells = past_cells(market.days, told(states), market.scope)
    return cells, past_states(past_periods(market.days, market.scope), told(states), cells)


def test_theta_on_noisy_predictions_is_that_of_the_states_as_they_were() -> None:
    """Predictions with an error beside them would make it half as large."""
    apart = []
    for seed in range(MARKETS):
        market = cell_market(World(days=4, level=0.03), seed)
        states = market.states()
        rng = np.random.default_rng(seed)
        noisy = states.assign(volume=states["volume"] * np.exp(0.4 * rng.normal(size=len(states))))
        theta = [
            law_held(market, told(each)).set_index("name").loc["theta", "off"]
            for each in (noisy, states)
        ]
        apart.append((theta[0] - theta[1]) / market.world.theta)
    chance = 3 * np.std(apart) / np.sqrt(MARKETS)
    assert np.mean(apart) == pytest.approx(0.0, abs=0.05 + chance)
    assert chance < 0.2


def test_one_day_leaves_its_states_and_says_so() -> None:
    market = cell_market(World(days=1), 0)
    cells, states = history(market, market.states())
    found = calibrated_states(states)
    assert found.moved(cells) is cells
    assert [caveat.code for caveat in found.caveats] == ["states_as_predicted"]
    assert np.isnan(list(found.facts.values())).all()


def test_slopes_are_told_and_rows_stay_in_place() -> None:
    market = cell_market(World(days=3), 1)
    cells, states = history(market, market.states())
    found = calibrated_states(states)
    assert not found.caveats
    moved = found.moved(cells)
    same = ["date", "period", "side", "size", "excess"]
    pd.testing.assert_frame_equal(moved[same], cells[same])
    for place, name in enumerate(("volatility_moved", "volume_moved")):
        assert found.facts[name] == found.slopes.slopes[place, place]
        assert found.facts[name] == pytest.approx(1.0, abs=4 * found.facts[f"{name}_error"])
    ratio = moved["volatility"] / cells["volatility"]
    assert ratio.groupby([cells["date"], cells["period"]]).nunique().max() == 1
