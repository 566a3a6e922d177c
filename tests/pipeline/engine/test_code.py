"""A result's key covers the code that made it: all that its module reaches, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.engine.code import PACKAGES, code_key, reached
from tests.conftest import ROOT

MODULES = ("pipeline.stages.measuring.features", "pipeline.engine.stage")  # as a stage's task asks
ASK = f"from pipeline.engine.code import code_key; print(code_key(*{MODULES}))"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the source, where files can be changed."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def features_key(root: Path) -> str:
    """Return the features stage's key as a process sees it that imports from `root`."""
    command = [sys.executable, "-c", ASK]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout


def test_only_what_is_reached_and_means_something_moves_the_key(copied: Path) -> None:
    before = features_key(copied)
    assert before == features_key(ROOT)

    def changed(file: str, old: str, new: str) -> bool:
        path = copied / file
        text = path.read_text()
        assert text.count(old) == 1, file
        path.write_text(text.replace(old, new))
        after = features_key(copied)
        path.write_text(text)
        return after != before

    law = "solver/problem/impact_law.py"
    stage = "pipeline/stages/measuring/features.py"
    assert changed(stage, "LEAST_PERIODS = 5, 2", "LEAST_PERIODS = 5, 3")
    assert changed("pipeline/engine/store.py", 'DONE = "_done"', 'DONE = "_ready"')
    walks = "pipeline/stages/measuring/book_walks.py"
    assert not changed(walks, "# a buy walks the ask", "# a sale walks the bid")
    assert not changed(stage, "Measure every period of", "Look at every period of")
    assert not changed("pipeline/tape/sources/lean.py", "PRICE_UNIT = 1e4", "PRICE_UNIT = 1e5")
    assert not changed(law, "1.0 + self.beta", "2.0 + self.beta")  # of no measurement
    assert not changed("pipeline/report/publish.py", '"quality.csv"', '"rows.csv"')


def test_names_given_on_by_a_face_lead_to_where_they_are_defined() -> None:
    law = reached("pipeline.planning.allocate")  # imports `solver`, the face
    assert {"solver.solve", "solver.problem.impact_law", "solver.compiled.newton"} <= law
    assert "solver" not in law
    assert not any(name.startswith("models.forecast") for name in law)


def test_modules_loaded_by_name_and_inside_functions_count() -> None:
    sources = reached("pipeline.tape.ingest")
    assert {"pipeline.tape.sources.lobster", "pipeline.tape.sources.taq"} <= sources
    assert code_key("pipeline.tape.ingest") != code_key("pipeline.stages.learning.learn")
