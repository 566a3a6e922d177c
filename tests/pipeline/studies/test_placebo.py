"""Placebos over whole tapes and panels: what is asked, what is written, and real data."""

import json
from pathlib import Path

import mlflow
import pytest

from pipeline.engine.config import Config, load_config
from pipeline.engine.errors import InputError
from pipeline.engine.store import write_json
from pipeline.studies.placebo import (
    PlaceboRequest,
    PlaceboRun,
    content,
    record,
    report_text,
    run_placebos,
)


def config(location: Path, source: str = "databento", workers: int = 0, **data: object) -> Config:
    return load_config(
        None,
        {
            "data": {"source": source, "location": str(location)} | data,
            "executor": {"workers": workers},
        },
    )


@pytest.fixture(scope="module")
def flow(small_tape: Path, tmp_path_factory: pytest.TempPathFactory) -> PlaceboRun:
    """Return the flow route's placebos of one symbol of the simulated tape."""
    return run_placebos(
        PlaceboRequest("flow", 50, 0, str(tmp_path_factory.mktemp("placebo"))),
        config(small_tape, symbols=["SIM0"]),
    )


def test_impact_of_the_simulated_tape_is_found_and_vanishes(flow: PlaceboRun) -> None:
    (one,) = flow.symbols
    assert [each.name for each in one.placebos] == ["sign_shuffle", "chronology", "planted_zero"]
    for placebo in one.placebos:
        assert (placebo.replicates, placebo.failed) == (50, 0)
        for each in placebo.findings:
            assert each.estimate > 3 * each.standard_error
            assert abs(each.mean) < 0.2 * each.estimate


def test_mlflow_has_every_symbols_rates(flow: PlaceboRun, own_mlflow: Path) -> None:
    from pipeline.tracking.handover import track_study

    assert not track_study(record(flow), "impact").said
    mlflow.set_tracking_uri(f"sqlite:///{own_mlflow / 'mlruns/mlflow.db'}")
    runs = mlflow.search_runs(experiment_names=["impact"])
    nested = runs[runs["params.symbol"] == "SIM0"].iloc[0]
    name, value = next(iter(record(flow).parts[0].metrics.items()))
    assert nested[f"metrics.{name}"] == pytest.approx(value)
    assert (
        runs.set_index("run_id").loc[nested["tags.mlflow.parentRunId"], "tags.level"] == "placebo"
    )


def test_text_json_and_metrics_say_the_same(flow: PlaceboRun, tmp_path: Path) -> None:
    write_json(content(flow), str(tmp_path / "placebo.json"))
    written = json.loads((tmp_path / "placebo.json").read_text())
    named, text = record(flow).parts[0].metrics, report_text(flow)
    assert (written["route"], written["repetitions"], written["level"]) == ("flow", 50, 0.05)
    assert len(named) == 3 * 3  # the first test of each parameter under each placebo
    for placebo in written["symbols"]["SIM0"]:
        assert f"Placebo {placebo['name']}: 50 replicates" in text
        for each in placebo["findings"]:
            assert each["rate"] == each["rejected"] / 50
            name = f"rejection_rate/{placebo['name']}_{each['parameter']}"
            if each["test"] == "above":
                assert named[name] == each["rate"]
    with pytest.raises(InputError, match="check --json"):
        write_json(content(flow), str(tmp_path / "placebo.json" / "inside.json"))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (PlaceboRequest("tape"), "--route: no route 'tape'"),
        (PlaceboRequest("flow", 5), "--repetitions: 5"),
        (PlaceboRequest("flow", 50, -1), "--seed: -1"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    request_: PlaceboRequest, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        run_placebos(request_, config(tmp_path))
    assert "\n" not in str(refused.value)


def test_market_wide_moves_of_the_panel_are_told_from_impact(real_data: Path) -> None:
    run = run_placebos(PlaceboRequest("orders", 50), config(real_data / "taq2007"))
    shuffled, coin, planted = run.symbols[0].placebos
    gamma = {each.name: each.findings[0] for each in (shuffled, coin, planted)}
    assert gamma["sign_shuffle"].mean > 5 * abs(gamma["random_sides"].mean)
    assert [caveat.code for caveat in shuffled.warnings] == ["placebo_rejects"] * 2
    assert not coin.warnings
    assert not planted.warnings


def test_states_of_a_real_book_lose_their_effect(real_data: Path, tmp_path: Path) -> None:
    run = run_placebos(
        PlaceboRequest("book", 50, 0, str(tmp_path)),
        config(real_data / "lobster", "lobster", symbols=["AMZN"]),
    )
    assert [each.name for each in run.symbols[0].placebos] == ["chronology", "planted_zero"]
    assert all(each.replicates == 50 for each in run.symbols[0].placebos)
