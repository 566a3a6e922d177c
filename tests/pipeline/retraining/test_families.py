"""Challengers' regret from night to night, and what the guards say of files that differ."""

from dataclasses import replace

import numpy as np
import pytest

from models.gate import LEVEL, Drift
from pipeline.engine.findings import Finding, finding_table
from pipeline.parameters.schema import Params
from pipeline.retraining.distance import distance, log_costs
from pipeline.retraining.families import RIVALS, forms_in, forms_of, looks_of, series_of
from pipeline.retraining.guards import (
    StateDrift,
    admissible,
    covered,
    doubts_of,
    drifted,
    undoubted,
)
from pipeline.retraining.nights import Charged, Form, Night
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
OWN = {"SIM0": Form(law="spread_power")}
OTHER = {"SIM0": Form(law="spread_sqrt")}


@pytest.fixture
def params(small_run: SmallRun) -> Params:
    return small_run.result.results.params


def night(number: int, charged: Charged | None, forms: dict[str, Form] = OWN) -> Night:
    return Night(
        date=f"2025-01-{number:02d}",
        session=f"2025-01-{number + 1:02d}",
        since={},
        made="",
        inputs="",
        run_id=f"run-{number}",
        before="a",
        in_force=f"run-{number}",
        outcome="promoted",
        why="",
        forms=forms,
        checks=(),
        looks=(),
        charged=charged,
    )


def charged(number: int, **rivals: float) -> Charged:
    costs = {"twap": 2.0, "candidate": 1.5, "champion": 1.6, "in_force": 1.5}
    return Charged(date=f"2025-01-{number:02d}", rivals=rivals, **costs)


def test_a_series_runs_while_the_family_in_force_stays() -> None:
    nights = [night(1, None), night(2, charged(2, hybrid=1.4)), night(3, charged(3, hybrid=1.3))]
    today = charged(4, hybrid=1.2, spline=1.5)
    found = series_of(nights, today, OWN)
    assert found["hybrid"] == pytest.approx([-0.1, -0.2, -0.3])
    assert found["spline"] == pytest.approx([0.0])
    # on days 2 and 3 another family was in force: night 2 brought in this one
    changed = [night(1, None, OTHER), night(2, charged(2, hybrid=1.4), OWN), *nights[2:]]
    assert series_of(changed, today, OWN)["hybrid"] == pytest.approx([-0.2, -0.3])
    assert series_of(nights, None, OWN)["hybrid"] == pytest.approx([-0.1, -0.2])
    assert series_of([], None, OWN) == {}


def test_a_challenger_is_shown_to_be_better_at_the_fifth_look_at_the_earliest() -> None:
    gains = [0.1, 0.11, 0.09, 0.1, 0.105]
    days = [charged(2 + place, hybrid=1.5 - gain) for place, gain in enumerate(gains)]
    nights = [night(1, None), *(night(2 + place, day) for place, day in enumerate(days[:-1]))]
    (look,) = looks_of(nights, days[-1], OWN)
    assert look.passes
    assert look.threshold == pytest.approx(LEVEL / RIVALS)
    assert not looks_of(nights, None, OWN)[0].passes  # four nights
    dear = [
        night(1, None),
        *(night(2 + place, charged(2 + place, hybrid=1.6)) for place in range(8)),
    ]
    assert not looks_of(dear, charged(10, hybrid=1.6), OWN)[0].passes


def test_behind_the_last_look_a_challenger_starts_anew() -> None:
    draw = np.random.default_rng(0)
    noise = [charged(2, hybrid=1.5 + 0.1 * each) for each in draw.standard_normal(30)]
    better = [charged(2, hybrid=1.4 + 0.001 * each) for each in draw.standard_normal(6)]
    days = [*noise, *better]
    nights = [night(1, None), *(night(2, day) for day in days[:-1])]
    assert looks_of(nights, days[-1], OWN)[0].passes  # six nights since, all better


def test_families_are_as_the_night_asked_for_them(params: Params) -> None:
    plain = forms_in(params)
    assert all(not form.learner for form in plain.values())
    name = next(iter(plain))
    asked = {name: Form(law="spread_power", learner="hybrid")}
    known = night(1, None, asked).model_copy(update={"in_force": params.run_id})
    assert forms_of(params, [known])[name].learner == "hybrid"  # though its curve left no trace
    assert forms_of(params, []) == plain


def with_law(params: Params, **law: float) -> Params:
    symbols = {
        name: one.model_copy(update={"law": one.law.model_copy(update=law)})
        for name, one in params.symbols.items()
    }
    return params.model_copy(update={"symbols": symbols})


def test_distance_is_of_costs_and_not_of_parameters(params: Params) -> None:
    """A beta at its bound is held against a small one by what the two laws charge."""
    name, one = next(iter(params.symbols.items()))
    alone = params.model_copy(update={"symbols": {name: one}})
    beta = 50.0
    same = (1 + one.law.beta) / (1 + beta)  # the cost at the usual state stays what it is
    periods = tuple(each.model_copy(update={"alpha": each.alpha * same}) for each in one.periods)
    moved = with_law(alone, beta=beta).symbols[name].model_copy(update={"periods": periods})
    found = distance(alone, alone.model_copy(update={"symbols": {name: moved}}))
    assert found.p > 0.99
    assert abs(found.log_gap) < 1e-9
    dearer = tuple(each.model_copy(update={"alpha": 2 * each.alpha}) for each in one.periods)
    twice = one.model_copy(update={"periods": dearer})
    found = distance(alone, alone.model_copy(update={"symbols": {name: twice}}))
    assert found.log_gap == pytest.approx(-np.log(2))


def test_errors_of_log_costs_are_those_of_the_parameters(params: Params) -> None:
    """The slopes are the costs' derivatives: each parameter is moved by a small step."""
    one = next(iter(params.symbols.values()))
    sizes, step = np.array([100.0, 1000.0]), 1e-6
    usual = one.reference.model_copy(
        update={
            "volatility": 1.3 * one.reference.volatility,
            "volume_shares": 0.7 * one.reference.volume_shares,
        }
    )
    names = list(one.covariance.names)
    unit = np.zeros((len(names), len(names)))
    for name, moved in (
        ("k", one.law.model_copy(update={"k": one.law.k + step})),
        ("beta", one.law.model_copy(update={"beta": one.law.beta + step})),
        ("theta", one.law.model_copy(update={"theta": one.law.theta + step})),
    ):
        place = names.index(name)
        unit[:] = 0.0
        unit[place, place] = 1.0
        matrix = one.covariance.model_copy(update={"matrix": tuple(map(tuple, unit))})
        cost, spread = log_costs(one.model_copy(update={"covariance": matrix}), sizes, usual)
        after, _ = log_costs(one.model_copy(update={"law": moved}), sizes, usual)
        slope = (after - cost) / step
        np.testing.assert_allclose(spread, np.outer(slope, slope), rtol=1e-4, atol=1e-8)


def test_laws_that_may_not_be_are_held_back(params: Params) -> None:
    assert admissible(params, None).passes
    for law in ({"k": 0.9}, {"gamma": -1e-6}):
        wrong = with_law(params, **law)
        assert not admissible(wrong, params).passes
        assert admissible(wrong, wrong).passes  # so is what is in force


def test_intervals_that_hold_too_little_are_held_back() -> None:
    assert covered(None).passes
    assert covered(0.9).passes
    assert not covered(0.5).passes
    assert drifted([], again=False).passes


def test_a_day_whose_tape_is_doubted_as_days_before_were_not(small_run: SmallRun) -> None:
    report, dates = small_run.result.results.symbols[0], ("2025-01-06", "2025-01-07", "2025-01-08")

    def found(*rows: tuple[str, str]) -> dict[str, str]:
        table = finding_table(Finding(code, date, 0, 0, 7, "") for code, date in rows)
        return doubts_of([replace(report, findings=table)], dates[-1])

    assert found() == {}
    assert found(("implausible_price", dates[0])) == {}  # of a day before
    assert found(("day_unlike_others", dates[2])) == {}  # which the states' drift tells
    for code in ("implausible_price", "frozen_quote", "quotes_missing"):
        doubts = found((code, dates[2]))
        assert list(doubts) == [report.symbol]
    assert not undoubted(doubts).passes
    assert undoubted({}).passes
    usual = [("tape_gap", date) for date in dates]
    assert found(*usual) == {}


def test_states_that_drift_hold_back_one_night() -> None:
    calm = StateDrift("SIM0", "depth", Drift(0.1, 0.2, 0.15, 1.0, rises=False))
    apart = StateDrift("SIM0", "volume", Drift(0.6, 0.5, 0.15, 8.0, rises=False))
    usual = StateDrift("SIM0", "spread", Drift(0.6, 0.5, 0.45, 1.0, rises=True))  # as days differ
    assert drifted([calm, usual], again=False).passes
    found = drifted([calm, apart], again=False)
    assert not found.passes
    assert "volume falls" in found.words
    assert drifted([calm, apart], again=True).passes
