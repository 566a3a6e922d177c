"""Two parameter files beside each other: changes in errors, plans charged by the later one."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.comparison.changes import Change, Side, SymbolChanges, compare
from pipeline.comparison.outcome import render, report_text
from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.parameters.schema import Params, dump_params
from pipeline.parameters.sections import Matrix
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun
from tests.pipeline.report.html_page import find_rows, parse
from tests.pipeline.report.reports import make_params as report_params

ORDER = AllocateConfig(shares=100_000)


def make_params(symbol: str) -> Params:
    """Return the report's parameters with a covariance that the level is in, as files have it."""
    params = report_params(symbol)
    errors = {"k": 0.0123, "beta": 0.0, "theta": 0.0, "gamma": 0.0, "log_alpha_0": 0.1}
    matrix = Matrix(names=tuple(errors), matrix=np.diag([e**2 for e in errors.values()]).tolist())
    one = params.symbols[symbol].model_copy(update={"covariance": matrix})
    return params.model_copy(update={"symbols": {symbol: one}})


def changed(params: Params, symbol: str = "AAA", **law: float) -> Params:
    """Return the parameters with other values in a symbol's law."""
    one = params.symbols[symbol]
    moved = one.model_copy(update={"law": one.law.model_copy(update=law)})
    return params.model_copy(update={"symbols": {**params.symbols, symbol: moved}})


def late(params: Params) -> Params:
    """Return the parameters with the last third of the day half as dear."""
    one = params.symbols["AAA"]
    periods = tuple(
        period.model_copy(update={"alpha": period.alpha / (2 if period.i >= 52 else 1)})
        for period in one.periods
    )
    moved = one.model_copy(update={"periods": periods})
    return params.model_copy(update={"symbols": {"AAA": moved}})


def lines(before: Params, after: Params) -> dict[str, Change]:
    (found,) = compare(Side("one", before), Side("other", after), ORDER)
    return {line.what: line for line in found.lines}


def verdict(before: Params, after: Params, order: AllocateConfig = ORDER) -> SymbolChanges:
    (found,) = compare(Side("one", before), Side("other", after), order)
    return found


def test_equal_files_differ_in_nothing() -> None:
    params = make_params("AAA")
    found = lines(params, params)
    assert {found[what].change for what in ("data", "code", "session planned")} == {"same"}
    assert found["k"].change == "+0.0 s.e."
    assert found["shares moved in time"].change == "0.0%"
    assert "0.0000 bps more, 0.00% of the cost" in verdict(params, params).verdict


def test_parameters_move_in_standard_errors_of_the_difference() -> None:
    """k has an error of .0123 in both: the difference has .0123 sqrt 2."""
    params = make_params("AAA")
    for errors, meaning in (
        (1.0, "within the error: no change is told"),
        (3.0, "moved"),
        (-5.0, "moved far beyond the error"),
    ):
        other = changed(params, k=1.5234 + errors * 0.0123 * np.sqrt(2))
        line = lines(params, other)["k"]
        assert line.change == f"{errors:+.1f} s.e."
        assert line.meaning == meaning
    fixed = lines(params, changed(params, beta=0.5))["beta"]
    assert (fixed.change, fixed.meaning) == ("+0.088", "fixed, not estimated")


def test_the_earlier_plan_is_charged_by_the_later_parameters() -> None:
    """Spread evenly over periods of cost a x^k: the least is at x ~ a^(-1/(k-1)), by hand."""
    params = make_params("AAA")
    order = ORDER.model_copy(update={"plan": "point", "max_participation": 1.0, "slices": 1})
    found = {line.what: line for line in verdict(params, late(params), order).lines}
    one = params.symbols["AAA"]
    k, n, spread = one.law.k, len(one.periods), 0.01
    scale = 3e-4 * (1 + one.law.beta)
    alpha = np.where(np.arange(n) >= 52, scale / 2, scale)
    weight = alpha ** (-1 / (k - 1))
    own = 1e5 * weight / weight.sum()
    kept = np.full(n, 1e5 / n)
    cost = [spread * 1e5 + (alpha * x**k).sum() for x in (kept, own)]
    regret = 1e4 * (cost[0] - cost[1]) / (100 * 1e5)
    told = found["keeping the earlier plan, bps"]
    assert float(told.change.split()[0]) == pytest.approx(regret, rel=2e-3)
    moved = np.abs(own - kept).sum() / 2 / 1e5
    assert found["shares moved in time"].change == f"{moved:.1%}"


def test_words_say_whether_it_matters() -> None:
    params = make_params("AAA")
    order = ORDER.model_copy(update={"plan": "point"})
    assert verdict(params, late(params), order).verdict.startswith("The plan matters: the earlier")
    dearer = changed(params, k=1.62)
    assert "The order has become dearer by" in verdict(params, dearer).verdict
    assert "has become cheaper by" in verdict(dearer, params).verdict


def test_what_held_out_data_said_stands_beside_where_both_are_tracked() -> None:
    params = make_params("AAA")
    metrics = [
        {"AAA": {"deviance/held_out": value, "deviance/held_out_error": 0.003, "law/k": 1.5}}
        for value in (0.05, 0.08)
    ]
    sides = [Side(name, params, each) for name, each in zip("ab", metrics, strict=True)]
    (found,) = compare(*sides, ORDER)
    (line,) = [line for line in found.lines if line.group == "held out"]
    assert (line.what, line.change, line.meaning) == (
        "deviance/held_out",
        "+0.03",
        "moved far beyond the error",
    )


def test_without_an_order_one_per_cent_of_the_volume_is_planned() -> None:
    params = make_params("AAA")
    (found,) = compare(Side("one", params), Side("other", params), None)
    assert found.order == f"buy {round(0.01 * 78 * 40_000):,} AAA"


def test_text_and_page_say_the_same() -> None:
    sides = Side("monday", make_params("AAA")), Side("tuesday", late(make_params("AAA")))
    found = compare(*sides, ORDER)
    text, page = report_text(*sides, found), parse(render(*sides, found))
    assert found[0].verdict in text
    assert found[0].verdict in page.text
    for line in found[0].lines:
        row = [line.what, line.before, line.after, line.change, line.meaning]
        assert any(each[1:] == row for each in page.tables[0])
    assert find_rows(page, "parameters")[0][1] == "family of the law"


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(InputError, match="no symbol in common: AAA and BBB"):
        compare(Side("one", make_params("AAA")), Side("other", make_params("BBB")), ORDER)


def test_the_command_compares_files_and_refuses_what_is_none(tmp_path: Path) -> None:
    for name, params in (("one", make_params("AAA")), ("other", late(make_params("AAA")))):
        (tmp_path / f"{name}.json").write_bytes(dump_params(params))
    asked = ("compare", "one.json", "other.json", "--shares", "50000")
    done = impact(*asked, "--page", "page.html", "--json", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "buy 50,000 AAA: The plan" in done.stdout
    written = json.loads((tmp_path / "found.json").read_text())
    assert {line["group"] for line in written["symbols"]["AAA"]["lines"]} == {
        "data",
        "parameters",
        "forecasts",
        "plan",
        "regret",
    }
    assert "keeping the earlier plan" in (tmp_path / "page.html").read_text()
    refused(impact("compare", "one.json", "none.json", cwd=tmp_path), "none.json")


@pytest.mark.xdist_group("end_to_end")
def test_a_run_in_mlflow_is_compared_by_its_id(
    small_run: SmallRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{small_run.folder / 'mlruns/mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    run_id = small_run.result.results.params.run_id
    done = impact("compare", run_id, run_id, "--shares", "10000", cwd=small_run.folder)
    assert done.returncode == 0, done.stderr
    assert "held out" in done.stdout
    assert "0.0000 bps more" in done.stdout
    refused(impact("compare", run_id, "0" * 32, cwd=small_run.folder), "no run of that id")
