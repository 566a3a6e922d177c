"""One symbol of several that a later stage refuses is left out; odd symbols harm no reader."""

import functools
from dataclasses import replace
from typing import Any

import pytest

from pipeline.engine.errors import Refused
from pipeline.engine.job import Job, open_job
from pipeline.fitting import learn_costs
from pipeline.report.publish import pages_of, render_files
from pipeline.run import results_of
from pipeline.tape.opening import find_tape
from tests.pipeline.conftest import SmallRun, small_config

pytestmark = pytest.mark.xdist_group("end_to_end")


def refusal(label: str) -> Refused:
    message = "too short a history; supply more days"
    return Refused(message, {label: message})


def job_of(small_run: SmallRun, symbols: set[str], asked: tuple[str, ...] = ()) -> Job:
    config = small_config(small_run.tape, data={"symbols": asked})
    with open_job(config, str(small_run.folder / "out"), 0) as job:
        job.symbols = symbols
        return job


def test_the_others_go_on(small_run: SmallRun, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    @functools.wraps(learn_costs)
    def learn(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise ValueError("no rows to learn from")
        return learn_costs(*arguments)

    monkeypatch.setattr("pipeline.fitting.learn_costs", learn)
    config, out = small_config(small_run.tape, learn={"trees": 22}), str(small_run.folder / "out")
    with open_job(config, out, 0) as job:
        results, left_out = results_of(job, find_tape(config, out))
    assert [one.symbol for one in results.symbols] == ["SIM0"]
    assert list(results.params.symbols) == ["SIM0"]
    assert left_out == (
        "1 of 2 symbols left out",
        "SIM1 is left out: learn SIM1: no rows to learn from",
    )
    assert len(calls) == 2  # what had been computed was found


def test_a_symbol_of_a_longer_name_is_told_apart(small_run: SmallRun) -> None:
    job = job_of(small_run, {"BRK", "BRK B", "A"})
    job.leave_out(refusal("BRK B 2025-01-06"))
    assert list(job.refused) == ["BRK B"]


@pytest.mark.parametrize(
    ("symbols", "asked", "label"),
    [({"A", "B"}, ("A",), "A law"), ({"A"}, (), "A"), ({"A", "B"}, (), "pool"), (set(), (), "A")],
)
def test_what_was_asked_for_or_is_the_last_is_refused(
    small_run: SmallRun, symbols: set[str], asked: tuple[str, ...], label: str
) -> None:
    with pytest.raises(Refused, match="too short a history"):
        job_of(small_run, symbols, asked).leave_out(refusal(label))


@pytest.mark.parametrize("symbol", ["=1+1", "@SUM(1)", "+A", "-A"])
def test_a_symbol_is_no_formula_to_a_spreadsheet(small_run: SmallRun, symbol: str) -> None:
    whole = small_run.result.results
    one = replace(whole.symbols[0], symbol=symbol)
    params = whole.params.model_copy(
        update={"symbols": {symbol: whole.params.symbols[whole.symbols[0].symbol]}}
    )
    quality = whole.quality.assign(symbol=symbol)
    results = replace(whole, params=params, symbols=(one,), quality=quality)
    files = render_files(results, pages_of(results, lambda work, tasks, label: map(work, tasks)))
    for name in ("schedule.csv", "quality.csv"):
        rows = files[name].decode().splitlines()[1:]
        assert rows
        assert all(row.startswith(f"'{symbol},") for row in rows)
