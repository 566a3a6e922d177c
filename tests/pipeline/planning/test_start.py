"""What `allocate` and every `--help` import in a process of their own, and nothing more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pipeline.malformed.orders import whole_file

HEAVY = (
    "pandas", "polars", "pyarrow", "numba", "scipy.stats", "scipy.optimize", "sklearn", "lightgbm",
    "statsmodels", "mlflow", "matplotlib", "fsspec", "exchange_calendars", "dask",
)  # fmt: skip
CODE = """
import json, sys
sys.argv = ["impact", *json.loads(sys.argv[1])]
from pipeline.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("beside", [(), ("--json",), ("--risk-aversion", "auto")])
def test_an_order_is_planned_without_what_it_does_not_need(
    tmp_path: Path, beside: tuple[str, ...]
) -> None:
    path = tmp_path / "params.json"
    path.write_bytes(whole_file())
    order = ("--params", str(path), "--symbol", "SIM0", "--shares", "20000", "--lot", "100")
    assert not imported("allocate", *order, *beside) & set(HEAVY)


@pytest.mark.parametrize("command", ["", "allocate", "step", "calibrate", "run", "replay"])
def test_help_needs_no_numbers(command: str) -> None:
    found = imported(*([command] if command else []), "--help")
    assert not found & {*HEAVY, "numpy"}


def test_a_step_imports_no_tape_readers_and_no_studies() -> None:
    code = "import sys, json, pipeline.replay.step, pipeline.replay.step_files\n"
    code += "print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    kept = set(HEAVY) - {"pandas", "pyarrow", "fsspec", "exchange_calendars"}  # of its calendar
    found = set(json.loads(done.stdout))
    assert not found & kept
    assert not any(name.startswith(("pipeline.stages", "pipeline.tape")) for name in found)
