"""Three nights on a small tape, done once."""

import copy
import shutil
from pathlib import Path

import pytest

from pipeline.engine.config import Config
from pipeline.engine.tables import ShownDepth
from pipeline.retraining.retrain import retrain
from pipeline.stages.measuring import measurement
from pipeline.stages.measuring.shown_depth import chosen_sizes
from tests.pipeline.conftest import SmallRun

DATES = ("2025-01-06", "2025-01-07", "2025-01-08")


class Nights:
    """Three nights of one symbol, done once for all tests; a test that writes works on a copy.

    sizes_before: the order sizes that each night was given to stay with.
    """

    def __init__(self, small_run: SmallRun, folder: Path, store: str) -> None:
        data = small_run.config.data.model_copy(update={"symbols": ("SIM0",)})
        learn = small_run.config.learn.model_copy(update={"trees": 5})
        self.config: Config = small_run.config.model_copy(update={"data": data, "learn": learn})
        self.out, self.tape, self.store = str(folder / "out"), small_run.tape, store
        self.sizes_before: list[tuple[float, ...]] = []

        def chosen(depths: list[ShownDepth], before: tuple[float, ...] = ()) -> tuple[float, ...]:
            self.sizes_before.append(before)
            return chosen_sizes(depths, before)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(measurement, "chosen_sizes", chosen)
            self.done = [retrain(self.config, self.out, date).night for date in DATES]

    def copied(self, folder: Path) -> "Nights":
        """Return the same nights below another folder, where more can be done."""
        other = copy.copy(self)
        shutil.copytree(self.out, folder / "out", symlinks=True)
        shutil.copy(self.store.removeprefix("sqlite:///"), folder / "mlflow.db")
        other.out, other.store = str(folder / "out"), f"sqlite:///{folder}/mlflow.db"
        return other


@pytest.fixture
def own_nights(nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """Return a copy of the nights, tracked in a copy of their store."""
    found = nights.copied(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", found.store)
    return found


@pytest.fixture(scope="session")
def nights(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    folder = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        store = f"sqlite:///{folder}/mlflow.db"
        patch.setenv("MLFLOW_TRACKING_URI", store)
        return Nights(small_run, folder, store)
