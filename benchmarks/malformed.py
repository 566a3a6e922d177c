"""Ten thousand malformed files through every reader: is each read, or refused in one clear line?

Run: python -m benchmarks.malformed [--cases 10000] [--reader NAME] [--seed 0] [--show]. Each case
is a small whole file with one seeded mutation; a case is worked in a process that may take 4 GB and
60 seconds. Counted by reader: read, refused (one printable line of at most 300 characters, no
output left behind), and what must not be: traceback, unclear, partial, noise (the engine below
writes to the terminal by itself), hang (or the process is lost).
"""

import argparse
import contextlib
import multiprocessing
import os
import resource
import tempfile
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

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
        self.folder, self._process = folder, None

    def case(self, name: str, seed: int) -> tuple[str, str, str]:
        """Return what became of one case."""
        if self._process is None:
            context = multiprocessing.get_context("spawn")
            self._pipe, other = context.Pipe()
            arguments = (other, str(self.folder / "noise"))
            self._process = context.Process(target=work, args=arguments, daemon=True)
            self._process.start()
            self._wait("params.json", 0, 120)  # the imports
        return self._wait(name, seed, SECONDS)

    def _wait(self, name: str, seed: int, seconds: float) -> tuple[str, str, str]:
        self._pipe.send((name, seed, str(self.folder / "case")))
        with contextlib.suppress(EOFError, ConnectionError):
            if self._pipe.poll(seconds):
                return self._pipe.recv()
        self._process.kill()
        self._process.join()
        self._process = None
        return "hang", f"seed {seed}", "no answer, or the process was lost"


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
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Path(folder))
        for number in range(asked.cases):
            name, seed = names[number % len(names)], asked.seed + number // len(names)
            end, change, said = worker.case(name, seed)
            counts[name][end] += 1
            if end not in ("read", "refused") or (asked.show and end == "refused"):
                print(f"{end}: {name}, seed {seed}: {change}: {said!r}", flush=True)
        if worker._process is not None:
            worker._process.kill()
    print(f"{'':<26}" + "".join(f"{end:>10}" for end in ENDS))
    for name, found in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        print(f"{name:<26}" + "".join(f"{found[end]:>10,}" for end in ENDS))


if __name__ == "__main__":
    main()
