"""The commit of the code that runs, and the checkout that it is of."""

import subprocess
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@cache
def code_commit() -> str:
    """Return the checkout's commit, "-changed" behind it where files differ; empty outside git."""
    if not (CHECKOUT / ".git").exists():
        return ""
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{commit}-changed" if commit and changed else commit


def _git(*words: str) -> str:
    try:
        asked = ["git", "-C", str(CHECKOUT), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
