"""What is installed: every room is in the wheel, and packages' faces only hand names on."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import ROOT

PACKAGES = ("pipeline", "models", "solver")


def test_the_wheel_holds_every_source_file_and_its_data(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    copied = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in tracked:
        if name.startswith(PACKAGES) or name in ("pyproject.toml", "README.md"):
            (copied / name).parent.mkdir(parents=True, exist_ok=True)
            (copied / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*command, "-w", str(tmp_path), str(copied)], check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        inside = set(wheel.namelist())
    wanted = {name for name in tracked if name.startswith(tuple(f"{one}/" for one in PACKAGES))}
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
