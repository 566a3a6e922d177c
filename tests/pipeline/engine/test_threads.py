"""A stage runs on one thread, whatever it loads and whatever the machine has."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.engine.stage import THREADS, Task, execute
from pipeline.engine.store import Store
from tests.conftest import ROOT


@dataclass(frozen=True)
class Threads:
    """A stage output: the threads of every library."""

    table: pd.DataFrame


def told(settings: str) -> Threads:
    """Load a library as a stage does, while it runs, and tell the threads of all."""
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_info

    rows = [(one["user_api"], one["num_threads"]) for one in threadpool_info()]
    return Threads(pd.DataFrame(rows, columns=["kind", "threads"]))


def tell(folder: str) -> None:
    """Print the threads of libraries in a stage, and the environment's after it."""
    assert "sklearn" not in sys.modules
    output = execute(Task("threads", "", told, (), "", Store(folder)))
    table, after = output.load().table, [os.environ.get(name) for name in THREADS]
    print(json.dumps([table.values.tolist(), after]))


def test_a_library_that_a_stage_loads_is_held_to_one_thread(tmp_path: Path) -> None:
    """Where it is loaded in another process first, no limit set before has reached it."""
    code = f"from tests.pipeline.engine.test_threads import tell; tell({str(tmp_path)!r})"
    asked = os.environ | dict.fromkeys(THREADS, "2") | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=asked
    )
    assert done.returncode == 0, done.stderr
    found, after = json.loads(done.stdout)
    assert {kind for kind, _ in found} == {"blas", "openmp"}
    assert {threads for _, threads in found} == {1}
    assert after == ["2", "2"]
