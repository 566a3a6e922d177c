"""Files of the same market lie no farther apart than their errors, whatever is usual in each."""

import numpy as np
import pytest
from scipy import stats

from pipeline.parameters.schema import Params
from pipeline.retraining.distance import distance
from pipeline.retraining.gate import ALARM
from tests.pipeline.retraining.market_laws import file_of
from tests.pipeline.stages.cell_markets import World, cell_market

MARKETS, DAYS, LATER = 24, 2, 4


def in_other_units(params: Params, volatility: float, volume: float) -> Params:
    """Return the same law where so many times the state was usual."""
    one = params.symbols["A"]
    level, law = one.reference, one.law
    (period,) = one.periods
    usual = {
        "volatility": volatility * level.volatility,
        "volume_shares": volume * level.volume_shares,
    }
    alpha = volume**-law.theta * period.alpha
    told = {
        "reference": level.model_copy(update=usual),
        "law": law.model_copy(update={"beta": volatility * law.beta}),
        "periods": (period.model_copy(update={"alpha": alpha}),),
    }
    return params.model_copy(update={"symbols": {"A": one.model_copy(update=told)}})


def test_a_law_told_in_another_usual_state_is_the_same_law() -> None:
    market = cell_market(World(days=DAYS), 0)
    params = file_of(market, market.states(), DAYS)
    found = distance(in_other_units(params, 1.25, 0.8), params)
    assert abs(found.log_gap) < 1e-9
    assert found.p == pytest.approx(1.0)


def test_days_that_are_few_set_off_no_alarm_by_chance() -> None:
    """Days differ in level, exponent, volatility and volume; two nights pass between the files."""
    found = []
    for seed in range(MARKETS):
        market = cell_market(World(days=LATER), seed)
        states = market.predicted()
        early, late = (file_of(market, states, days) for days in (DAYS, LATER))
        found.append(distance(late, early).p)
    p = np.array(found)
    assert p.min() > ALARM
    assert stats.binomtest(int((p < 0.05).sum()), MARKETS, 0.05, "greater").pvalue > 0.05
