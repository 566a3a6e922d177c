"""Published files are those of one run, whatever ends it and whoever else publishes."""

import hashlib
import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.run_log import new_run_id
from pipeline.publication.locks import held
from pipeline.publication.versions import (
    KEPT,
    in_force,
    make_current,
    publish_run,
    settled,
    verify_version,
    waiting_in,
    waiting_of,
)
from pipeline.report.view import page_name

NAMES = ("params.json", "schedule.csv", "report.html")
ROUNDS = 25


def contents(mark: str) -> dict[str, bytes]:
    return {name: f"{mark} {name}".encode() * 50 for name in NAMES}


def publish(out: Path, mark: str, run_id: str = "") -> str:
    run_id = run_id or new_run_id()
    publish_run(contents(mark), str(out), run_id, b"record")
    settled(waiting_of(str(out), run_id))
    return run_id


def held_as_published(folder: Path) -> bool:
    """Tell whether the files of a version are those that its manifest lists."""
    files = json.loads((folder / "run.json").read_text())["files"]
    return all(
        hashlib.sha256((folder / name).read_bytes()).hexdigest() == one["sha256"]
        and len((folder / name).read_bytes()) == one["bytes"]
        for name, one in files.items()
    )


def test_the_files_of_the_last_run_are_current(tmp_path: Path) -> None:
    publish(tmp_path, "first")
    last = publish(tmp_path, "last")
    for name, content in contents("last").items():
        assert (tmp_path / name).read_bytes() == content
    assert json.loads((tmp_path / "current.json").read_text())["run_id"] == last
    assert held_as_published(tmp_path / "current")
    assert not list(tmp_path.rglob(".partial-*"))


def test_plain_files_of_before_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text("old")
    publish(tmp_path, "new")
    assert (tmp_path / "params.json").read_bytes() == contents("new")["params.json"]


def test_old_versions_go_but_for_those_that_wait(tmp_path: Path) -> None:
    publish_run(contents("waits"), str(tmp_path), "0", b"record")
    made = [publish(tmp_path, str(number), f"1-{number}") for number in range(KEPT + 3)]
    there = {path.name for path in (tmp_path / "versions").glob("[!.]*")}
    assert there == {"0", *made[-KEPT:]}
    assert waiting_in(str(tmp_path)) == [waiting_of(str(tmp_path), "0")]


def publish_often(out: Path, mark: str) -> None:
    for _ in range(ROUNDS):
        publish(out, mark)


def test_two_publishers_at_once_never_mix(tmp_path: Path) -> None:
    publish(tmp_path, "start")
    work = [multiprocessing.Process(target=publish_often, args=(tmp_path, mark)) for mark in "ab"]
    for each in work:
        each.start()
    seen, mixed = set(), 0
    while any(each.is_alive() for each in work):
        folder = (tmp_path / "current").resolve()
        try:
            found = {name: (folder / name).read_bytes() for name in NAMES}
        except FileNotFoundError:  # read so slowly that five newer ones are there
            continue
        mark = found["params.json"].split()[0].decode()
        mixed += found != contents(mark)
        seen.add(mark)
    assert [each.exitcode for each in work] == [0, 0]
    assert not mixed
    assert len(seen) > 1
    assert held_as_published(tmp_path / "current")


def test_a_full_disk_leaves_the_run_before(tmp_path: Path) -> None:
    publish(tmp_path, "before")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))  # of a file, as of a disk
    try:
        with pytest.raises(OSError, match="File too large"):
            publish(tmp_path, "after")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / "schedule.csv").read_bytes() == contents("before")["schedule.csv"]
    assert len(list((tmp_path / "versions").glob("[!.]*"))) == 1
    assert not list(tmp_path.rglob(".partial-*"))


def test_a_remote_folder_has_its_pointer_last(tmp_path: Path) -> None:
    out = f"memory://{tmp_path}"
    run_id = publish(Path(str(tmp_path)), "local") and new_run_id()
    publish_run(contents("remote"), out, run_id, b"record")
    with fsspec.open(f"{out}/current.json", "rb") as file:
        assert json.load(file)["run_id"] == run_id
    with fsspec.open(f"{out}/report.html", "rb") as file:
        assert file.read() == contents("remote")["report.html"]
    assert waiting_in(out) == [waiting_of(out, run_id)]
    settled(waiting_of(out, run_id))
    assert waiting_in(out) == []


def hold(path: Path, ready: object) -> None:
    with held(path, 0.0):
        ready.set()
        time.sleep(60)


def test_pages_of_odd_symbols_are_published(tmp_path: Path) -> None:
    names = [page_name(symbol) for symbol in ("ES=F", "^GSPC", "BRK/B", "B&B<i>", "@SUM(1)", "Ü~1")]
    publish_run(dict.fromkeys(names, b"page"), str(tmp_path), "r1", b"")
    assert in_force(str(tmp_path)) == verify_version(str(tmp_path / "current")) == "r1"


DAMAGED = {
    "no JSON": b"{",
    "no object": b"[]",
    "no text": b"\xff\xfe\x00",
    "no run": b'{"files": {}}',
    "a run elsewhere": b'{"run_id": "../elsewhere", "files": {}}',
    "no files": b'{"run_id": "r"}',
    "a list of files": b'{"run_id": "r", "files": ["params.json"]}',
    "a file without hash": b'{"run_id": "r", "files": {"params.json": {"bytes": 1}}}',
    "no hash": b'{"run_id": "r", "files": {"params.json": {"bytes": 1, "sha256": "00"}}}',
    "a hash alone": b'{"run_id": "r", "files": {"params.json": "00"}}',
    "a file elsewhere": b'{"run_id": "r", "files": {"../a": {"bytes": 1, "sha256": "%s"}}}'
    % (b"0" * 64),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_manifest_is_named_and_puts_nothing_in_force(tmp_path: Path, damage: str) -> None:
    first, last = (publish(tmp_path, mark) for mark in ("first", "last"))
    manifest = tmp_path / "versions" / first / "run.json"
    manifest.write_bytes(DAMAGED[damage])
    for refused in (
        lambda: verify_version(str(manifest.parent)),
        lambda: make_current(str(tmp_path), first),
    ):
        with pytest.raises(InputError, match=r"run\.json") as said:
            refused()
        assert "\n" not in str(said.value)
    assert in_force(str(tmp_path)) == last
    assert held_as_published(tmp_path / "current")
    (tmp_path / "versions" / last / "run.json").write_bytes(DAMAGED[damage])
    with pytest.raises(InputError, match=r"current\.json"):
        in_force(str(tmp_path))
    third = publish(tmp_path, "third")  # the next run needs no repair
    assert in_force(str(tmp_path)) == third


def test_a_lock_names_its_owner_and_dies_with_it(tmp_path: Path) -> None:
    path, ready = tmp_path / "lock", multiprocessing.Event()
    owner = multiprocessing.Process(target=hold, args=(path, ready), daemon=True)
    owner.start()
    assert ready.wait(30)
    with (
        pytest.raises(InputError, match=rf"held by process {owner.pid} on .* for \d+ s; wait"),
        held(path, 0.1),
    ):
        pass
    os.kill(owner.pid, signal.SIGKILL)
    owner.join()
    with held(path, 5.0):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish_run({"a.txt": b"1"}, str(out), "20250101T000000-a", b"{}")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, alive = (
        out / "versions" / f".partial-{socket.gethostname()}-{pid}-x" for pid in (ended.pid, 1)
    )
    for folder in (left, alive):
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"half")
    publish_run({"a.txt": b"2"}, str(out), "20250101T000001-b", b"{}")
    assert not left.exists()
    assert alive.exists()
