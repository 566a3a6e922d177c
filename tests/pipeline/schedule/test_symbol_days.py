"""Every symbol's days as Dagster prepares them: apart from each other, found by the nights."""

import os
import shutil
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.engine.config import Config, load_config
from pipeline.engine.job import open_job
from pipeline.engine.scope import until_close
from pipeline.engine.sessions import SessionCalendar
from pipeline.fitting import look_ahead
from pipeline.tape.opening import find_tape
from tests.pipeline.conftest import small_config

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
dg = pytest.importorskip("dagster", reason="needs the extra [schedule]")

from pipeline.schedule import definitions, symbol_days  # noqa: E402

SYMBOLS, DATES = ("SIM0", "SIM1"), ("2025-01-06", "2025-01-07")
MOMENT = datetime(2025, 1, 13, 18, tzinfo=ZoneInfo("America/New_York"))


def of_tape(tape: Path, **features: object) -> Config:
    return small_config(tape, data={"period_seconds": 300}, features=features)


def days(config: Config, out: str = "out", symbols: tuple[str, ...] = SYMBOLS):
    """Return the asset's results by symbol and date."""
    [day] = symbol_days.symbol_days(config, out, DATES[0], symbols).assets
    with dg.DagsterInstance.ephemeral() as instance:
        return {
            (symbol, date): dg.materialize(
                [day],
                instance=instance,
                partition_key=dg.MultiPartitionKey({"date": date, "symbol": symbol}),
                raise_on_error=False,
            )
            for symbol in symbols
            for date in DATES
        }


def facts(result) -> dict[str, object]:
    [event] = result.get_asset_materialization_events()
    found = event.step_materialization_data.materialization.metadata
    return {name: one.value for name, one in found.items()}


def counted(stages: list[dict]) -> dict[str, tuple[int, int]]:
    return {one["stage"]: (one["computed"], one["reused"]) for one in stages}


def night(config: Config, out: str, date: str) -> dict[str, tuple[int, int]]:
    """Return what the stages of a night computed and found, up to its forecasts."""
    with open_job(until_close(config, SessionCalendar().session(date)), out, 0) as job:
        look_ahead(job, find_tape(config, out))
        return counted(job.stages)


def test_a_night_finds_the_days_prepared(small_tape: Path, tmp_path: Path) -> None:
    config, out = of_tape(small_tape), str(tmp_path / "out")
    done = days(config, out)
    assert all(one.success for one in done.values())
    first, second = facts(done["SIM0", DATES[0]]), facts(done["SIM1", DATES[0]])
    assert first["quotes"] > first["trades"] > 1000
    assert first["quotes"] != second["quotes"]
    assert "out_of_session" in first["touched"]
    assert "zero_size" not in first["touched"]  # which touched no row
    assert "depth" in first["stages"]
    found = night(config, out, DATES[1])
    assert found["ingest"] == (2, 4)  # those of the third day, which no one prepared
    assert found["screen"] == found["depth"] == (0, 4)
    assert found["features"] == (4, 0)  # at sizes that follow from all days


def test_all_is_measured_where_sizes_are_configured(small_tape: Path, tmp_path: Path) -> None:
    config, out = of_tape(small_tape, sizes=(200.0, 800.0, 2000.0)), str(tmp_path / "out")
    assert all(one.success for one in days(config, out).values())
    found = night(config, out, DATES[1])
    assert found["screen"] == found["features"] == (0, 4)


def test_a_symbol_that_is_refused_fails_alone(small_tape: Path, tmp_path: Path) -> None:
    shutil.copytree(small_tape, tmp_path / "tape")
    path = tmp_path / "tape/SIM1-20250107.mbp-10.parquet"
    other = pl.col("side").replace({"A": "B", "B": "A"})
    trade = pl.col("action") == "T"
    day = pl.read_parquet(path).with_columns(side=pl.when(trade).then(other).otherwise("side"))
    day.write_parquet(path)
    done = days(of_tape(tmp_path / "tape"), str(tmp_path / "out"))
    assert [key for key, one in done.items() if not one.success] == [("SIM1", DATES[1])]
    events = done["SIM1", DATES[1]].all_events
    assert "STEP_RESTARTED" not in [event.event_type_value for event in events]
    [failed] = [event for event in events if event.event_type_value == "STEP_FAILURE"]
    assert "the sides are the other way round" in failed.step_failure_data.error_display_string


def test_a_day_without_tape_is_told(small_tape: Path, tmp_path: Path) -> None:
    [day] = symbol_days.symbol_days(of_tape(small_tape), str(tmp_path), DATES[0], ["SIM0"]).assets
    key = dg.MultiPartitionKey({"date": "2025-01-13", "symbol": "SIM0"})
    with pytest.raises(dg.Failure, match="2025-01-13: none of the 6 files is of it by its name"):
        dg.materialize([day], partition_key=key, instance=dg.DagsterInstance.ephemeral())


def test_partitions_are_sessions_and_symbols() -> None:
    config = load_config(None, {"data": {"symbols": ("A", "B"), "since": "2025-01-04"}})
    [day] = symbol_days.symbol_days(config, "out", "2025-06-02").assets
    keys = day.partitions_def.get_partition_keys(current_time=MOMENT)
    sessions = ("06", "07", "08", "10", "13")  # the 9th was none
    assert keys == [f"2025-01-{date}|{symbol}" for date in sessions for symbol in "AB"]


@pytest.mark.parametrize(("named", "there"), [("", False), ("A, B,A", True)])
def test_symbols_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, named: str, there: bool
) -> None:
    monkeypatch.delenv("IMPACT_CONFIG", raising=False)
    for name, value in (("OUT", "out"), ("FIRST", "2025-01-06"), ("SYMBOLS", named)):
        monkeypatch.setenv(f"IMPACT_{name}", value)
    stated = definitions._stated()
    assets = [asset for asset in stated.assets if "day" in asset.key.to_user_string()]
    assert bool(assets) == there
    names = {job.name for job in stated.resolve_all_job_defs()}
    assert ("days" in names) == there
    for asset in assets:
        symbols = asset.partitions_def.get_partitions_def_for_dimension("symbol")
        assert symbols.get_partition_keys() == ["A", "B"]


def test_days_run_side_by_side_and_nights_do_not(tmp_path: Path) -> None:
    settings = Path(__file__).parents[3] / "docs/schedule/dagster.yaml"
    shutil.copy(settings, tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        config = instance.get_concurrency_config()
    assert config.run_queue_config.max_concurrent_runs > 1
    assert config.pool_config.default_pool_limit == 1
    assert config.pool_config.pool_granularity.value == "run"
    tape, night, parameters = definitions.nightly(load_config(), "out", DATES[0]).assets
    assert (tape.op.pool, night.op.pool, parameters.op.pool) == (None, "nights", None)
