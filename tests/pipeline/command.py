"""The command line called by tests: in this process, or in one of its own."""

import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from pipeline.cli import main


@dataclass(frozen=True)
class Done:
    """A finished command: what it said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def impact(*arguments: str, cwd: Path | None = None, stdin: str = "") -> Done:
    """Run a command in this process, which has paid for the imports; it ends as `impact` does."""
    said, complained = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["impact", *arguments])
        patched.setattr(sys, "stdin", StringIO(stdin))
        patched.chdir(cwd or Path.cwd())
        with (
            redirect_stdout(said),
            redirect_stderr(complained),
            pytest.raises(SystemExit) as ended,
        ):
            main()
    return Done(int(ended.value.code or 0), said.getvalue(), complained.getvalue())


def impact_process(*arguments: str, cwd: Path) -> Done:
    """Run a command in a process of its own, as a user does."""
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def refused(done: Done, *said: str, code: int = 2) -> None:
    """Assert an exit code and one clear line."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("impact: ")]
    assert len(lines) == 1, done.stderr
    for text in said:
        assert text in lines[0]
