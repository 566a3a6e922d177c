"""Nights as Dagster runs them: by the exchange's calendar, in order."""

import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError, StoreUnreachable
from pipeline.engine.sessions import SessionCalendar
from pipeline.retraining.nights import Check
from pipeline.retraining.retrain import retrain

os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
dg = pytest.importorskip("dagster", reason="needs the extra [schedule]")

from pipeline.schedule import definitions  # noqa: E402

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def instance(tmp_path: Path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as made:
        yield made


def nightly(config=None, out: str = "out", first: str = "2025-01-06"):
    return definitions.nightly(config or load_config(), out, first)


def test_the_session_that_just_closed_is_there() -> None:
    found = definitions.days_from(SessionCalendar("XNYS"), "2025-01-06")
    keys = found.get_partition_keys(current_time=datetime(2025, 1, 10, 18, tzinfo=NEW_YORK))
    assert (keys[0], keys[-1]) == ("2025-01-06", "2025-01-10")


@pytest.mark.parametrize(
    ("day", "runs"), [("2025-01-08", True), ("2025-01-09", False), ("2025-01-11", False)]
)
def test_the_schedule_runs_after_sessions_alone(day: str, runs: bool) -> None:
    nights = nightly()
    schedule = nights.get_schedule_def("every_session")
    assert schedule.cron_schedule == "30 17 * * *"
    assert schedule.execution_timezone == "America/New_York"
    moment = datetime.fromisoformat(f"{day}T17:30:00").replace(tzinfo=NEW_YORK)
    context = dg.build_schedule_context(
        scheduled_execution_time=moment, repository_def=nights.get_repository_def()
    )
    asked = schedule.evaluate_tick(context).run_requests
    assert [one.partition_key for one in asked or ()] == ([day] if runs else [])


@pytest.fixture
def no_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = SimpleNamespace(files=("a", "b"), bytes=10)
    monkeypatch.setattr(definitions, "find_tape", lambda *_: raw)


def test_a_range_is_done_in_order_by_the_commands_own_function(
    monkeypatch: pytest.MonkeyPatch, instance, no_tape: None
) -> None:
    assert definitions.retrain is retrain
    done: list[str] = []

    def night(config, out: str, date: str):
        done.append(date)
        check = Check(name="refresh", value=0.1, threshold=1.0, passes=True, words="")
        facts = {"outcome": "kept", "why": f"night {date}", "in_force": "run-1", "checks": [check]}
        return SimpleNamespace(night=SimpleNamespace(**facts))

    monkeypatch.setattr(definitions, "retrain", night)
    tape, nights = list(nightly().assets)[:2]
    span = ("2025-01-07", "2025-01-10")
    names = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    tags = dict(zip(names, span, strict=True))
    ran = dg.materialize([tape, nights], instance=instance, tags=tags)
    assert ran.success
    assert done == ["2025-01-07", "2025-01-08", "2025-01-10"]  # the 9th was no session
    told = {
        event.partition: event.step_materialization_data.materialization.metadata
        for event in ran.get_asset_materialization_events()
        if event.asset_key.to_user_string() == "night"
    }
    assert told.pop("2025-01-09")["outcome"].value == "no session"
    assert list(told) == done
    for date, facts in told.items():
        assert facts["why"].value == f"night {date}"
        assert facts["outcome"].value == "kept"
        assert "refresh" in facts["checks"].value


@pytest.mark.parametrize(
    ("error", "tries"), [(StoreUnreachable("no answer"), 1), (InputError("a bad row"), 0)]
)
def test_only_a_store_that_does_not_answer_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, instance, no_tape: None, error: InputError, tries: int
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(definitions, "retrain", refuse)
    monkeypatch.setattr(definitions, "AGAIN", dg.RetryPolicy(max_retries=1, delay=0))
    assets = list(nightly().assets)
    done = dg.materialize(
        assets, instance=instance, partition_key="2025-01-06", raise_on_error=False
    )
    events = [event.event_type_value for event in done.all_events]
    assert events.count("STEP_RESTARTED") == tries
    [failed] = [event for event in done.all_events if event.event_type_value == "STEP_FAILURE"]
    assert str(error) in failed.step_failure_data.error_display_string


def test_what_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPACT_OUT", "out")
    monkeypatch.delenv("IMPACT_FIRST", raising=False)
    with pytest.raises(InputError, match="IMPACT_FIRST: not set"):
        definitions._stated()
