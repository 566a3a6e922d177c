"""The law is written once: change it in `solver`, and every consumer moves with it.

The expected values are literal formulas of their own.
"""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.impact.book.cost_law import Family, fit_law
from models.simulation.market import MarketConfig, simulate_truth
from pipeline.parameters.schema import SCHEMA, SymbolParams
from pipeline.planning.schedule import plan_order
from solver import ImpactLaw
from tests.models.impact.books import Truth, planted
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
TRIPLED = 3.0


@pytest.fixture
def section(small_run: SmallRun) -> SymbolParams:
    return small_run.result.results.params.symbols["SIM0"]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the law's scale be three times what it says."""
    scale = ImpactLaw.scale.fget
    monkeypatch.setattr(ImpactLaw, "scale", property(lambda law: TRIPLED * scale(law)))


def above_spread(section: SymbolParams, period: int, x: float) -> float:
    """alpha x^k (1 + beta v) L, read off the file."""
    law, one = section.law, section.periods[period]
    return one.alpha * x**law.k * (1 + law.beta * one.volatility) * one.liquidity


def registered_cost(section: SymbolParams, period: int, x: float) -> float:
    from pipeline.parameters.registered_law import CalibratedLaw

    model = CalibratedLaw()
    model.read({"schema": SCHEMA} | section.model_dump(by_alias=True))
    asked = pd.DataFrame({"period": [period], "shares": [x]})
    return float(model.predict(SimpleNamespace(), asked)[0])


def twap_costs(small_run: SmallRun, section: SymbolParams) -> tuple[float, float]:
    """Temporary cost of TWAP as the schedule, and so the report, states it, and by the formula."""
    asked = small_run.config.allocate.model_copy(update={"slices": 1, "plan": "point"})
    plan = plan_order(small_run.result.results.params, "SIM0", asked)
    x = plan.plan["twap"].to_numpy()
    stated = plan.costs.set_index("method").loc["twap", "temporary"]
    return float(stated), sum(above_spread(section, i, size) for i, size in enumerate(x))


def test_as_it_stands_everyone_agrees(small_run: SmallRun, section: SymbolParams) -> None:
    stated, expected = twap_costs(small_run, section)
    assert stated == pytest.approx(expected, rel=1e-12)
    spread = section.periods[7].spread * 500
    assert registered_cost(section, 7, 500) == pytest.approx(
        spread + above_spread(section, 7, 500), rel=1e-12
    )


@pytest.mark.usefixtures("changed")
def test_the_plan_and_the_report_move(small_run: SmallRun, section: SymbolParams) -> None:
    stated, expected = twap_costs(small_run, section)
    assert stated == pytest.approx(TRIPLED * expected, rel=1e-12)


@pytest.mark.usefixtures("changed")
def test_the_registered_model_moves(section: SymbolParams) -> None:
    spread = section.periods[7].spread * 500
    assert registered_cost(section, 7, 500) == pytest.approx(
        spread + TRIPLED * above_spread(section, 7, 500), rel=1e-12
    )


def test_the_fit_moves(request: pytest.FixtureRequest) -> None:
    cells = planted(Truth(days=5), 0)
    before = fit_law(cells, Family.SPREAD_POWER, 2)
    request.getfixturevalue("changed")
    after = fit_law(cells, Family.SPREAD_POWER, 2)
    np.testing.assert_allclose(after.alpha, before.alpha / TRIPLED, rtol=1e-9)
    assert (after.k, after.beta) == pytest.approx((before.k, before.beta), rel=1e-9)


def test_the_simulator_moves(request: pytest.FixtureRequest) -> None:
    config = MarketConfig(symbols=1, seed=1, periods=(30,))
    before = simulate_truth(config, 0)
    request.getfixturevalue("changed")
    after = simulate_truth(config, 0)
    np.testing.assert_allclose(after.days[0].scale, TRIPLED * before.days[0].scale, rtol=1e-12)


def test_marginal_cost_is_the_derivative_of_cost() -> None:
    law = ImpactLaw(
        alpha=2e-4, k=1.6, beta=0.5, gamma=1e-6, spread=0.01, volatility=1.2, liquidity=0.8
    )
    x, step = np.array([10.0, 500.0, 20_000.0]), 1e-3
    slope = (law.cost(x + step) - law.cost(x - step)) / (2 * step)
    np.testing.assert_allclose(law.marginal_cost(x), slope, rtol=1e-6)
    np.testing.assert_allclose(law.price_move(x), 1e-6 * x)
    literal = 0.01 * x + 2e-4 * x**1.6 * (1 + 0.5 * 1.2) * 0.8
    np.testing.assert_allclose(law.cost(x), literal, rtol=1e-14)
