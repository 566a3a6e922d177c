"""The page on the nights: what it shows of real nights, and of made-up records."""

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from pipeline.parameters.schema import Params
from pipeline.retraining.distance import log_costs
from pipeline.retraining.nights import Night, nights_of, write_move, write_night
from pipeline.retraining.pages.page import REFIT, render_history
from pipeline.retraining.pages.series import (
    check_series,
    count_series,
    in_force_steps,
    move_places,
    refit_gaps,
    rival_gaps,
    symbol_series,
)
from pipeline.retraining.told import told_of
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun
from tests.pipeline.report.html_page import find_rows, parse
from tests.pipeline.retraining.conftest import Nights
from tests.pipeline.retraining.records import BREAK, BY_HAND, FAILING, LEFT_OUT, by_hand, month

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture
def params(small_run: SmallRun) -> Params:
    return small_run.result.results.params


@pytest.fixture
def made_up() -> list[Night]:
    return month()


def test_the_command_writes_one_page_of_real_nights(nights: Nights, tmp_path: Path) -> None:
    page = tmp_path / "nights.html"
    done = impact("history", "--out", nights.out, "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert str(page) in done.stdout
    text = page.read_text()
    assert not re.search(r'(?:src|href)="(?!#)', text)  # nothing from outside
    shown = parse(text)
    for night in nights.done:
        assert find_rows(shown, night.date)
        assert night.in_force in shown.text
    for check in nights.done[-1].checks:
        assert find_rows(shown, check.name)


def test_a_night_keeps_what_its_run_estimated(nights: Nights) -> None:
    sizes = {night.symbols["SIM0"].shares for night in nights.done}
    assert len(sizes) == 1  # costs of different nights are those of one order
    for number, night in enumerate(nights_of(nights.out)):
        one = night.symbols["SIM0"]
        assert one.days == number + 1
        assert one.walks > 0
        assert one.k.value > 1
    last = nights.done[-1].symbols["SIM0"]
    assert last.k.low is not None
    assert last.k.high is not None
    assert last.k.low < last.k.value < last.k.high
    assert nights.done[-1].left_out == {}


def test_what_is_told_of_a_symbol_is_its_law(small_run: SmallRun, params: Params) -> None:
    results = small_run.result.results
    found = told_of(results, [])
    assert set(found) == set(params.symbols)
    for report in results.symbols:
        one, law = found[report.symbol], params.symbols[report.symbol]
        least, most = law.fitted_shares or (0.0, 0.0)
        assert least < one.shares < most
        assert one.k.value == law.law.k
        assert one.gamma.value == law.law.gamma
        _, matrix = log_costs(law, np.array([one.shares]), law.reference)
        alpha = np.exp(np.mean([np.log(period.alpha) for period in law.periods]))
        by_law = alpha * one.shares**law.law.k * (1 + law.law.beta)
        assert one.cost is not None
        notional = one.shares * law.reference.price
        assert one.cost.value == pytest.approx(1e4 * by_law / notional)
        assert one.cost.low is not None
        reach = np.log(one.cost.value / one.cost.low)
        assert reach > stats.norm.ppf(0.975) * np.sqrt(matrix[0, 0])  # t, of few days
        assert one.days == report.read.days


def test_the_size_of_the_first_night_stays(small_run: SmallRun, made_up: list[Night]) -> None:
    own = made_up[0].symbols["AAA"].model_copy(update={"shares": 123.0})
    before = made_up[0].model_copy(update={"symbols": {"SIM0": own}})
    found = told_of(small_run.result.results, [before])
    assert found["SIM0"].shares == 123.0
    assert found["SIM1"].shares != 123.0


def test_older_records_are_read_and_said(nights: Nights, made_up: list[Night]) -> None:
    content = made_up[3].model_dump()
    del content["symbols"], content["left_out"]
    old = Night.model_validate(content)
    assert old.symbols == {}
    page = parse(render_history([*made_up[:3], old], [], "out"))
    assert "1 of 4 nights’ records" in page.text
    bare = [one.model_copy(update={"symbols": {}}) for one in made_up[:2]]
    assert "2 of 2 nights’ records" in parse(render_history(bare, [], "out")).text


def test_means_are_those_that_the_gate_judged(made_up: list[Night]) -> None:
    refit = refit_gaps(made_up)
    words = {check.name: check.words for check in made_up[-1].checks}["refresh"]
    assert f"{refit.counted[-1]} nights, mean {refit.mean[-1]:+.3f} bps" in words
    assert f"[{refit.low[-1]:+.3f}, {refit.high[-1]:+.3f}]" in words
    assert refit.x.tolist() == list(range(2, len(made_up)))
    rivals = rival_gaps(made_up)
    assert set(rivals) == {"hybrid", "square_root"}
    for look in made_up[-1].looks:
        one = rivals[look.name]
        assert f"{one.counted[-1]} nights, mean {one.mean[-1]:+.3f} bps" in look.words


def test_another_family_begins_the_challengers_anew(made_up: list[Night]) -> None:
    other = {name: form.model_copy(update={"learner": "hybrid"}) for name, form in
             made_up[0].forms.items()}  # fmt: skip
    changed = [
        night.model_copy(
            update={
                "forms": other if place >= 10 else night.forms,
                "outcome": "changed" if place == 10 else night.outcome,
            }
        )
        for place, night in enumerate(made_up)
    ]
    one = rival_gaps(changed)["square_root"]
    assert one.counted[one.x == 10].tolist() == [9]
    assert one.counted[one.x == 11].tolist() == [1]
    refit = refit_gaps(changed)
    assert 11 not in refit.x  # what a change of family made is no refit


def test_what_was_in_force_follows_nights_and_moves(made_up: list[Night]) -> None:
    moves = by_hand()
    assert move_places(made_up, moves) == [BY_HAND - 0.5]
    steps = dict(in_force_steps(made_up, moves))
    assert steps[FAILING] == f"run-{FAILING - 1:02d}"
    assert steps[BY_HAND - 0.5] == "run-03"
    assert steps[BY_HAND] == f"run-{BY_HAND:02d}"
    one = symbol_series(made_up, moves)[0]
    track = one.tracks["cost"]
    assert one.held.nonzero()[0].tolist() == [FAILING]
    assert one.begins == (BREAK,)
    at = dict(zip(track.steps_x, track.steps, strict=True))
    assert at[FAILING] == track.value[FAILING - 1]
    assert at[BY_HAND - 0.5] == track.value[3]


def test_checks_and_counts_are_as_the_records_have_them(made_up: list[Night]) -> None:
    series = check_series(made_up)
    assert series["break"].failed.nonzero()[0].tolist() == [FAILING]
    assert series["break"].value[FAILING] == 9.1
    assert np.isnan(series["refresh"].value[:6]).all()  # fewer than five days: only counted
    assert np.isfinite(series["refresh"].value[6:]).all()
    counts = count_series(made_up)
    assert counts["left_out"].nonzero()[0].tolist() == [LEFT_OUT]
    assert counts["walks"][0] == 2 * 7800 * 20
    bare = made_up[0].model_copy(update={"symbols": {}})
    assert np.isnan(count_series([bare])["days"]).all()


def test_the_page_says_who_when_and_why(made_up: list[Night]) -> None:
    text = render_history(made_up, by_hand(), "out")
    assert "<b>" not in text
    assert "B&B<i>" not in text  # names are text, not tags
    page = parse(text)
    (move,) = find_rows(page, "2025-01-21 23:10")
    assert move[1:] == ["quant-on-call", "run-20", "run-03", "spreads of a test feed"]
    failed = [row for row in find_rows(page, made_up[FAILING].date) if row[1] == "break"]
    assert failed[0][2:4] == ["9.10", "5.00"]
    assert "lies -0.51" in failed[0][4]
    assert [row[1] for row in find_rows(page, made_up[LEFT_OUT].date) if "CCC" in row] == ["CCC"]
    assert len(find_rows(page, REFIT)) == 1
    assert text.count("<svg") == 2 + 2 + 2 + 2  # symbols, charged, checks, coverage and counts
    ids = [tag["id"] for _, tag in page.tags if tag.get("id")]
    assert len(ids) == len(set(ids))


def test_many_symbols_are_drawn_where_they_moved_and_all_are_told(made_up: list[Night]) -> None:
    one = made_up[0].symbols["AAA"]
    many = {f"S{number:03d}": one for number in range(40)}
    nights = [night.model_copy(update={"symbols": many}) for night in made_up[:3]]
    page = parse(render_history(nights, [], "out"))
    assert "28 more symbols" in page.text
    assert any("S039" in row for table in page.tables for row in table)


def test_without_nights_there_is_one_line_and_no_page(tmp_path: Path) -> None:
    page = tmp_path / "nights.html"
    refused(impact("history", "--out", str(tmp_path), "--html", str(page)), "no night yet")
    assert not page.exists()
    assert impact("history", "--out", str(tmp_path)).returncode == 0  # as before, without --html


def test_a_page_that_cannot_be_written_is_refused_first(
    made_up: list[Night], tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    write_night(made_up[0], out)
    write_move(by_hand()[0], out)
    refused(impact("history", "--out", out, "--html", str(tmp_path)), "--html")
    page = tmp_path / "one.html"
    done = impact("history", "--out", out, "--html", str(page))
    assert done.returncode == 0, done.stderr
    shown = parse(page.read_text())
    assert "No day has been charged yet" in shown.text
    assert "in force" in shown.text
