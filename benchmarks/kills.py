"""What a night that is killed leaves behind, at random moments.

Run: python -m benchmarks.kills [--kills 200] [--seed 0]. A simulated market's first night is done;
then, each time on a copy of it, the second night is started as a process of its own and killed with
SIGKILL after a random time up to what a whole one takes, three times of ten while it publishes;
one in five works with two Dask workers, the others in one process.
Checked after each: what is in force is one run's and as it was published; the next run succeeds
without repair and puts its own in force; no process of it is left ten seconds later; no temporary
folder stays; no run stays RUNNING in the store. Exits 1 when any check fails; a SIGTERM ends the
series with the counts so far.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from pipeline.engine.config import load_config
from pipeline.publication.versions import CURRENT, VERSIONS, in_force, verify_version
from pipeline.retraining.nights import nights_of
from pipeline.tape.opening import simulate_tape

DATES = ("2025-01-08", "2025-01-10")
CONFIG = (
    "[data]\nperiod_seconds = 900\n[simulate]\nsymbols = 1\ndays = 4\n"
    "[learn]\ntrees = 5\ntries = 0\n"
)


def night(folder: Path, date: str, workers: int = 0) -> subprocess.Popen[bytes]:
    """Start a night in a process group of its own."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "retrain"]
    command += ["--as-of", date, "--source", "databento", "--data", str(folder.parent / "tape")]
    command += ["--config", str(folder.parent / "config.toml"), "--out", str(folder / "out")]
    command += ["--workers", str(workers)]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            command, stdout=said, stderr=said, start_new_session=True, env=environment
        )


def publishing(out: Path) -> bool:
    """Tell whether a run is writing its version, or has and is not yet the one in force."""
    versions = out / VERSIONS
    return any(path.name.startswith(".partial-") for path in versions.iterdir()) or (
        len([path for path in versions.iterdir() if not path.name.startswith(".")]) > 1
    )


def killed(folder: Path, seconds: float, at_publication: bool, workers: int) -> tuple[bool, int]:
    """Start the second night and kill it; tell whether it was still at work, and how many of its
    processes are left.
    """
    started = night(folder, DATES[1], workers)
    until = time.monotonic() + (600 if at_publication else seconds)
    while time.monotonic() < until and started.poll() is None:
        if at_publication and publishing(folder / "out"):
            time.sleep(seconds / 1000)
            break
        time.sleep(0.002 if at_publication else 0.02)
    at_work = started.poll() is None
    if at_work:
        started.kill()
    started.wait()
    return at_work, left_of(started.pid)


def left_of(session: int) -> int:
    """Return how many processes of a session are left after ten seconds at most."""
    for _ in range(100):
        found = subprocess.run(["ps", "-o", "pid=", "-s", str(session)], capture_output=True)
        if not found.stdout.split():
            return 0
        time.sleep(0.1)
    return len(found.stdout.split())


def faults(folder: Path, first: str) -> list[str]:
    """Return what is wrong after a kill, and after the run that follows it."""
    found, out = [], folder / "out"
    try:
        now = verify_version(str(out / CURRENT))
        if now != in_force(str(out)) or now not in (first, *_runs(out)):
            found.append("what is in force is no run's")
    except ValueError as error:
        found.append(f"in force is damaged: {error}")
    again = night(folder, DATES[1])
    if again.wait() != 0:
        found.append(f"the next run leaves with {again.returncode}")
    elif verify_version(str(out / CURRENT)) != nights_of(str(out))[-1].in_force:
        found.append("the next run is not in force")
    with sqlite3.connect(folder / "mlflow.db") as store:
        running = store.execute("select count(*) from runs where status = 'RUNNING'").fetchone()[0]
    if running:
        found.append(f"{running} runs stay RUNNING")
    if [path for path in (out / VERSIONS).iterdir() if path.name.startswith(".partial-")]:
        found.append("a temporary folder stays")
    return found


def _runs(out: Path) -> list[str]:
    return [path.name for path in (out / VERSIONS).iterdir()]


def main() -> None:
    """Print counts, and every fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, counts = np.random.default_rng(given.seed), Counter()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "config.toml").write_text(CONFIG)
        config = load_config(str(root / "config.toml"))
        simulate_tape(config, str(root / "tape"))
        (root / "start").mkdir()
        if night(root / "start", DATES[0]).wait():
            sys.exit((root / "start/said.txt").read_text())
        first = str(in_force(str(root / "start/out")))
        begin = time.monotonic()
        shutil.copytree(root / "start", root / "whole", symlinks=True)
        night(root / "whole", DATES[1]).wait()
        whole = time.monotonic() - begin
        asked: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
        for number in range(given.kills):
            if asked:
                break
            folder = root / f"kill-{number}"
            shutil.copytree(root / "start", folder, symlinks=True)
            at_publication = number % 10 < 3
            workers = 2 * (number % 5 == 4)
            moment = float(rng.uniform(0, whole))
            at_work, left = killed(folder, moment, at_publication, workers)
            counts["killed at publication" if at_publication else "killed"] += at_work
            wrong = faults(folder, first) + [f"{left} processes are left"] * (left > 0)
            counts["nights"] += 1
            counts["with a fault"] += bool(wrong)
            for one in wrong:
                print(f"kill {number}: {one}", flush=True)
            shutil.rmtree(folder)
    print(f"nights of {whole:.1f} s: {dict(counts)}")
    sys.exit(counts["with a fault"] > 0)


if __name__ == "__main__":
    main()
