"""The units of the schedule are what systemd and cron take."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from tests.pipeline.command import impact

FOLDER = Path(__file__).parents[3] / "docs/schedule"


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze (Debian's package systemd)")
    for name in ("impact-retrain.service", "impact-retrain.timer"):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("%h/impact/.venv/bin/impact", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "impact-retrain.timer")],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "impact-retrain" in line]
    assert not ours
    assert done.returncode == 0


def test_cron_and_systemd_call_what_there_is() -> None:
    options = impact("retrain", "--help").stdout
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        for option in re.findall(r"--[a-z-]+", " ".join(re.findall(r"impact retrain .*", text))):
            assert option in options
    lines = [
        line
        for line in (FOLDER / "impact-retrain.cron").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") and "=" not in line.split(" ")[0]
    ]
    assert [line.split()[:5] for line in lines] == [["30", "17", "*", "*", "1-5"]]


def test_the_last_session_that_closed() -> None:
    calendar = SessionCalendar()
    session = calendar.session("2025-01-10")
    assert calendar.last_closed(session.close_ns).date == "2025-01-10"
    assert calendar.last_closed(session.close_ns - 1).date == "2025-01-08"  # the 9th was no session
    with pytest.raises(InputError, match="no session"):
        calendar.last_closed(0)
