"""What is installed: every room is in the wheel, and packages' faces only hand names on."""

import ast
import importlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("pipeline", "models", "solver")


def test_the_wheel_holds_every_source_file_and_its_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
    copied = tmp_path / "source"
    for package in PACKAGES:
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, copied / package, ignore=leave)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copied / name)
    kinds = ("*.py", "*.html", "*.json")
    wanted = {
        str(file.relative_to(copied))
        for package in PACKAGES
        for kind in kinds
        for file in (copied / package).rglob(kind)
    }
    subprocess.run([*command, "-w", str(tmp_path), str(copied)], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = set(wheel.namelist())
    assert len(wanted) > 150
    assert not wanted - inside


def test_faces_only_hand_names_on() -> None:
    for package in PACKAGES:
        for face in (ROOT / package).rglob("__init__.py"):
            tree = ast.parse(face.read_text())
            assert ast.get_docstring(tree), face
            for node in tree.body[1:]:
                is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
                assert is_all or isinstance(node, ast.ImportFrom), face


def test_every_folder_of_source_is_a_package() -> None:
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            assert (file.parent / "__init__.py").exists(), file


def test_every_benchmark_can_be_imported() -> None:
    """But for those beside peers, which `make bench` installs."""
    peers = {"__main__", "allocation", "peers"}
    names = {file.stem for file in (ROOT / "benchmarks").glob("*.py")} - peers
    assert len(names) > 8
    for name in names:
        importlib.import_module(f"benchmarks.{name}")
