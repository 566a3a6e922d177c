"""One small simulated run that many tests look at."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.engine.config import Config, load_config
from pipeline.run import RunResult, run_pipeline
from pipeline.tape.opening import simulate_tape


@dataclass(frozen=True)
class SmallRun:
    """A finished run of two simulated symbols over three days."""

    folder: Path
    tape: Path
    config: Config
    result: RunResult


def small_config(tape: Path, **sections: dict[str, object]) -> Config:
    """Return the configuration of a run over a Databento tape."""
    asked = {
        "data": {"source": "databento", "location": str(tape)},
        "learn": {"trees": 20, "tries": 0},
    }
    for section, keys in sections.items():
        asked[section] = asked.get(section, {}) | keys
    return load_config(None, asked)


@pytest.fixture(scope="session")
def small_tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a simulated tape of two symbols over three days."""
    folder = tmp_path_factory.mktemp("tape")
    config = load_config(None, {"simulate": {"symbols": 2, "days": 3, "seed": 5}})
    return Path(simulate_tape(config, str(folder)))


@pytest.fixture(scope="session")
def small_run(small_tape: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRun]:
    """Return the finished run, its MLflow database beside its outputs."""
    folder, before = tmp_path_factory.mktemp("run"), Path.cwd()
    config = small_config(small_tape)
    kept = os.environ.get("MLFLOW_TRACKING_URI")
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlruns/mlflow.db'}"
    os.chdir(folder)
    try:
        yield SmallRun(folder, small_tape, config, run_pipeline(config, str(folder / "out")))
    finally:
        os.chdir(before)
        if kept is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = kept
