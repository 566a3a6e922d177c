"""Plans held against each other at their extremes: caps, proofs, what is too large to be told."""

import json

import numpy as np
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import Params
from pipeline.planning.order import check_capacity
from pipeline.planning.plan import spread_evenly
from pipeline.planning.schedule import plan_order
from solver import PowerLaw, Problem, ProblemError, Settings, Status, solve
from tests.pipeline.malformed.orders import whole_file


def of_file(**law: float) -> Params:
    content = json.loads(whole_file())
    content["symbols"]["SIM0"]["law"] |= law
    return Params.model_validate(content)


def order_of(**asked: object):
    return load_config(None, {"allocate": asked}).allocate


@pytest.mark.parametrize("seed", range(30))
def test_twap_and_vwap_keep_their_caps_in_whole_lots(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, lot = int(rng.integers(1, 40)), float(rng.choice([1.0, 7.0, 100.0]))
    cap = rng.integers(0, 6, n) * lot
    cap[0] += lot
    shares = lot * rng.integers(1, cap.sum() // lot + 1)
    stated = Problem(shares=shares, law=PowerLaw(np.full(n, 1.0), 1.5), cap=cap, lot=lot)
    for weight in (np.ones(n), rng.uniform(1e-3, 1e3, n)):
        x = spread_evenly(stated, weight)
        assert x.sum() == shares
        assert (x <= cap).all()
        assert (np.rint(x / lot) * lot == x).all()


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dear", [1e8, 1e13, 1e20])
def test_a_period_beyond_all_price_hides_no_better_plan(dear: float, compiled: bool) -> None:
    scale = np.array([1.0, 1.2, dear, 0.9, 1.1])
    problem = Problem(shares=200, law=PowerLaw(scale, 1.5), risk_aversion=1e-3, sigma=1.0)
    settings = Settings(compiled=compiled)
    found = solve(problem, integer=True, settings=settings)
    exact = solve(problem, method="dp", integer=True, settings=settings)
    assert found.status is Status.OPTIMAL
    assert found.x.tolist() == exact.x.tolist()


def test_what_rounding_hides_is_not_proved() -> None:
    problem = Problem(
        shares=100, law=PowerLaw(np.array([1.0, 1.1, 0.9]), 1.5), permanent=1e30, lot=1.0
    )
    found = solve(problem, method="dp", integer=True)
    assert found.status is Status.FEASIBLE
    assert found.gap > 0


@pytest.mark.parametrize(
    "term",
    [
        {"permanent": 1e100},
        {"drift": 1e308},
        {"sigma": 1e308, "risk_aversion": 1e300},
        {"law": PowerLaw(1e300, 2.0)},
        {"law": PowerLaw(1.0, 2.0, 1e308)},
        {"price": 1e300},
    ],
)
def test_terms_that_would_overflow_are_refused(term: dict[str, object]) -> None:
    fields = {"shares": 1000.0, "law": PowerLaw(1.0, 2.0), "periods": 3} | term
    with pytest.raises(ProblemError, match="check its unit"):
        Problem(**fields)


def test_the_limit_of_a_table_counts_the_trades_of_a_single_period() -> None:
    problem = Problem(shares=3e8, law=PowerLaw(1.0, 1.5), periods=1)
    with pytest.raises(ProblemError, match="use a larger lot"):
        solve(problem, method="dp", integer=True)
    assert solve(problem, integer=True).x.tolist() == [3e8]


def test_a_continuous_search_is_never_dearer_than_whole_lots() -> None:
    order = order_of(shares=25_000, lot=100, own_impact="none", plan="point")
    for k, gamma in ((0.5, 2e-7), (0.99, 1e-3), (1.6, 5e-3), (2.7, 1e-4)):
        costs = plan_order(of_file(k=k, gamma=gamma), "SIM0", order).costs.set_index("method")
        total = costs["cost"] + costs["risk"]
        gross = costs[["spread", "temporary", "permanent"]].abs().sum(axis=1)
        assert total["nlp"] <= total.min() + 1e-9 * gross["nlp"]


def test_capacity_is_told_from_the_forecast_alone() -> None:
    volume = np.array([100.0, 50.0, 3.0])
    check_capacity("S", order_of(shares=30, max_participation=0.2), volume)
    with pytest.raises(InputError, match=r"symbol S: shares 31: .* 30 fit into 20%"):
        check_capacity("S", order_of(shares=31, max_participation=0.2), volume)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("law", "gamma", 1e31),
        ("law", "beta", float("inf")),
        ("reference", "price", 1e300),
        ("reference", "volatility", 1e-300),
    ],
)
def test_numbers_beyond_any_market_are_refused_with_their_key(
    part: str, name: str, value: float, tmp_path
) -> None:
    from pipeline.parameters.schema import read_params

    content = json.loads(whole_file())
    content["symbols"]["SIM0"][part][name] = value
    (tmp_path / "params.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"symbols\.SIM0\.{part}\.{name}: Input should be"):
        read_params(str(tmp_path / "params.json"))
