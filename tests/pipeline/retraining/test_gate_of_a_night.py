"""The checks of a night, on parameter files that differ by known amounts."""

import pytest

from pipeline.parameters.schema import Params
from pipeline.retraining.breaks import Shift
from pipeline.retraining.distance import distance
from pipeline.retraining.gate import ALARM, Judged, breaks_at, checks_of
from pipeline.retraining.nights import Charged, Check, Night
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture
def params(small_run: SmallRun) -> Params:
    return small_run.result.results.params


def moved(params: Params, errors: float) -> Params:
    """Return the file with every symbol's k so many standard errors up."""
    symbols = {}
    for name, one in params.symbols.items():
        step = errors * float(one.standard_errors["k"] or 0.0)
        law = one.law.model_copy(update={"k": one.law.k + step})
        symbols[name] = one.model_copy(update={"law": law})
    return params.model_copy(update={"symbols": symbols})


def night(charged: Charged | None, far: bool = False, failed: str = "distance") -> Night:
    check = Check(name=failed, value=0.0, threshold=ALARM, passes=not far, words="")
    return Night(
        date="2025-01-07",
        session="2025-01-08",
        since={},
        made="",
        inputs="",
        run_id="b",
        before="a",
        in_force="a",
        outcome="kept",
        why="",
        forms={},
        checks=(check,),
        looks=(),
        charged=charged,
    )


def said(checks: tuple[Check, ...]) -> dict[str, bool]:
    return {check.name: check.passes for check in checks}


def test_the_first_night_passes_everything(params: Params) -> None:
    assert all(said(checks_of(params, Judged(None, None, [], None))).values())


def test_a_law_far_away_is_held_back_one_night(params: Params) -> None:
    assert distance(params, params).p == 1.0
    assert distance(moved(params, 1.0), params).p > ALARM
    far = moved(params, 30.0)
    assert distance(far, params).p < ALARM
    assert not said(checks_of(far, Judged(params, params, [], None)))["distance"]
    again = moved(params, 30.5)
    agreeing = checks_of(again, Judged(params, far, [night(None, far=True)], None))
    assert said(agreeing)["distance"]
    elsewhere = checks_of(moved(params, 90.0), Judged(params, far, [night(None, far=True)], None))
    assert not said(elsewhere)["distance"]
    calm = checks_of(again, Judged(params, far, [night(None, far=False)], None))
    assert not said(calm)["distance"]  # last night was no alarm


def test_a_history_that_has_just_begun_sets_off_no_alarm(params: Params) -> None:
    far = moved(params, 30.0)
    young = night(None).model_copy(update={"since": dict.fromkeys(params.symbols, "2025-01-06")})
    later = [young.model_copy(update={"date": f"2025-01-{day:02d}"}) for day in range(7, 13)]
    assert said(checks_of(far, Judged(params, params, later[:3], None)))["distance"]
    assert not said(checks_of(far, Judged(params, params, later, None)))["distance"]
    one = night(None).model_copy(update={"since": {"SIM1": "2025-01-06"}})
    assert not said(checks_of(far, Judged(params, params, [one], None)))["distance"]


def test_days_that_charge_more_hold_a_refit_back(params: Params) -> None:
    def day(number: int, gap: float) -> Charged:
        costs = {"candidate": 1.5 + gap, "champion": 1.5, "in_force": 1.5}
        return Charged(date=f"2025-01-{number:02d}", twap=2.0, rivals={}, **costs)

    small = [night(day(number, 0.001 * (-1) ** number)) for number in range(6)]
    assert all(said(checks_of(params, Judged(params, params, small, day(9, 0.0)))).values())
    dear = [night(day(number, 0.1 + 0.001 * number)) for number in range(6)]
    assert not said(checks_of(params, Judged(params, params, dear, day(9, 0.1))))["refresh"]
    once = said(checks_of(params, Judged(params, params, small, day(9, 0.21))))
    assert not once["margin"]
    assert said(checks_of(params, Judged(params, params, small, day(9, 0.19))))["margin"]


def test_a_day_apart_is_held_back_and_a_second_one_begins_the_history(params: Params) -> None:
    calm = Shift("SIM0", "k", last=0.01, before=0.0, deviations=2.0)
    apart = Shift("SIM0", "k", last=0.12, before=0.0, deviations=30.0)
    small = Shift("SIM0", "level", last=0.12, before=0.0, deviations=30.0)
    lasting = Shift("SIM0", "k", last=0.11, before=0.12, deviations=30.0)
    for shifts, passes in (([calm], True), ([calm, apart], False), ([small], True)):
        found = said(checks_of(params, Judged(params, params, [], None, shifts)))
        assert found["break"] == passes
    alarmed = [night(None, far=True, failed="break")]
    for failed in ("break", "drift"):
        held = [night(None, far=True, failed=failed)]
        other = Shift("SIM1", "k", last=0.01, before=0.0, deviations=2.0)
        assert breaks_at(held, [calm, lasting, other]) == {"SIM0": "2025-01-07"}
        assert not breaks_at(held, [calm, apart])  # the day before is one of the others
    assert not breaks_at([night(None, far=False, failed="break")], [lasting])
    assert not breaks_at([], [lasting])
    held = [night(None, far=True, failed="break")]
    assert not breaks_at(held, [lasting], doubts={"SIM0": "frozen_quote"})
    doubted = held[0].model_copy(
        update={"checks": (*held[0].checks, night(None, far=True, failed="quality").checks[0])}
    )
    assert not breaks_at([doubted], [lasting])
    anew = Judged(params, params, alarmed, None, [lasting], anew=["SIM0"])
    assert said(checks_of(params, anew))["break"]
    other = Shift("SIM1", "k", last=0.12, before=0.0, deviations=30.0)
    beside = Judged(params, params, alarmed, None, [lasting, other], anew=["SIM0"])
    assert not said(checks_of(params, beside))["break"]  # another symbol's first day apart
