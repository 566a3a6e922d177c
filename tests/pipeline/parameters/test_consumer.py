"""A production solver's side of the parameter file: the C++ example reads what Python wrote."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from solver import ImpactLaw
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
SOURCE = Path(__file__).parents[3] / "docs/consumer/first_cost.cpp"
HEADER = Path("/usr/include/nlohmann/json.hpp")


@pytest.fixture(scope="module")
def first_cost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the example, compiled."""
    compiler = shutil.which("g++")
    if compiler is None or not HEADER.exists():
        pytest.skip("needs g++ and nlohmann/json (Debian: g++, nlohmann-json3-dev)")
    made = tmp_path_factory.mktemp("consumer") / "first_cost"
    command = [compiler, "-std=c++17", "-Wall", "-Werror", str(SOURCE), "-o", str(made)]
    subprocess.run(command, check=True)
    return made


@pytest.mark.parametrize("shares", [1, 500, 25_000])
def test_it_tells_the_same_cost(first_cost: Path, small_run: SmallRun, shares: int) -> None:
    path = small_run.folder / "out/params.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for symbol, section in content["symbols"].items():
        done = subprocess.run(
            [str(first_cost), str(path), symbol, str(shares)],
            capture_output=True,
            text=True,
            check=True,
        )
        expected = np.ravel(ImpactLaw.from_section(section).at([0]).cost(float(shares)))[0]
        assert float(done.stdout) == pytest.approx(expected, rel=1e-12)


def test_it_refuses_what_it_cannot_read(
    first_cost: Path, small_run: SmallRun, tmp_path: Path
) -> None:
    other = tmp_path / "params.json"
    text = (small_run.folder / "out/params.json").read_text(encoding="utf-8")
    other.write_text(text.replace("impact-params/2", "impact-params/9"), encoding="utf-8")
    asked = ((other, "SIM0"), (tmp_path / "none.json", "SIM0"), (small_run.folder, "SIM0"))
    for path, symbol in asked:
        done = subprocess.run(
            [str(first_cost), str(path), symbol, "1"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
