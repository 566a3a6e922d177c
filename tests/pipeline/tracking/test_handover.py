"""Where tracking fails: what is refused first, what waits, and that the next run tracks it."""

import http.server
import multiprocessing
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import matplotlib.figure
import mlflow
import pandas as pd
import pytest

from pipeline.engine.errors import InputError
from pipeline.tracking.connection import artifacts_of, check_store
from pipeline.tracking.handover import track_study, waiting_for
from pipeline.tracking.record import ModelRecord, Record
from pipeline.tracking.waiting import of_run, read_waiting


def record(name: str = "study") -> Record:
    """Return a record with one of everything that JSON has no word for."""
    return Record(
        name=name,
        parameters={"window": 22, "kind": None},
        metrics={"score": 1.0, "none": float("nan")},
        tables={"rows": pd.DataFrame({"value": [0.1 + 0.2, 1e-300], "name": ["NA", "x"]})},
        figures={"plot": matplotlib.figure.Figure()},
        files={"a.bin": b"\x00\xff"},
        models=(ModelRecord("m", "skops", b"\x01", ("x",), "name"),),
        parts=(Record("part", metrics={"score": 2.0}),),
    )


def plain(name: str) -> Record:
    return Record(name, metrics={"score": 1.0}, files={"a.txt": b"a"}, parts=(Record("part"),))


def runs(folder: Path) -> pd.DataFrame:
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlruns/mlflow.db'}")
    return mlflow.search_runs(experiment_names=["impact"])


@pytest.fixture
def waiting(own_mlflow: Path) -> Iterator[Path]:
    """Return where records of studies wait."""
    return own_mlflow / "mlruns/untracked"


def test_a_record_that_waits_is_the_record(tmp_path: Path) -> None:
    before = waiting_for(record(), "impact", "r1")
    (tmp_path / "w.json").write_bytes(before.dump())
    after = read_waiting(str(tmp_path / "w.json"))
    pd.testing.assert_frame_equal(after.record.tables["rows"], before.record.tables["rows"])
    assert after.record.files["plot.png"].startswith(b"\x89PNG")
    assert after.record.parts[0].tags == {"run_id": "r1"}
    for name in ("name", "parameters", "tags", "files", "models", "figures"):
        assert getattr(after.record, name) == getattr(before.record, name)
    assert (after.run_id, after.experiment, after.made) == ("r1", "impact", before.made)


@pytest.mark.parametrize(
    "damage", [b"", b"{}", b'{"run_id": 1, "record": {"kind": "?", "of": {}}}']
)
def test_a_damaged_one_is_refused(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "w.json").write_bytes(damage)
    with pytest.raises(InputError, match=r"w\.json: no record to track"):
        read_waiting(str(tmp_path / "w.json"))


def test_a_lost_store_is_made_up_for_by_the_next_run(
    waiting: Path, own_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # a port that nobody listens on
        taken.bind(("127.0.0.1", 0))
        uri = f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        lost = track_study(plain("lost"), "impact")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert not lost.page
    assert "not tracked" in lost.said[0]
    assert len(list(waiting.iterdir())) == 1
    found = track_study(plain("next"), "impact")
    assert found.page
    assert "tracked too" in found.said[0]
    assert not list(waiting.iterdir())
    table = runs(own_mlflow)
    assert sorted(table["tags.mlflow.runName"]) == ["lost", "next", "part", "part"]
    assert table["start_time"].is_monotonic_decreasing or len(set(table["start_time"])) > 1
    assert set(table["status"]) == {"FINISHED"}


def test_what_an_attempt_left_half_done_is_not_there_twice(
    waiting: Path, own_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr("mlflow.log_artifacts", die)
        assert "database is locked" in track_study(plain("half"), "impact").said[0]
    assert runs(own_mlflow)["status"].tolist() == ["FAILED"]
    track_study(plain("next"), "impact")
    assert sorted(runs(own_mlflow)["tags.mlflow.runName"]) == ["half", "next", "part", "part"]


def test_a_locked_database_keeps_the_record(
    waiting: Path, own_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = own_mlflow / "mlruns/mlflow.db"
    holder = sqlite3.connect(database, isolation_level=None, timeout=0)
    holder.execute("begin exclusive")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}?timeout=0.1")
    check_store("impact")  # a lock may pass while the run computes
    said = track_study(plain("kept"), "impact").said[0]
    holder.close()
    assert "database is locked" in said
    assert "\n" not in said
    assert "tracked too" in track_study(plain("next"), "impact").said[0]


def first_run(name: str) -> None:
    assert not [line for line in track_study(plain(name), "impact").said if "not tracked" in line]


def test_three_first_runs_at_once_on_a_fresh_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("pipeline.tracking.connection.DEFAULT_FOLDER", tmp_path / "mlruns")
    monkeypatch.setattr("pipeline.tracking.handover.LEFT_BEHIND", tmp_path / "mlruns/untracked")
    work = [multiprocessing.Process(target=first_run, args=(name,)) for name in "abc"]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert [each.exitcode for each in work] == [0, 0, 0]
    assert not list((tmp_path / "mlruns/untracked").iterdir())
    named = runs(tmp_path)["tags.mlflow.runName"].value_counts()
    assert named.to_dict() == {"a": 1, "b": 1, "c": 1, "part": 3}


def test_artifacts_go_beside_the_store_that_is_given(
    own_mlflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = own_mlflow / "elsewhere", own_mlflow / "here"
    (own_mlflow / "mlruns").rename(there)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{there / 'mlflow.db'}")
    assert not track_study(plain("study"), "impact").said
    assert [path.name for path in there.rglob("a.txt")] == ["a.txt"]
    assert not list(here.rglob("*"))  # nothing where one stands
    assert artifacts_of("http://host") is None


@pytest.mark.parametrize("variable", ["MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"])
def test_the_environment_sends_no_run_elsewhere(
    own_mlflow: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "77")
    assert not track_study(plain("study"), "impact").said
    assert len(runs(own_mlflow)) == 2


def test_a_deleted_experiment_is_refused_first(own_mlflow: Path) -> None:
    mlflow.set_tracking_uri(f"sqlite:///{own_mlflow / 'mlruns/mlflow.db'}")
    check_store("gone")
    mlflow.delete_experiment(mlflow.create_experiment("gone"))
    with pytest.raises(InputError, match=r"experiment gone was deleted; restore it"):
        check_store("gone")


class Answer(http.server.BaseHTTPRequestHandler):
    """A server that says what its path asks for."""

    def do_GET(self) -> None:
        code, _, body = self.path.removeprefix("/").partition("/")
        self.send_response(int(code))
        self.end_headers()
        if body.startswith("gone"):
            self.wfile.write(b'{"experiment": {"lifecycle_stage": "deleted"}}')

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("404", ""),
        ("401", ""),
        ("503", "answers 503"),
        ("200", "does not answer"),
        ("200/gone", "deleted"),
    ],
)
def test_a_server_is_asked_first(path: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    uri = f"http://me:secret@127.0.0.1:{server.server_port}/{path}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    refusal = pytest.raises(InputError, match=said) if said else nullcontext()
    try:
        with refusal as found:
            check_store("impact")
        assert "secret" not in str(found and found.value)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("kind", ["silent", "dead", "file", "text", "unwritable"])
def test_a_store_that_does_not_answer_is_told_at_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.tracking.connection.SECONDS", 0.3)
    (tmp_path / "mlflow.db").write_text("no database" * 100)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if kind == "silent":
            listening.listen()
        port = listening.getsockname()[1]
        uris = {
            "silent": f"http://me:secret@127.0.0.1:{port}",
            "dead": f"http://me:secret@127.0.0.1:{port}",
            "file": str(tmp_path),
            "text": f"sqlite:///{tmp_path / 'mlflow.db'}",
            "unwritable": "sqlite:////proc/none/mlflow.db",
        }
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uris[kind])
        started = time.monotonic()
        with pytest.raises(InputError, match="MLFLOW_TRACKING_URI") as refusal:
            check_store("impact")
    assert time.monotonic() - started < 5
    assert "secret" not in str(refusal.value)


def test_figures_are_drawn_once_for_the_record_and_the_store() -> None:
    drawn = of_run(record(), "r1")
    assert set(drawn.files) == {"a.bin", "plot.png"}
    assert not drawn.figures
