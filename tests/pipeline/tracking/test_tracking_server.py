"""Nights against MLflow's server over PostgreSQL: first uses at once, losses halfway, and after."""

import logging
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from pipeline.engine.errors import InputError, printable
from pipeline.engine.run_log import LOG
from pipeline.publication.versions import CURRENT, in_force, verify_version, waiting_in
from pipeline.retraining.nights import LOCK, nights_of
from pipeline.tracking import handover, mlflow_content
from pipeline.tracking.connection import check_store
from pipeline.tracking.handover import track_study
from pipeline.tracking.record import DatasetRecord, Record
from tests.pipeline.command import Done, impact, refused

pytest.importorskip("psycopg2", reason="psycopg2 is not installed: pip install psycopg2-binary")

from tests.pipeline.tracking import real_stores
from tests.pipeline.tracking.real_stores import SECRET, Postgres, Server, wait_for

pytestmark = [
    pytest.mark.xdist_group("tracking_server"),
    pytest.mark.skipif(
        real_stores.programs() is None, reason="no PostgreSQL: apt-get install -y postgresql"
    ),
]
FIRST, SECOND, THIRD = "2025-01-06", "2025-01-07", "2025-01-08"
CONFIG = "[learn]\ntrees = 5\ntries = 0\n[executor]\nworkers = 0\n"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with real_stores.postgres_running() as running:
        yield running


@pytest.fixture(scope="module")
def server(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(postgres.create("tracking"), tmp_path_factory.mktemp("server"))
    try:
        found.start()
        yield found
    finally:
        found.kill()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the checkout clean, and wait for a lost server once."""
    monkeypatch.setattr("pipeline.tracking.connection.DEFAULT_FOLDER", tmp_path / "mlruns")
    monkeypatch.setattr(handover, "LEFT_BEHIND", tmp_path / "untracked")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    """Return a client of the server, which runs are sent to."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    return mlflow.MlflowClient(server.uri)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the nights of the first symbol go, one test after the other."""
    return tmp_path_factory.mktemp("nights") / "out"


def command(tape: Path, out: Path, date: str, symbol: str) -> list[str]:
    config = tape.parent / "small.toml"
    config.write_text(CONFIG)
    asked = {"as-of": date, "data": tape, "symbols": symbol, "config": config, "out": out}
    return ["retrain", "--source", "databento", *(f"--{key}={asked[key]}" for key in asked)]


def night(tape: Path, out: Path, date: str, symbol: str) -> Done:
    """Do a night, which must not tell the store's password."""
    done = impact(*command(tape, out, date, symbol))
    assert SECRET not in done.stdout + done.stderr
    return done


def aliases(client: mlflow.MlflowClient, symbol: str) -> dict[str, str]:
    """Return by alias the run whose files the version is of."""
    found = {}
    for alias in client.get_registered_model(f"impact-{symbol}").aliases:
        version = client.get_model_version_by_alias(f"impact-{symbol}", alias)
        found[alias] = client.get_run(version.run_id).data.tags["run_id"]
    return found


def statuses(client: mlflow.MlflowClient, wanted: str) -> dict[str, str]:
    """Return by name how the runs stand whose tags are so."""
    every = [one.experiment_id for one in client.search_experiments()]
    return {run.info.run_name: run.info.status for run in client.search_runs(every, wanted)}


def still_running(client: mlflow.MlflowClient) -> list[str]:
    return list(statuses(client, "attributes.status = 'RUNNING'"))


def study(name: str) -> Record:
    parts = (Record(f"part of {name}", metrics={"score": 2.0}),)
    data = (DatasetRecord("tape", "0" * 64, "there"),)
    facts = {"metrics": {"score": 1.0}, "files": {"a.txt": b"a"}, "datasets": data}
    return Record(name, about="what they are", **facts, parts=parts)


def first_run(name: str, folder: Path) -> None:
    """Track a study whose records wait in a folder of its own, as another user's do."""
    handover.LEFT_BEHIND = folder / name
    said = track_study(study(name), "first")
    assert not said.said, said


@pytest.mark.parametrize("kind", ["database", "server"])
def test_three_first_runs_at_once(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "database":
        uri = request.getfixturevalue("postgres").create("fresh")
    else:
        uri = request.getfixturevalue("server").uri
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    work = [multiprocessing.Process(target=first_run, args=(name, tmp_path)) for name in "abc"]
    for each in work:
        each.start()
    for each in work:
        each.join()
    assert [each.exitcode for each in work] == [0, 0, 0]
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("first").experiment_id
    found = {run.info.run_name: run.info.status for run in client.search_runs([experiment])}
    expected = {*"abc", *(f"part of {name}" for name in "abc")}
    assert found == dict.fromkeys(expected, "FINISHED")
    if kind == "database":
        assert len(list((tmp_path / "mlruns/artifacts").rglob("a.txt"))) == 3


def test_nights_are_tracked_and_what_is_in_force_is_the_champion(
    client: mlflow.MlflowClient, small_tape: Path, out: Path
) -> None:
    done = night(small_tape, out, FIRST, "SIM0")
    assert done.returncode == 0, done.stderr
    first = in_force(str(out))
    assert aliases(client, "SIM0") == {"champion": first}
    done = night(small_tape, out, SECOND, "SIM0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert aliases(client, "SIM0") == {"champion": in_force(str(out)), "previous": first}
    assert in_force(str(out)) != first
    for one in nights_of(str(out)):
        found = statuses(client, f"tags.run_id = '{one.run_id}'")
        assert len(found) > 2  # the run, its symbol, its candidates
        assert set(found.values()) == {"FINISHED"}
    assert not waiting_in(str(out))


def test_of_two_retrainers_at_once_one_works(
    client: mlflow.MlflowClient, small_tape: Path, out: Path
) -> None:
    asked = command(small_tape, out, THIRD, "SIM0")
    before, lock = in_force(str(out)), out / LOCK
    held_before = lock.read_text()
    program = [sys.executable, "-c", "from pipeline.cli import main; main()", *asked]
    at_work = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: lock.read_text() not in ("", held_before))
    refused(impact(*asked), f"held by process {at_work.pid}", "wait for it")
    said, _ = at_work.communicate()
    assert at_work.returncode == 0, said
    assert SECRET not in said
    now = verify_version(str(out / CURRENT))
    assert [one.date for one in nights_of(str(out))] == [FIRST, SECOND, THIRD]
    assert nights_of(str(out))[-1].in_force == in_force(str(out)) == now
    assert aliases(client, "SIM0") == {"champion": now, "previous": before}
    assert len(client.search_model_versions("name = 'impact-SIM0'")) == 3
    assert not still_running(client)


@pytest.mark.parametrize("scheme", ["http", "postgresql", "postgresql+psycopg2"])
def test_a_store_that_is_down_is_told_before_any_work(
    scheme: str, small_tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"{scheme}://me:{SECRET}@127.0.0.1:{real_stores.free_port()}/store"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    done = night(small_tape, tmp_path / "out", FIRST, "SIM0")
    refused(done, "127.0.0.1", "does not answer", "MLFLOW_TRACKING_URI", code=4)
    assert "done" not in done.stderr  # no stage
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".parquet"]


def test_a_database_is_asked_before_any_work(
    postgres: Postgres, small_tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(uri: str) -> Done:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        return night(small_tape, tmp_path / "out", FIRST, "SIM0")

    uri = postgres.create("deleted")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    check_store("impact")  # it has no tables yet
    client = mlflow.MlflowClient(uri)
    client.create_experiment("kept")
    check_store("kept")
    client.delete_experiment(client.create_experiment("impact"))
    with pytest.raises(InputError, match="experiment impact was deleted"):
        check_store("impact")
    refused(asked(uri), "experiment impact was deleted; restore it")
    refused(asked(postgres.uri("none")), 'database "none" does not exist', code=4)
    wrong = uri.replace(SECRET, "wrong")
    refused(asked(wrong), "password authentication failed", code=4)
    refused(asked(uri.replace("psycopg2", "psycopg9")), "no driver", "psycopg9")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("lost_at", ["half", "part of half"])
def test_a_database_lost_while_a_record_is_logged_leaves_no_run_open(
    lost_at: str,
    client: mlflow.MlflowClient,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_facts = mlflow_content._log_facts

    def lose(record: Record, notes: dict[str, str]) -> None:
        if record.name == lost_at:  # its run is there, and nothing in it
            postgres.stop()
        log_facts(record, notes)

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_content, "_log_facts", lose)
        lost = track_study(study("half"), lost_at)
    postgres.start()
    assert "not tracked" in lost.said[0]
    assert SECRET not in printable(lost.said[0])
    assert not lost.page
    assert still_running(client)
    found = track_study(study("after"), lost_at)
    assert "tracked too" in found.said[0]
    assert not still_running(client)
    experiment = client.get_experiment_by_name(lost_at).experiment_id
    names = sorted(run.info.run_name for run in client.search_runs([experiment]))
    assert names == ["after", "half", "part of after", "part of half"]


def test_a_server_lost_halfway_is_made_up_for_by_the_next_night(
    client: mlflow.MlflowClient, server: Server, small_tape: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def lose(line: logging.LogRecord) -> bool:
        if line.getMessage().startswith("forecast: "):
            server.kill()
        return True

    LOG.addFilter(lose)
    try:
        done = night(small_tape, out, FIRST, "SIM1")
    finally:
        LOG.removeFilter(lose)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (told,) = [line for line in done.stdout.splitlines() if "not tracked at" in line]
    assert "the next run there tracks it" in told
    first = verify_version(str(out / CURRENT))
    assert [one.in_force for one in nights_of(str(out))] == [first] == [in_force(str(out))]
    assert [Path(one).parent.name for one in waiting_in(str(out))] == [first]
    refused(night(small_tape, out, SECOND, "SIM1"), "does not answer", code=4)
    assert verify_version(str(out / CURRENT)) == first
    server.start()
    done = night(small_tape, out, SECOND, "SIM1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tracked too, left behind by an earlier run" in done.stdout
    assert not waiting_in(str(out))
    assert aliases(client, "SIM1") == {"champion": in_force(str(out)), "previous": first}
    assert set(statuses(client, f"tags.run_id = '{first}'").values()) == {"FINISHED"}
    assert not still_running(client)
