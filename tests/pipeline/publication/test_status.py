"""How the last run ended is told beside its files, whatever ended it, and in whole files."""

import importlib
import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.engine.errors import InputError, StoreUnreachable, UnbelievableTape
from pipeline.engine.run_log import RunTally, begin_run, new_run_id
from pipeline.publication.locks import held
from pipeline.publication.status import reported
from pipeline.publication.versions import publish_run
from pipeline.retraining.nights import LOCK
from tests.pipeline.command import impact, refused


def told(out: Path) -> dict[str, Any]:
    return json.loads((out / "status.json").read_text())


def test_a_run_that_published_tells_its_version_and_counts(tmp_path: Path) -> None:
    run = new_run_id()
    with reported("run", str(tmp_path)):
        begin_run(RunTally(run, "2025-01-31T21:00:00+00:00", 3, 10, 2, {"halt": 1}, {"A": "odd"}))
        publish_run({"params.json": b"{}"}, str(tmp_path), run, b"")
    found = told(tmp_path)
    assert found["version"] == f"versions/{run}"
    assert (found["in_force"], found["run_id"]) == (run, run)
    assert found["data"] == {
        "files": 3,
        "bytes": 10,
        "symbol_days": 2,
        "rows_touched": {"halt": 1},
    }
    assert found["refusals"] == {"symbols": 1, "reasons": {"A": "odd"}}
    assert found["as_of"] == "2025-01-31T21:00:00+00:00"
    begun, ended = (datetime.fromisoformat(found[name]) for name in ("started", "ended"))
    assert begun <= ended
    assert str(begun.tzinfo) == str(ended.tzinfo) == "UTC"


@pytest.mark.parametrize(
    ("error", "state", "code", "said"),
    [
        (UnbelievableTape("A: odd"), "refused", 3, "A: odd"),
        (StoreUnreachable("none"), "refused", 4, "none"),
        (OSError(28, "No space left on device"), "refused", 2, "the disk is full"),
        (ZeroDivisionError("x"), "failed", 1, "ZeroDivisionError"),
        (KeyboardInterrupt(), "failed", 1, "KeyboardInterrupt"),
    ],
)
def test_what_ended_a_run_is_told_and_raised_on(
    error: BaseException, state: str, code: int, said: str, tmp_path: Path
) -> None:
    def night() -> None:
        with reported("retrain", str(tmp_path)):
            begin_run(RunTally("r1"))
            raise error

    with pytest.raises(type(error)):
        night()
    found = told(tmp_path)
    assert (found["command"], found["state"], found["exit_code"]) == ("retrain", state, code)
    assert said in found["message"]
    assert (found["run_id"], found["version"], found["in_force"]) == ("r1", None, None)
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]


def test_a_refusal_before_there_is_a_folder_makes_none(tmp_path: Path) -> None:
    with pytest.raises(UnbelievableTape), reported("run", str(tmp_path / "out")):
        raise UnbelievableTape("odd")
    assert not list(tmp_path.iterdir())


def test_a_run_that_did_not_begin_has_no_counts_of_the_one_before(tmp_path: Path) -> None:
    begin_run(RunTally("r1"))
    with pytest.raises(StoreUnreachable), reported("run", str(tmp_path)):
        raise StoreUnreachable("none")
    assert [told(tmp_path)[name] for name in ("run_id", "data", "refusals")] == [None] * 3


@pytest.mark.parametrize(
    ("outcome", "anew", "state", "code"),
    [
        ("promoted", True, "published", 0),
        ("kept", True, "held_back", 10),
        ("kept", False, "held_back", 10),
        ("promoted", False, "unchanged", 0),
    ],
)
def test_a_night_tells_whether_it_came_into_force(
    outcome: str, anew: bool, state: str, code: int, tmp_path: Path, monkeypatch: Any
) -> None:
    night = SimpleNamespace(outcome=outcome, why="margin: dear")
    done = SimpleNamespace(night=night, anew=anew, said=())
    module = importlib.import_module("pipeline.retraining.retrain")
    monkeypatch.setattr(module, "retrain", lambda *asked: done)
    monkeypatch.setattr("pipeline.retraining.night_text.night_text", lambda night: "")
    assert impact("retrain", "--out", str(tmp_path)).returncode == code
    found = told(tmp_path)
    assert (found["command"], found["state"], found["exit_code"]) == ("retrain", state, code)
    assert found["message"] == ("margin: dear" if state == "held_back" else None)
    refused(impact("retrain", "--out", str(tmp_path), "--calendar", "XNYZ"), "XNYZ")
    assert (told(tmp_path)["state"], told(tmp_path)["exit_code"]) == ("refused", 2)


def test_a_night_refused_while_another_is_at_work_leaves_the_file_to_that(tmp_path: Path) -> None:
    with reported("retrain", str(tmp_path)):
        pass
    before = (tmp_path / "status.json").read_bytes()
    with held(tmp_path / LOCK, 0.0):
        second = impact("retrain", "--out", str(tmp_path), "--as-of", "2025-01-06")
    refused(second, "held by process", "wait for it, or stop it")
    assert (tmp_path / "status.json").read_bytes() == before


def test_a_run_that_may_not_publish_tells_it(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("pipeline.publication.versions.PATIENCE", 0.0)

    def run() -> None:
        with reported("run", str(tmp_path)):
            publish_run({"params.json": b"{}"}, str(tmp_path), "r1", b"")

    with held(tmp_path / "versions/.lock", 0.0), pytest.raises(InputError, match="held by process"):
        run()
    assert (told(tmp_path)["state"], told(tmp_path)["exit_code"]) == ("refused", 2)
