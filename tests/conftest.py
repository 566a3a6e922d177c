"""What every test shares: where real data is, and an MLflow store of its own."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# two workers share the cores, and threads that wait for each other on busy ones cost seconds
for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
# no test tracks to the checkout's store: one made on first use, for those without one of their own
ELSEWHERE = tempfile.TemporaryDirectory(prefix="mlflow-")
os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{ELSEWHERE.name}/mlflow.db"
ROOT = Path(__file__).parents[1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name each test's group where xdist reads it, so that a group stays on one worker.

    xdist 3.8 writes it where pytest 9.2 no longer looks (pytest-xdist, issue 1386), and shared
    fixtures were then made by every worker.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = type(item.id).parse(f"{item.nodeid}@{group.args[0]}")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real data sets, or skip."""
    folder = Path(os.environ.get("IMPACT_DATA", ROOT / "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real data absent: set IMPACT_DATA (looked in {folder})")
    return folder


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow database without runs: its migrations take seconds, so tests copy it."""
    import mlflow

    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{database}").search_experiments()
    return database


@pytest.fixture
def own_mlflow(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Send MLflow runs to a database of this test's own, and return the folder it works in."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlruns/mlflow.db'}")
    monkeypatch.setattr("pipeline.tracking.connection.DEFAULT_FOLDER", tmp_path / "mlruns")
    monkeypatch.setattr("pipeline.tracking.handover.LEFT_BEHIND", tmp_path / "mlruns/untracked")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "mlruns")
    return tmp_path
