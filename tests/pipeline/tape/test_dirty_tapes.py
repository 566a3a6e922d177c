"""Tapes with a hole, a missing day, one level, no sides: the run goes on and says so."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.run import RunResult, run_pipeline
from tests.pipeline.conftest import small_config

pytestmark = pytest.mark.xdist_group("dirty")
NOON = pl.col("ts_event").dt.convert_time_zone("America/New_York").dt.time() >= pl.time(12)


def tapes(tape: Path) -> dict[str, pl.DataFrame]:
    return {path.name: pl.read_parquet(path) for path in sorted(tape.glob("SIM*.parquet"))}


def run(frames: dict[str, pl.DataFrame], folder: Path) -> RunResult:
    (folder / "tape").mkdir()
    for name, frame in frames.items():
        frame.write_parquet(folder / "tape" / name)
    return run_pipeline(small_config(folder / "tape"), "out")


def codes(result: RunResult, symbol: str) -> list[str]:
    return [warning.code for warning in result.results.params.symbols[symbol].warnings]


def test_a_hole_is_unknown_and_a_missing_last_day_is_stale(
    small_tape: Path, tmp_path: Path, own_mlflow: Path
) -> None:
    frames = tapes(small_tape)
    last0, last1 = (
        max(name for name in frames if name.startswith(symbol)) for symbol in ("SIM0", "SIM1")
    )
    frames[last0] = frames[last0].filter(~NOON)
    del frames[last1]
    result = run(frames, tmp_path)
    assert "uncovered" in codes(result, "SIM0")
    assert "stale" in codes(result, "SIM1")
    assert "stale" not in codes(result, "SIM0")


def test_one_level_gives_a_linear_law_within_depth(
    small_tape: Path, tmp_path: Path, own_mlflow: Path
) -> None:
    deeper = tuple(f"_{level:02d}" for level in range(1, 10))
    frames = {
        name: frame.drop([column for column in frame.columns if column.endswith(deeper)])
        for name, frame in tapes(small_tape).items()
        if name.startswith("SIM0")
    }
    result = run(frames, tmp_path)
    one = result.results.params.symbols["SIM0"]
    assert one.law.family == "linear"
    assert "k_not_identified" in codes(result, "SIM0")
    assert result.results.symbols[0].schedule.plan["optimal"].max() <= one.reference.depth_shares


def test_without_sides_gamma_is_zero_and_the_rest_goes_on(
    small_tape: Path, tmp_path: Path, own_mlflow: Path
) -> None:
    frames = {
        name: frame.with_columns(side=pl.lit("N"))
        for name, frame in tapes(small_tape).items()
        if name.startswith("SIM0")
    }
    one = run(frames, tmp_path).results.params.symbols["SIM0"]
    assert one.law.gamma == 0
    assert "gamma_not_identified" in [warning.code for warning in one.warnings]


def test_rows_on_a_day_without_a_session_are_counted(
    small_tape: Path, tmp_path: Path, own_mlflow: Path
) -> None:
    frames = {name: frame for name, frame in tapes(small_tape).items() if name.startswith("SIM0")}
    first = min(frames)
    saturday = frames[first][:500].with_columns(pl.col("ts_event", "ts_recv").dt.offset_by("-2d"))
    frames[first] = pl.concat([saturday, frames[first]])
    quality = run(frames, tmp_path).results.quality.set_index(["date", "rule"])["rows"]
    assert quality["2025-01-04", "out_of_session"] == 500


def test_a_day_that_has_just_begun_has_no_bootstrap_but_a_law(
    small_tape: Path, tmp_path: Path, own_mlflow: Path
) -> None:
    first, second, *_ = sorted(name for name in tapes(small_tape) if name.startswith("SIM0"))
    frames = tapes(small_tape)
    morning = pl.col("ts_event").dt.convert_time_zone("America/New_York").dt.time() < pl.time(
        10, 20
    )
    result = run({first: frames[first], second: frames[second].filter(morning)}, tmp_path)
    # most resamples lack a half-hour that one day alone has
    assert "bootstrap_failed" in codes(result, "SIM0")
    table = result.results.symbols[0].calibration.parameters.set_index("name")
    assert table["bootstrap_error"].isna().all()
    assert table.loc["k", "standard_error"] > 0
