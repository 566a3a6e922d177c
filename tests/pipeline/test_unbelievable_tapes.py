"""Tapes with absurd rows, flipped sides and scales: the same measurements, or no plan."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.job import open_job
from pipeline.engine.tables import Features
from pipeline.stages.measuring.measurement import measure_days
from pipeline.stages.screening.believed import believed_tape
from pipeline.tape.opening import find_tape, open_tape
from tests.pipeline.command import Done, impact, refused

TRADE, SECOND = pl.col("action") == "T", "SIM0-20250107.mbp-10.parquet"
MINUTE = (pl.col("ts_event") - pl.datetime(2025, 1, 7, 14, 30, time_zone="UTC")).dt.total_minutes()
PLACE = pl.int_range(pl.len())
MANY = TRADE & (PLACE % 450 == 0)
CONFIG = "[data]\nperiod_seconds = 300\n[learn]\ntrees = 5\n"


@pytest.fixture
def work(own_mlflow: Path) -> Path:
    (own_mlflow / "short.toml").write_text(CONFIG)
    return own_mlflow


def tape(source: Path, folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Path:
    """Write the first symbol's three days, the second of them changed."""
    folder.mkdir()
    for path in sorted(source.glob("SIM0-*.parquet")):
        day = pl.read_parquet(path).with_columns(pl.col("^size|.*_sz_.*$").cast(pl.Int64))
        (change(day) if path.name == SECOND else day).write_parquet(folder / path.name)
    return folder


def run(folder: Path, *more: str) -> Done:
    out = f"{folder.name}-out"
    given = ("--source", "databento", "--data", str(folder), "--out", out, "--workers", "0")
    return impact("run", *given, "--shares", "2000", "--config", "short.toml", *more)


def flipped(day: pl.DataFrame) -> pl.DataFrame:
    other = pl.col("side").replace({"A": "B", "B": "A"})
    return day.with_columns(side=pl.when(TRADE).then(other).otherwise(pl.col("side")))


def hundredfold(day: pl.DataFrame, rows: pl.Expr) -> pl.DataFrame:
    price = pl.col("^price|.*_px_.*$")
    return day.with_columns(pl.when(rows).then(price * 100).otherwise(price))


def absurd(day: pl.DataFrame) -> pl.DataFrame:
    """Let a minute be a hundredfold, one ask a billion, some trades four billion shares."""
    day = hundredfold(day, MINUTE == 150)
    ask = pl.when((PLACE == 5_000) & ~TRADE).then(1e9).otherwise(pl.col("ask_px_00"))
    size = pl.when(MANY).then(4_000_000_000).otherwise(pl.col("size"))
    return day.with_columns(ask_px_00=ask, size=size)


def sensible(day: pl.DataFrame) -> pl.DataFrame:
    """Leave the same rows out; the book that an absurd trade met stands, and only it goes."""
    size = pl.when(MANY).then(0).otherwise(pl.col("size"))
    return day.with_columns(size=size).filter(MINUTE != 150, (PLACE != 5_000) | TRADE)


def measured(folder: Path) -> tuple[Features, ...]:
    config = load_config("short.toml", {"data": {"source": "databento", "location": str(folder)}})
    raw = find_tape(config, f"{folder.name}-out")
    with open_job(config, f"{folder.name}-out", raw.bytes) as job:
        opened = open_tape(job, raw)
        whole, _ = believed_tape(job, opened, opened.scope)
        return tuple(day.load() for day in measure_days(job, whole)["SIM0"])


def test_absurd_rows_leave_measurements_as_they_are_without_them(work: Path, small_tape: Path):
    folders = [
        tape(small_tape, work / name, change)
        for name, change in (("dirty", absurd), ("without", sensible), ("clean", lambda day: day))
    ]
    dirty, without, clean = map(measured, folders)
    for one, other in zip(dirty, without, strict=True):
        for name in vars(one):
            assert getattr(one, name).equals(getattr(other, name)), name
    assert not dirty[1].periods.equals(clean[1].periods)
    assert dirty[0].periods.equals(clean[0].periods)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (flipped, "sides_flipped"),
        (lambda day: hundredfold(day, MINUTE >= 195), "two_scales"),
        (lambda day: hundredfold(day, pl.lit(True)), "two_scales"),
        (lambda day: day.with_columns(pl.col("size").cast(pl.Int64) * 1000), "two_size_scales"),
        (lambda day: day.with_columns(pl.col("^.*_sz_.*$") * 1000), "two_size_scales"),
    ],
)
def test_a_day_that_cannot_be_believed_refuses_the_run(
    change: Callable[[pl.DataFrame], pl.DataFrame], code: str, work: Path, small_tape: Path
):
    folder = tape(small_tape, work / "tape", change)
    refused(run(folder), "SIM0 2025-01-0", f"--accept {code}", code=3)
    assert not Path("tape-out/params.json").exists()


def test_one_symbol_of_two_is_left_out_by_name_and_the_other_goes_on(work: Path, small_tape: Path):
    folder = tape(small_tape, work / "tape", flipped)
    for path in small_tape.glob("SIM1-*.parquet"):
        shutil.copy(path, folder)
    done = run(folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "1 of 2 symbols left out"
    assert lines[1].startswith("SIM0 is left out: SIM0 2025-01-07 09:30")
    assert lines[1].endswith("--accept sides_flipped")
    assert list(json.loads(Path("tape-out/params.json").read_text())["symbols"]) == ["SIM1"]
    told = json.loads(Path("tape-out/status.json").read_text())
    assert (told["state"], told["exit_code"], told["refusals"]["symbols"]) == ("published", 0, 1)
    assert told["version"] == f"versions/{told['in_force']}" == f"versions/{told['run_id']}"
    assert told["data"]["files"] == 6
    assert told["data"]["symbol_days"] == 3
    refused(run(folder, "--symbols", "SIM0,SIM1"), "SIM0 2025-01-07", code=3)  # asked for
    later = json.loads(Path("tape-out/status.json").read_text())
    assert (later["state"], later["exit_code"], later["version"]) == ("refused", 3, None)
    assert later["in_force"] == told["run_id"] != later["run_id"]
    assert "--accept sides_flipped" in later["message"]
    asked = ("--source", "databento", "--data", str(folder), "--out", "tape-out")
    flow = impact("calibrate", "--route", "flow", *asked, "--workers", "0")
    assert flow.returncode == 0, flow.stderr
    assert "SIM0 is left out: SIM0 2025-01-07" in flow.stdout
    assert "\nSIM1" in flow.stdout


def test_where_every_symbol_is_refused_the_run_is(work: Path, small_tape: Path):
    folder = tape(small_tape, work / "tape", flipped)
    for path in folder.glob("SIM0-*.parquet"):
        day = pl.read_parquet(path).with_columns(symbol=pl.lit("SIM9"))
        size = pl.col("size").cast(pl.Int64) + (TRADE & (PLACE % 7 == 0))  # no copy of the other
        day.with_columns(size=size).write_parquet(folder / path.name.replace("SIM0", "SIM9"))
    refused(run(folder), "SIM0 2025-01-07", "--accept sides_flipped", code=3)
    assert not Path("tape-out/params.json").exists()


def test_what_is_accepted_and_what_is_left_out_is_said_with_its_time(work: Path, small_tape: Path):
    folder = tape(small_tape, work / "tape", lambda day: flipped(absurd(day)))
    done = run(folder, "--accept", "sides_flipped")
    assert done.returncode == 0, done.stderr
    (line,) = [one for one in done.stdout.splitlines() if one.startswith("found: SIM0 sides_f")]
    assert line.startswith("found: SIM0 sides_flipped: 2025-01-07 09:30")
    moved = re.search(r"without the day log α [+-].*, γ \+(\d+)%, the plan's cost [+-]", line)
    assert moved
    assert int(moved.group(1)) > 20
    again = ("--params", "tape-out/params.json", "--symbol", "SIM0", "--shares", "1000")
    assert "  sides_flipped: 2025-01-07 09:30" in impact("allocate", *again, "--stale").stdout
    found = json.loads(Path("tape-out/params.json").read_text())["symbols"]["SIM0"]
    said = {one["code"]: one["message"] for one in found["warnings"]}
    assert said["sides_flipped"].startswith("2025-01-07 09:30")
    assert said["implausible_price"].startswith("2025-01-07 ")
    quality = pl.read_csv("tape-out/quality.csv").filter(pl.col("rule") == "implausible_size")
    assert quality["date"].to_list() == ["2025-01-07"]
    page = Path("tape-out/report-run.html").read_text()
    assert re.search(r"2025-01-07 09:30:\d\d–1\d:\d\d:\d\d</td><td[^>]*>sides_flipped", page)


def test_a_code_that_refuses_nothing_is_refused_with_the_nearest(work: Path):
    refused(run(work, "--accept", "side_flipped"), "did you mean sides_flipped")
