"""What can be told from the command line and the configuration is told before any work starts."""

import resource
import socket
from pathlib import Path

import pytest

from pipeline.cli import check_port
from pipeline.engine.errors import InputError
from pipeline.report.record import registered_name
from tests.pipeline.command import impact, refused
from tests.pipeline.tape.sources.test_lobster import STEM, zipped

DATA = ("--source", "databento", "--data", "nowhere")  # whose files are looked for afterwards


@pytest.fixture(autouse=True)
def _no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr("pipeline.engine.executor.Executor.map", started)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "many"], ["workers = 'many'", "should be 'auto' or", "integer"]),
        (["--workers", "³"], ["workers = '³'", "integer"]),
        (["--workers", "9" * 5000], ["workers"]),
        (["--workers", "100000"], ["workers = 100000", "256"]),
        (["--risk-aversion", "1e30"], ["risk_aversion = '1e30'", "1000"]),
        (["--risk-aversion", "1e300"], ["risk_aversion = '1e300'", "1000"]),
        (["--risk-aversion", "nan"], ["risk_aversion = 'nan'"]),
        (["--shares", "150", "--lot", "100"], ["shares 150", "lot 100"]),
        (["--as-of", "noon"], ["as_of = 'noon'", "2025-01-31T12:00"]),
        (["--as-of", "9999-01-01"], ["as_of", "2049"]),
        (["--calendar", "XNYZ"], ["XNYZ", "XNYS"]),
        (["--out", "file"], ["--out file", "is a file; name a folder"]),
        (["--out", "file/below"], ["--out file/below", "is a file; name a folder"]),
        (["--out", "/proc/here"], ["--out /proc/here", "cannot be written"]),
        (["--out", "http://me:secret@h/x"], ["--out http://***@h/x", "name a folder"]),
        (["--out", "foo://x"], ["foo://x", "--out"]),
        (["--data", "foo://me:secret@x"], ["foo://***@x", "--data"]),
        (["--data", "s3://bucket/x"], ["s3://bucket/x", "not installed", "--data"]),
    ],
)
def test_a_run_is_refused_before_it_starts(
    tmp_path: Path, options: list[str], said: list[str]
) -> None:
    (tmp_path / "file").touch()
    done = impact("run", *DATA, *options, cwd=tmp_path)
    refused(done, *said)
    assert "literal" not in done.stderr
    assert "secret" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["simulate", "--out", "file"], ["--out file"]),
        (["calibrate", "--route", "orders", "--source", "panel", "--json", "."], ["--json"]),
        (["backtest-forecasts", "--panel", "absent.csv", "--json", "file/x"], ["--json file/x"]),
        (["ingest", "--source", "lobster", "--data", ".", "--out", "file"], ["--out file"]),
        (["ui", "--port", "99999"], ["--port 99999", "0 to 65535", "--port 5001"]),
    ],
)
def test_other_commands_are_too(tmp_path: Path, command: list[str], said: list[str]) -> None:
    (tmp_path / "file").touch()
    refused(impact(*command, cwd=tmp_path), *said)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_occupied_port_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}: cannot be listened on"):
            check_port(port)


@pytest.mark.parametrize("symbol", ["BRK/B", "ES:M5", "N" * 300, "50%", "A/B:C"])
def test_every_symbol_has_a_registered_name(symbol: str) -> None:
    name = registered_name(symbol)
    assert not {"/", ":"} & set(name)
    assert len(name) <= 250
    assert registered_name(symbol.replace("/", "%2F")) != name or "/" not in symbol


def test_a_full_disk_is_one_line_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, most))  # of a file, as of a disk
    try:
        done = impact(
            *("ingest", "--source", "lobster", "--data", str(zipped(tmp_path)), "--out", "out"),
            cwd=tmp_path,
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    refused(done, "full", "--out")
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_one_symbol_that_cannot_be_used_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    zipped(tmp_path, (STEM,)).rename(tmp_path / "a.zip")
    bad = zipped(tmp_path, (STEM.replace("ABC", "BAD\x1b[2J"),)).rename(tmp_path / "b.zip")
    content = bytearray(bad.read_bytes())
    content[120] ^= 255  # of the packed readme or the messages
    content[230] ^= 255
    bad.write_bytes(content)
    tape = ("ingest", "--source", "lobster", "--data", str(tmp_path), "--out", str(tmp_path / "o"))
    done = impact(*tape, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ABC 2012-06-21" in done.stdout
    assert r"BAD\x1b[2J: left_out: " in done.stdout
    assert "b.zip" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
