"""Progress and complaints: lines for people, or lines of JSON with the run's id."""

import json
from datetime import datetime

import pytest

from pipeline.commands.terminal import log_as
from pipeline.engine.executor import Executor
from pipeline.engine.run_log import LOG, RunTally, begin_run
from tests.pipeline.command import impact, refused


def lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_of_the_json_log_has_time_level_run_and_message() -> None:
    done = impact("--log-format", "json", "ingest", "--source", "lobster", "--data", "none")
    assert done.returncode == 2
    (line,) = lines(done.stderr)
    assert sorted(line) == ["level", "message", "run_id", "time"]
    assert line["level"] == "error"
    assert "none" in line["message"]
    assert datetime.fromisoformat(line["time"]).utcoffset().total_seconds() == 0


def test_progress_is_of_the_run_that_was_begun(capsys: pytest.CaptureFixture[str]) -> None:
    log_as("json")
    begin_run(RunTally("r1"))
    with Executor() as executor:
        executor.map(abs, [-1, 2], "abs")
    LOG.warning("a \x1b[31m %s", "sqlite://user:secret@host")
    progress, warning = lines(capsys.readouterr().err)
    assert (progress["run_id"], progress["message"]) == ("r1", "abs: 2 done")
    assert "\x1b" not in warning["message"]
    assert "secret" not in warning["message"]
    begin_run(None)
    log_as("text")


def test_people_get_lines_and_another_format_is_refused() -> None:
    refused(impact("--log-format", "yaml", "history"), "--log-format yaml", "text or json")
    refused(impact("ingest", "--source", "lobster", "--data", "none"), "none")
