"""The whole pipeline on a simulated tape: what it writes, what it repeats, what it cannot know."""

import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import psutil
import pytest
from jsonschema import Draft202012Validator

from pipeline.parameters.schema import json_schema, read_params
from pipeline.run import run_pipeline
from tests.conftest import ROOT
from tests.pipeline.conftest import SmallRun, small_config

pytestmark = pytest.mark.xdist_group("end_to_end")
PASSING = ("created", "run_id")  # differ between any two runs


def lasting(out: Path) -> dict[str, Any]:
    """Return everything a run wrote that another run of the same input must repeat to the bit."""
    params = json.loads((out / "params.json").read_text())
    kept = {key: value for key, value in params.items() if key not in PASSING}
    return kept | {
        name: (out / name).read_bytes()
        for name in ("params.parquet", "schedule.csv", "quality.csv")
    }


def test_the_outputs_are_there_and_the_parameters_keep_their_schema(small_run: SmallRun) -> None:
    out = small_run.folder / "out"
    assert {path.name for path in out.iterdir()} == {
        "cache",
        "current",
        "current.json",
        "status.json",
        "versions",
        "params.json",
        "params.parquet",
        "schedule.csv",
        "quality.csv",
        "report.html",
        "report-run.html",
        *(f"report-{name}.html" for name in ("SIM0", "SIM0-research", "SIM1", "SIM1-research")),
    }
    written = json.loads((out / "params.json").read_text())
    Draft202012Validator(
        json.loads((ROOT / "pipeline/parameters/impact-params-2.schema.json").read_text())
    ).validate(written)
    assert sorted(written["symbols"]) == ["SIM0", "SIM1"]
    for one in written["symbols"].values():
        assert [period["i"] for period in one["periods"]] == list(range(390))
        assert set(one["standard_errors"]) == set(one["covariance"]["names"])
    twin = pd.read_parquet(out / "params.parquet")
    first = pd.DataFrame(written["symbols"]["SIM0"]["periods"])
    for name in ("volatility", "liquidity"):
        ends = zip(*first.pop(f"{name}_interval"), strict=True)
        first[f"{name}_low"], first[f"{name}_high"] = map(list, ends)
        assert first[f"{name}_low"].lt(first[name]).all()
        assert first[f"{name}_high"].gt(first[name]).all()
    pd.testing.assert_frame_equal(twin[twin["symbol"] == "SIM0"].drop(columns="symbol"), first)


def test_the_published_schema_is_the_one_in_force() -> None:
    assert (ROOT / "pipeline/parameters/impact-params-2.schema.json").read_text() == json_schema()


def test_the_run_says_where_everything_is(small_run: SmallRun) -> None:
    said = "\n".join(small_run.result.summary)
    for name in ("report.html", "params.json", "schedule.csv", "impact ui"):
        assert name in said


def test_the_next_session_is_planned(small_run: SmallRun) -> None:
    params = read_params(str(small_run.folder / "out/params.json"))
    # 9 January 2025: a day of mourning, no session
    assert params.valid.start == "2025-01-10T14:30:00+00:00"
    assert params.valid.end == "2025-01-10T21:00:00+00:00"


def test_both_exact_methods_agree_and_beat_the_benchmarks(small_run: SmallRun) -> None:
    for one in small_run.result.results.symbols:
        cost = one.schedule.costs.set_index("method")["cost"]
        lattice = cost["dp"] - cost["nlp"]
        assert lattice + 1e-9 * cost["nlp"] >= 0
        assert lattice < 1e-4 * cost["nlp"]
        assert cost["nlp"] <= cost["twap"]
        assert cost["nlp"] <= cost["vwap"]
        assert one.schedule.plan["dp"].sum() == one.order.shares
        assert (one.schedule.costs.set_index("method")["status"][["nlp", "dp"]] == "OPTIMAL").all()


def test_a_second_identical_run_computes_nothing(small_run: SmallRun) -> None:
    before = lasting(small_run.folder / "out")
    again = run_pipeline(small_run.config, str(small_run.folder / "out"))
    assert again.summary[0].startswith("0 stage outputs computed")
    assert lasting(small_run.folder / "out") == before


def test_a_changed_section_recomputes_only_what_depends_on_it(small_run: SmallRun) -> None:
    config = small_config(small_run.tape, learn={"trees": 21})
    stages = run_pipeline(config, str(small_run.folder / "out")).results.facts.stages.set_index(
        "stage"
    )
    assert stages.loc[stages["computed"] > 0].index.tolist() == ["learn", "select"]


def test_a_killed_run_resumes_where_it_was(
    small_run: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, done = str(tmp_path / "out"), []

    def die(*_: Any) -> None:
        done.append(1)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.fitting.calibrate_symbol", die)
        with pytest.raises(KeyboardInterrupt):
            run_pipeline(small_run.config, out)
    assert done
    assert [path.name for path in Path(out).iterdir()] == ["cache"]
    stages = run_pipeline(small_run.config, out).results.facts.stages.set_index("stage")
    assert stages.loc[["ingest", "features", "forecast"], "computed"].tolist() == [0, 0, 0]
    assert lasting(Path(out)) == lasting(small_run.folder / "out")


def test_a_run_elsewhere_is_identical_on_workers_of_which_one_is_killed(
    small_run: SmallRun, tmp_path: Path
) -> None:
    config = small_config(small_run.tape, executor={"workers": 2})
    killed: list[int] = []
    ended = threading.Event()

    def kill_halfway() -> None:
        features = tmp_path / "out/cache/features"
        while not ended.is_set() and not (features.is_dir() and any(features.glob("[!.]*"))):
            time.sleep(0.01)
        for child in psutil.Process().children(recursive=True):
            if not ended.is_set() and "spawn_main" in " ".join(child.cmdline()):
                killed.append(child.pid)
                os.kill(child.pid, signal.SIGKILL)
                return

    killer = threading.Thread(target=kill_halfway)
    killer.start()
    try:
        run_pipeline(config, str(tmp_path / "out"))
    finally:
        ended.set()
        killer.join()
    assert killed
    assert lasting(tmp_path / "out") == lasting(small_run.folder / "out")


def test_a_remote_output_folder_is_identical(small_run: SmallRun) -> None:
    import fsspec

    run_pipeline(small_run.config, "memory://remote/out")
    with fsspec.open("memory://remote/out/schedule.csv", "rb") as file:
        assert file.read() == (small_run.folder / "out/schedule.csv").read_bytes()


@pytest.mark.parametrize("as_of", ["2025-01-08T12:00", "2025-01-07T16:00"])
def test_what_comes_after_as_of_changes_nothing(
    small_tape: Path, tmp_path: Path, as_of: str, own_mlflow: Path
) -> None:
    """Later records are rewritten; every result from before stays the same to the bit."""
    later = (
        pl.lit(as_of + ":00")
        .str.to_datetime(time_zone="America/New_York")
        .dt.convert_time_zone("UTC")
    )
    changed = tmp_path / "changed"
    changed.mkdir()
    for path in small_tape.glob("*.parquet"):
        tape = pl.read_parquet(path)
        if "ts_event" in tape.columns:
            after = pl.col("ts_event") >= later
            prices = pl.col([name for name in tape.columns if "_px_" in name or name == "price"])
            sizes = pl.col([name for name in tape.columns if "_sz_" in name or name == "size"])
            tape = tape.with_columns(
                pl.when(after).then(prices * 2).otherwise(prices).name.keep()
            ).with_columns(pl.when(after).then(sizes * 3).otherwise(sizes).name.keep())
        tape.write_parquet(changed / path.name)
    outs = []
    for name, tape_folder in (("a", small_tape), ("b", changed)):
        run_pipeline(small_config(tape_folder, data={"as_of": as_of}), str(tmp_path / name))
        outs.append(lasting(tmp_path / name))
        outs[-1].pop("quality.csv")
    assert outs[0] == outs[1]
