"""What parameters tell of an order is what the solver makes of it, by the file in force."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.sessions import SECOND_NS
from pipeline.tca.order_rows import NO_TIME, OrderRows
from pipeline.tca.sample import SampleBook
from pipeline.tca.told import read_files, told_costs
from solver import OrderTerms, Uncertainty, cost_interval, evaluate, from_params, uncertainty_of
from tests.pipeline.tca.books import analysed, simulated

MINUTE = 60 * SECOND_NS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleBook, str, object]:
    book, request = simulated(tmp_path_factory.mktemp("told"))
    return book, request.params[0], request


def one_order(symbol: str, shares: float, start: int) -> OrderRows:
    orders = pd.DataFrame({"symbol": [symbol], "quantity": [shares], "start": [start]})
    return OrderRows(orders, pd.DataFrame(), pd.DataFrame(), {})


def test_an_even_pace_over_whole_periods_costs_what_the_solver_says(made: tuple) -> None:
    _, path, _ = made
    files = read_files((path,))
    params, start = files[0][1], files[0][2] + 30 * MINUTE
    content = params.model_dump(by_alias=True)
    told = told_costs(one_order("SIM0", 6000.0, start), np.array([start + 60 * MINUTE]), files)
    found = told.table.iloc[0]
    terms = OrderTerms(start="10:00", end="11:00", own_impact="half", max_participation=1.0)
    stated = from_params(content, "SIM0", 6000.0, terms)
    parts, unit = evaluate(stated, np.full(60, 100.0)), 1e4 / (6000.0 * stated.price)
    assert found["told_over_mid"] == pytest.approx(unit * (parts.spread + parts.temporary))
    assert found["told_permanent"] == pytest.approx(unit * parts.permanent)
    assert found["told_risk"] == pytest.approx(unit * np.sqrt(parts.variance))
    known: Uncertainty = uncertainty_of(content, "SIM0")
    interval = cost_interval(stated, np.full(60, 100.0), known)
    assert found["told_error"] == pytest.approx(unit * interval.error)
    law = params.symbols["SIM0"].law
    assert found["gamma"] == law.gamma
    assert found["gamma_error"] == pytest.approx(0.1 * law.gamma)


def test_each_order_is_told_by_the_latest_file_in_force(made: tuple) -> None:
    _, path, _ = made
    early = read_files((path,))[0]
    dear = early[1].symbols["SIM0"]
    law = dear.law.model_copy(update={"gamma": 2 * dear.law.gamma})
    symbols = early[1].symbols | {"SIM0": dear.model_copy(update={"law": law})}
    day = 24 * 60 * MINUTE
    later = ("later", early[1].model_copy(update={"symbols": symbols}), early[2] + day)
    for start, file, after in (
        (early[2] - day, 0, True),
        (early[2] + MINUTE, 0, False),
        (early[2] + day + MINUTE, 1, False),
    ):
        rows = one_order("SIM0", 100.0, start)
        found = told_costs(rows, np.array([start + MINUTE]), [early, later]).table.iloc[0]
        assert (found["file"], found["later"]) == (file, after)


def test_what_the_file_does_not_know_is_not_told(made: tuple) -> None:
    _, path, _ = made
    files = read_files((path,))
    start = files[0][2]
    unknown = told_costs(one_order("ABC", 100.0, start), np.array([start + MINUTE]), files)
    assert unknown.table.iloc[0].drop(["file", "later"]).isna().all()
    night = start - 5 * 60 * MINUTE
    closed = told_costs(one_order("SIM0", 100.0, night), np.array([night + MINUTE]), files)
    assert np.isnan(closed.table["told_over_mid"].iloc[0])
    nothing = told_costs(one_order("SIM0", 100.0, start), np.array([NO_TIME]), [])
    assert nothing.table["gamma"].isna().all()


def test_without_parameters_own_impact_is_in_the_drift_and_said(made: tuple) -> None:
    _, _, request = made
    told, blind = analysed(request), analysed(replace(request, params=()))
    one, other = told.sheet.orders, blind.sheet.orders
    assert (other["permanent_cost"] == 0).all()
    np.testing.assert_allclose(
        other["drift_cost"], one["drift_cost"] + one["permanent_cost"], rtol=1e-9, atol=1e-6
    )
    assert "no_own_impact" in {each.code for each in blind.caveats}
    assert blind.calibration == {}


def test_costs_over_mid_are_told_without_bias_where_the_file_is_right(tmp_path: Path) -> None:
    _, request = simulated(tmp_path, seed=8, symbols=4, days=10, orders=6)
    ratio = analysed(request).calibration["over_mid"].ratio
    # brokers, durations and half spreads are drawn: what is left is their draw
    assert ratio.value == pytest.approx(1.0, abs=0.1)
    assert ratio.error < 0.03
