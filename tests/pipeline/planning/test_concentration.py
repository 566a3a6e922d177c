"""A plan that is one trade, or mostly one period, says so and why; a cap says what fits it."""

import numpy as np
import pytest

from pipeline.engine.errors import InputError
from pipeline.planning.allocate import order_plan
from pipeline.planning.concentration import MOST, concentrated
from pipeline.planning.order import check_capacity
from pipeline.planning.plan import spread_evenly
from solver import PowerLaw, Problem, solve
from tests.pipeline.planning.test_spread import of_file, order_of

N = 30


def problem(**asked: object) -> Problem:
    base = {"shares": 6000, "law": PowerLaw(np.full(N, 1e-3), 1.6), "price": 50.0, "lot": 100.0}
    return Problem(**(base | {"own_impact": "half"} | asked))


def periods(count: int = N) -> list:
    told = of_file().symbols["SIM0"].periods
    return [told[min(at, len(told) - 1)] for at in range(count)]


def notes(stated: Problem) -> list[tuple[str, str]]:
    x, twap = solve(stated, integer=True).x, spread_evenly(stated, np.ones(stated.n))
    found = concentrated(stated, x, twap, periods(stated.n))
    assert bool(found) == (x.max() > MOST * x.sum())
    return found


def test_an_even_plan_says_nothing() -> None:
    assert notes(problem()) == []


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"law": PowerLaw(np.linspace(2, 1, N), 1.0)}, "one_trade", "at k = 1 a large trade costs"),
        ({"sigma": 0.5, "risk_aversion": 1e-4}, "concentrated", "its risk aversion, 0.0001"),
        ({"drift": 0.03}, "concentrated", "the drift as given"),
        ({"permanent": 1e-2, "own_impact": "none"}, "one_trade", "escapes its own permanent"),
        ({"law": PowerLaw(np.append(np.full(N - 1, 1.0), 0.2), 1.6)}, "concentrated", "forecast"),
        ({"lot": 6000.0}, "one_trade", "it is 1 lot of 6,000"),
        ({"cap": np.append(np.full(N - 1, 100.0), 5900.0)}, "concentrated", "even TWAP holds 52%"),
    ],
)
def test_the_reason_is_the_one_without_which_it_would_spread(
    change: dict, code: str, said: str
) -> None:
    ((found, message),) = notes(problem(**change))
    assert found == code
    assert said in message


def test_a_short_window_is_the_reason_itself() -> None:
    short = problem(law=PowerLaw(np.full(2, 1e-3), 1.6))
    assert "it may trade in 2 periods alone" in notes(short)[0][1]


def test_an_order_of_a_linear_law_asked_to_the_point_says_that_it_is_one_trade() -> None:
    params = of_file(k=1.0)
    order = order_of(shares=200, plan="point", max_participation=1.0)
    codes = dict(order_plan(params, "SIM0", order).warnings)
    assert {"one_trade", "concentrated"} & set(codes)
    assert "at k = 1" in codes.get("one_trade", codes.get("concentrated", ""))


def test_a_cap_too_small_says_how_many_shares_fit_and_what_share_was_asked() -> None:
    volume = np.full(390, 1000.0)
    order = order_of(shares=3900, max_participation=0.001)
    with pytest.raises(InputError) as refused:
        check_capacity("S", order, volume)
    said = str(refused.value)
    assert "390 fit into 0.1% of the forecast volume of 390 periods" in said
    assert "of which the order is 1%" in said
    assert len(said) <= 300
