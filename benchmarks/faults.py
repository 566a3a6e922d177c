"""What a run says, how it ends and what stands after the faults of a machine.

Run: python -m benchmarks.faults [--only NAME]. As root on Linux, in mounts of its own (tmpfs); a
fault that cannot be made there is said to be left out. One small simulated tape is calibrated
first; every fault then meets a run of its own on a copy of the outputs, which has to compute
something anew. Told of each: exit code, seconds, the line it said (tracebacks are counted), whose
files stand (previous or new: all of one run by their hashes, or mixed), and whether the run after
the fault works, what of all runs still waits to be tracked, and how many the store says to run on.
"""

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

CLONE_NEWNS = 0x00020000
CONFIG = """[data]
period_seconds = 300
[learn]
trees = {trees}
[simulate]
symbols = 1
days = 3
[allocate]
shares = 1000
"""
RUNNING = "select count(*) from runs where status = 'RUNNING'"
COMMAND = [sys.executable, "-c", "from pipeline.cli import main; main()"]


@dataclass
class Place:
    """Where a fault is made: a folder with finished outputs in `out` and its store in `mlruns`."""

    folder: Path
    trees: int = 21
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Path:
        """Return the database of the tracking store."""
        return self.folder / "mlruns/mlflow.db"

    def asked(self, query: str) -> int:
        """Return the number that the store answers a query with."""
        with contextlib.closing(sqlite3.connect(self.store)) as store:
            return int(store.execute(query).fetchone()[0])

    def start(self, trees: int, out: str = "out") -> subprocess.Popen[str]:
        """Start a run; another number of trees computes something anew."""
        config = self.folder / f"{trees}.toml"
        if not config.exists():
            config.write_text(CONFIG.format(trees=trees))
        own = {"PYTHONPATH": os.getcwd(), "MLFLOW_TRACKING_URI": f"sqlite:///{self.store}"}
        known = os.environ | own | self.environment
        command = [*COMMAND, "run", "--config", str(config), "--out", out]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=known, **pipes)

    def files(self, out: str = "out") -> str:
        """Return whose files stand there: the run's id, `mixed`, or `none`."""
        pointer = self.folder / out / "current.json"
        if not pointer.exists():
            return "none"
        told = json.loads(pointer.read_text())
        for name, one in told["files"].items():
            content = (self.folder / out / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != one["sha256"]:
                return "mixed"
        return str(told["run_id"])


@contextmanager
def nothing(place: Place) -> Iterator[None]:
    """Make no fault."""
    yield


@contextmanager
def small_disk(place: Place, folder: str) -> Iterator[None]:
    """Put a folder on a tmpfs with some kilobytes left."""
    there = place.folder / folder
    kept = there.with_name(f"{there.name}.kept")
    there.mkdir(exist_ok=True)
    shutil.copytree(there, kept, symlinks=True)
    used = sum(path.stat().st_size for path in there.rglob("*") if path.is_file())
    mount("tmpfs", there, "tmpfs", f"size={used + (1 << 20) + 200_000}")
    shutil.copytree(kept, there, symlinks=True, dirs_exist_ok=True)
    free = shutil.disk_usage(there).free
    (there / "ballast").write_bytes(bytes(max(0, free - 40_000)))
    try:
        yield
    finally:
        (there / "ballast").unlink()
        shutil.rmtree(kept)
        shutil.copytree(there, kept, symlinks=True)
        subprocess.run(["umount", str(there)], check=True)
        shutil.rmtree(there)
        kept.rename(there)


@contextmanager
def read_only(place: Place, folder: str) -> Iterator[None]:
    """Mount a folder over itself, not to be written."""
    there = place.folder / folder
    subprocess.run(["mount", "--bind", str(there), str(there)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(there)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(there)], check=True)


@contextmanager
def locked(place: Place, published: bool, seconds: float = np.inf) -> Iterator[None]:
    """Hold the store at once, or from when results are published and are to be tracked; for as long
    as the run goes on at most.
    """
    ended, begun = threading.Event(), threading.Event()

    def hold() -> None:
        while published and not list(place.folder.glob("out/versions/*/untracked.json")):
            if ended.wait(0.01):
                return
        with contextlib.closing(sqlite3.connect(place.store, isolation_level=None)) as holder:
            holder.execute("begin exclusive")
            begun.set()
            ended.wait(min(seconds, threading.TIMEOUT_MAX))

    holding = threading.Thread(target=hold)
    holding.start()
    if not published:
        begun.wait()
    try:
        yield
    finally:
        ended.set()
        holding.join()


@contextmanager
def dead_server(place: Place, listens: bool) -> Iterator[None]:
    """Name a server that refuses, or that listens and does not answer."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if listens:
            taken.listen()
        place.environment["MLFLOW_TRACKING_URI"] = (
            f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}"
        )
        yield
    place.environment.clear()


@contextmanager
def damaged(place: Place) -> Iterator[None]:
    """Cut one cached file of every stage in half."""
    for stage in sorted((place.folder / "out/cache").iterdir()):
        for path in [each for each in sorted(stage.rglob("*")) if each.is_file()][:1]:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    yield


@contextmanager
def full_temporary(place: Place) -> Iterator[None]:
    """Send temporary files to a disk that has no room."""
    with small_disk(place, "tmp"):
        place.environment["TMPDIR"] = str(place.folder / "tmp")
        yield
    place.environment.clear()


FAULTS: dict[str, tuple[Callable[[Place], contextlib.AbstractContextManager[None]], int]] = {
    "none": (nothing, 1),
    "disk full": (lambda place: small_disk(place, "out"), 1),
    "disk of the store full": (lambda place: small_disk(place, "mlruns"), 1),
    "read-only out": (lambda place: read_only(place, "out"), 1),
    "read-only store": (lambda place: read_only(place, "mlruns"), 1),
    "SQLite locked throughout": (lambda place: locked(place, False), 1),
    "SQLite locked for 60 s in mid-run": (lambda place: locked(place, True, 60.0), 1),
    "dead tracking server": (lambda place: dead_server(place, False), 1),
    "silent tracking server": (lambda place: dead_server(place, True), 1),
    "two runs on one out": (nothing, 2),
    "damaged cache": (damaged, 1),
    "full temporary folder": (full_temporary, 1),
}


def mount(source: str, target: Path, kind: str, options: str) -> None:
    """Mount a file system."""
    subprocess.run(["mount", "-t", kind, "-o", options, source, str(target)], check=True)


def told(texts: list[str]) -> str:
    """Return what was said of the fault, and how many lines of traceback there were."""
    lines = [line for text in texts for line in text.splitlines()]
    said = [line for line in lines if line.startswith("impact: ") or "not tracked" in line]
    traces = sum("Traceback" in line for line in lines)
    return f"{traces} tracebacks; " + (" | ".join(said)[:420] or "nothing")


def meet(name: str, whole: Path) -> None:
    """Let runs meet a fault, then one without it, and print what came of both."""
    fault, count = FAULTS[name]
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "work")
        shutil.copytree(whole, place.folder, symlinks=True)
        before = place.files()
        started = time.monotonic()
        try:
            with fault(place):
                runs = [place.start(21 + number) for number in range(count)]
                texts = [run.communicate()[0] for run in runs]
                seconds, stands = time.monotonic() - started, place.files()
        except subprocess.CalledProcessError as error:
            print(f"{name}: left out, it cannot be made here ({error})", flush=True)
            return
        codes = ", ".join(str(run.returncode) for run in runs)
        kind = {before: "previous", "mixed": "mixed", "none": "none"}.get(stands, "new")
        print(
            f"{name}: exit {codes}, {seconds:.0f} s; {kind} files stand; {told(texts)}", flush=True
        )
        after = place.start(21)
        said = after.communicate()[0]
        waiting = len(list(place.folder.glob("out/versions/*/untracked.json")))
        print(
            f"    the next run: exit {after.returncode}, files "
            f"{'whole' if place.files() not in ('mixed', 'none') else 'NOT WHOLE'}, "
            f"{waiting} records wait, {place.asked(RUNNING)} left running; {told([said])}",
            flush=True,
        )


def first_runs(whole: Path) -> None:
    """Start three runs at once where there is no store yet, each with an out of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "work")
        shutil.copytree(whole, place.folder, symlinks=True)
        shutil.rmtree(place.folder / "mlruns")
        for number in range(3):
            shutil.copytree(place.folder / "out", place.folder / f"out{number}", symlinks=True)
        runs = [place.start(30, f"out{number}") for number in range(3)]
        texts = [run.communicate()[0] for run in runs]
        logged = place.asked("select count(*) from tags where key = 'level' and value = 'run'")
        codes = ", ".join(str(run.returncode) for run in runs)
        print(f"three first runs: exit {codes}; {logged} of 3 tracked; {told(texts)}", flush=True)


def main() -> None:
    """Make the tape and its outputs once, then every fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=[*FAULTS, "three first runs"])
    asked = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        print("no mounts of its own here: faults that need one are left out", flush=True)
    else:
        subprocess.run(["mount", "--make-rprivate", "/"], check=False)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        whole.mkdir()
        started = time.monotonic()
        first = Place(whole).start(20)
        said = first.communicate()[0]
        print(f"first run: exit {first.returncode}, {time.monotonic() - started:.0f} s", flush=True)
        if first.returncode:
            sys.exit(said)
        for name in FAULTS if asked.only is None else {asked.only} & set(FAULTS):
            meet(name, whole)
        if asked.only in (None, "three first runs"):
            first_runs(whole)


if __name__ == "__main__":
    main()
