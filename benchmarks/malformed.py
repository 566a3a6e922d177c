"""Ten thousand malformed files through every reader: is each read, or refused in one clear line?

Run: python -m benchmarks.malformed [--cases 10000] [--reader NAME] [--seed 0] [--show]. Each case
is a small whole file, or a parameter file and an order, with one seeded mutation. One process works
case after case, with 4 GB and 60 seconds of the processor for each (a busy machine makes nothing
hang), and is replaced where a case has cost it. Counted by reader: read, refused (one printable
line of at most 300 characters, no output left behind), and what must not be: traceback, unclear,
partial, noise (the engine below writes to the terminal by itself), hang (or the process is lost).
A run that is ended early, by Ctrl-C or SIGTERM, prints its counts.
"""

import argparse
import contextlib
import multiprocessing
import os
import resource
import signal
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from tests.pipeline.malformed.outcome import outcome
from tests.pipeline.malformed.readers import READERS

SECONDS, MEMORY = 60, 4 << 30
ENDS = ("read", "refused", "traceback", "unclear", "partial", "noise", "hang")


def work(pipe: Connection, noise: str) -> None:
    """Answer (reader, seed, folder) with what became of it, until there is nothing more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.environ["RUST_BACKTRACE"] = "0"
    os.dup2(os.open(noise, os.O_RDWR | os.O_CREAT | os.O_APPEND), 2)
    while True:
        name, seed, folder = pipe.recv()
        os.truncate(noise, 0)
        end, change, said = outcome(name, seed, Path(folder))
        written = Path(noise).read_text(errors="replace")
        if end in ("read", "refused") and written:
            end, said = "noise", written[:300]
        pipe.send((end, change, said))


class Worker:
    """A process of its own, started anew when a case has cost it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: BaseProcess | None = None

    def case(self, name: str, seed: int) -> tuple[str, str, str]:
        """Return what became of one case."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            arguments = (other, str(self.folder / "noise"))
            self._process = context.Process(target=work, args=arguments, daemon=True)
            self._process.start()
            other.close()
            self._answer("params.json", 0)  # the imports
        found = self._answer(name, seed)
        if found is None:
            self.close()
        return found or ("hang", f"seed {seed}", "no answer, or the process was lost")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = None

    def _answer(self, name: str, seed: int) -> tuple[str, str, str] | None:
        """Return the answer, None where it takes too much of the processor's time or of ours."""
        begun, started = self._used(), time.monotonic()
        with contextlib.suppress(EOFError, ConnectionError):
            self._pipe.send((name, seed, str(self.folder / "case")))
            while self._used() - begun < SECONDS and time.monotonic() - started < 20 * SECONDS:
                if self._pipe.poll(1.0):
                    return self._pipe.recv()
        return None

    def _used(self) -> float:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self._process.pid).cpu_times()
            return times.user + times.system
        return 0.0


def main() -> None:
    """Work the cases and print counts by reader, and every one that must not be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader", choices=[*READERS, "all"], default="all")
    parser.add_argument("--show", action="store_true", help="print refusals too")
    asked = parser.parse_args()
    names = list(READERS) if asked.reader == "all" else [asked.reader]
    counts = {name: Counter[str]() for name in names}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Worker(Path(folder))) as worker,
        contextlib.suppress(KeyboardInterrupt),
    ):
        for number in range(asked.cases):
            name, seed = names[number % len(names)], asked.seed + number // len(names)
            end, change, said = worker.case(name, seed)
            counts[name][end] += 1
            if end not in ("read", "refused") or (asked.show and end == "refused"):
                print(f"{end}: {name}, seed {seed}: {change}: {said!r}", flush=True)
    print(f"{'':<26}" + "".join(f"{end:>10}" for end in ENDS))
    for name, found in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        print(f"{name:<26}" + "".join(f"{found[end]:>10,}" for end in ENDS))


if __name__ == "__main__":
    main()
