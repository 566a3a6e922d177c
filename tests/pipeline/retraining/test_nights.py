"""Three nights on a small tape, through the functions and the command line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import polars as pl
import pytest

from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.job import open_job
from pipeline.engine.sessions import SessionCalendar
from pipeline.parameters.schema import read_params
from pipeline.publication.locks import held
from pipeline.publication.versions import in_force, make_current, runs_of, version_of
from pipeline.retraining import retrain as module
from pipeline.retraining.charging import redated
from pipeline.retraining.nights import LOCK, Check, Night, made_on, nights_of
from pipeline.retraining.retrain import retrain
from pipeline.tape.opening import find_tape, ingest_files
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun
from tests.pipeline.retraining.conftest import DATES, Nights

pytestmark = pytest.mark.xdist_group("end_to_end")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def test_each_night_is_for_the_next_session_and_judged_on_the_last(nights: Nights) -> None:
    calendar = SessionCalendar()
    for night in nights.done:
        assert night.session == calendar.next_session(night.date).date
    assert [one.outcome for one in nights.done] == ["first", "promoted", "promoted"]
    first, second, third = nights.done
    assert first.before is None
    assert (second.before, third.before) == (first.run_id, second.run_id)
    assert first.charged is None
    assert third.charged is not None
    assert third.charged.date == third.date == second.session
    assert in_force(nights.out) == third.run_id
    assert nights_of(nights.out) == nights.done


def test_a_file_tells_that_its_law_s_family_was_held(nights: Nights) -> None:
    files = [f"{version_of(nights.out, night.run_id)}/params.json" for night in nights.done]
    first, *later = [read_params(file).symbols["SIM0"].law.chosen_by for file in files]
    assert first in ("regret", "deviance")
    assert later == ["held", "held"]


def test_a_night_is_given_the_order_sizes_of_the_night_before(nights: Nights) -> None:
    told = [night.symbols["SIM0"].sizes for night in nights.done]
    assert nights.sizes_before == [(), *told[:-1]]
    for night, sizes in zip(nights.done, told, strict=True):
        params = read_params(f"{version_of(nights.out, night.run_id)}/params.json")
        assert params.symbols["SIM0"].fitted_shares == (sizes[0], sizes[-5])


def test_what_is_charged_was_made_before_the_day(nights: Nights) -> None:
    candidate = made_on(DATES[1], nights.out)["candidate"]
    assert candidate.run_id == nights.done[1].run_id
    assert candidate.valid.start[:10] == DATES[2]
    old = read_params(f"{version_of(nights.out, nights.done[0].run_id)}/params.json")
    moved = redated(old, SessionCalendar().session(DATES[2]))
    for name, one in moved.symbols.items():
        kept = old.symbols[name]
        assert {each.start[:10] for each in one.periods} == {DATES[2]}
        for then, now in zip(kept.periods, one.periods, strict=True):
            assert then.model_dump(exclude={"start"}) == now.model_dump(exclude={"start"})
        assert kept.law == one.law


def test_the_same_night_twice_does_nothing(nights: Nights) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(nights.out).glob("retraining/*")}
    runs = runs_of(nights.out)
    again = retrain(nights.config, nights.out, DATES[-1])
    assert not again.anew
    assert again.night == nights.done[-1]
    assert runs_of(nights.out) == runs
    for path, time in before.items():
        assert path.name == ".lock" or path.stat().st_mtime_ns == time


def test_a_history_that_begins_anew_is_one_symbol_s(small_run: SmallRun) -> None:
    out = str(small_run.folder / "out")
    raw = find_tape(small_run.config, out)
    with open_job(small_run.config, out, raw.bytes) as job:
        days, _, _ = ingest_files(replace(job, since={"SIM0": DATES[1]}), raw)
    of_symbol = {
        name: [day.date for day in days if day.symbol == name] for name in ("SIM0", "SIM1")
    }
    assert of_symbol == {"SIM0": list(DATES[1:]), "SIM1": list(DATES)}


def test_nights_follow_each_other(nights: Nights) -> None:
    other = other_trees(nights, 6)
    with pytest.raises(InputError, match="is done already"):
        retrain(other, nights.out, DATES[1])


def other_trees(nights: Nights, trees: int) -> Config:
    """Return a configuration with which a night is done anew."""
    learn = nights.config.learn.model_copy(update={"trees": trees})
    return nights.config.model_copy(update={"learn": learn})


def test_a_failed_check_keeps_what_was_in_force_and_can_be_overruled(
    own_nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Check(name="margin", value=1.0, threshold=0.1, passes=False, words="dear")
    monkeypatch.setattr(module, "checks_of", lambda *asked: (failing,))
    kept = retrain(other_trees(own_nights, 7), own_nights.out, DATES[-1]).night
    assert (kept.outcome, kept.why) == ("kept", "margin: dear")
    assert kept.before == own_nights.done[1].run_id
    # done before with other settings, which came into force
    assert kept.in_force == in_force(own_nights.out) == own_nights.done[-1].run_id
    assert kept.run_id in runs_of(own_nights.out)
    assert kept.forms == own_nights.done[-1].forms
    back = impact("rollback", "--out", own_nights.out, "--why", "a test")
    assert back.returncode == 0, back.stderr
    assert in_force(own_nights.out) == own_nights.done[1].run_id  # not the one held back
    done = impact("promote", "--out", own_nights.out, "--version", kept.run_id, "--why", "it is ok")
    assert done.returncode == 0, done.stderr
    assert in_force(own_nights.out) == kept.run_id
    told = impact("history", "--out", own_nights.out).stdout
    assert "margin: dear" in told
    assert "it is ok" in told


def test_a_damaged_pointer_is_named_and_mended_by_going_back(own_nights: Nights) -> None:
    pointer = Path(own_nights.out) / "current.json"
    pointer.resolve().write_text('{"run_id": 1}')
    asked = ("retrain", "--source", "databento", "--data", str(own_nights.tape))
    refused(impact(*asked, "--as-of", "2025-01-10", "--out", own_nights.out), "current.json")
    back = impact("rollback", "--out", own_nights.out, "--why", "a torn manifest")
    assert back.returncode == 0, back.stderr
    assert in_force(own_nights.out) == own_nights.done[1].run_id


def test_another_family_comes_in_force_where_it_is_shown_to_be_better(
    own_nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = own_nights.done[-1]
    assert last.charged is not None
    name = "square_root"
    assert name in last.charged.rivals
    look = Check(name=name, value=0.0, threshold=0.001, passes=True, words="shown")
    passing = Check(name="refresh", value=0.0, threshold=0.1, passes=True, words="no worse")
    failing = Check(name="break", value=9.0, threshold=5.0, passes=False, words="apart")
    monkeypatch.setattr(module, "looks_of", lambda *asked: (look,))
    monkeypatch.setattr(module, "checks_of", lambda *asked: (passing,))
    changed = retrain(other_trees(own_nights, 8), own_nights.out, DATES[-1]).night
    assert changed.outcome == "changed"
    assert {form.law for form in changed.forms.values()} == {"spread_sqrt"}
    params = read_params(f"{own_nights.out}/params.json")
    assert {one.law.family for one in params.symbols.values()} == {"spread_sqrt"}
    assert params.run_id == changed.in_force == changed.run_id
    monkeypatch.setattr(module, "checks_of", lambda *asked: (failing,))
    kept = retrain(other_trees(own_nights, 9), own_nights.out, DATES[-1]).night
    assert kept.outcome == "kept"  # nothing rests on data that lie apart


def test_a_night_ended_behind_its_publication_is_judged_as_before(own_nights: Nights) -> None:
    path = Path(own_nights.out) / f"retraining/night-{DATES[-1]}.json"
    path.unlink()  # what a night that was killed there leaves
    again = retrain(own_nights.config, own_nights.out, DATES[-1]).night
    assert again.before == own_nights.done[1].run_id
    assert again.checks == own_nights.done[-1].checks
    assert again.in_force == in_force(own_nights.out) == again.run_id


def test_one_retrainer_at_a_time(nights: Nights) -> None:
    with (
        held(Path(nights.out) / LOCK, 0.0),
        pytest.raises(InputError, match="held by process"),
    ):
        retrain(nights.config, nights.out, DATES[-1])


def test_commands_tell_go_back_and_verify(own_nights: Nights) -> None:
    told = impact("history", "--out", own_nights.out)
    assert told.returncode == 0, told.stderr
    assert all(date in told.stdout for date in DATES)
    back = impact("rollback", "--out", own_nights.out, "--why", "a test")
    assert back.returncode == 0, back.stderr
    assert in_force(own_nights.out) == own_nights.done[1].run_id
    whole = impact("verify", f"{own_nights.out}/params.json")
    assert own_nights.done[1].run_id in whole.stdout
    aliases = mlflow.MlflowClient(own_nights.store).get_registered_model("impact-SIM0").aliases
    number = {name: int(version) for name, version in aliases.items()}
    assert number["previous"] == number["champion"] + 1  # the one that was in force before
    assert "a test" in impact("history", "--out", own_nights.out).stdout
    refused(
        impact("rollback", "--out", own_nights.out, "--run", "none", "--why", "x"), "--run none"
    )


def test_the_registry_says_what_is_in_force(nights: Nights) -> None:
    client = mlflow.MlflowClient(nights.store)
    versions = {
        version.run_id: version.version
        for version in client.search_model_versions("name = 'impact-SIM0'")
    }
    number = {
        client.get_run(run_id).data.tags["run_id"]: int(version)
        for run_id, version in versions.items()
    }
    aliases = client.get_registered_model("impact-SIM0").aliases
    _, second, third = (number[one.run_id] for one in nights.done)
    assert int(aliases["champion"]) == third
    assert int(aliases["previous"]) == second
    assert "challenger" not in aliases  # tonight's is the champion
    tags = client.get_model_version("impact-SIM0", str(third)).tags
    assert tags["in_force_why"] == nights.done[2].why
    runs = client.search_runs(
        [one.experiment_id for one in client.search_experiments()],
        f"tags.run_id = '{nights.done[2].run_id}' and tags.level = 'run'",
    )
    measured = runs[0].data.metrics
    for check in nights.done[2].checks:
        if check.value is not None:
            assert measured[f"gate/{check.name}"] == pytest.approx(check.value)
    assert "gate.json" in runs[0].data.tags["mlflow.loggedArtifacts"]
    page = (Path(version_of(nights.out, nights.done[2].run_id)) / "report-run.html").read_text()
    assert all(check.name in page for check in nights.done[2].checks)


def test_a_changed_file_is_told(nights: Nights) -> None:
    path = Path(version_of(nights.out, nights.done[0].run_id)) / "params.json"
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b'"k": 1.', b'"k": 2.', 1))
        refused(impact("verify", str(path)), "SHA-256")
        with pytest.raises(InputError, match="SHA-256"):
            make_current(nights.out, nights.done[0].run_id)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("damage", ["{", "[]", '{"date": "2025-01-06"}'])
def test_a_damaged_night_is_named(nights: Nights, damage: str) -> None:
    path = Path(nights.out) / "retraining/night-2025-01-05.json"
    path.write_text(damage)
    try:
        refused(impact("history", "--out", nights.out), path.name)
    finally:
        path.unlink()


def test_exit_codes(nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("retrain", "--as-of", DATES[0], "--source", "databento", "--data", str(nights.tape))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert impact(*asked, "--out", str(tmp_path / "out")).returncode == 4
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/m.db")
    refused(
        impact(*asked[:2], "2025-01-04", *asked[3:], "--out", str(tmp_path / "o")), "2025-01-04"
    )


def test_a_poisoned_day_is_refused_and_what_was_in_force_stays(
    nights: Nights, tmp_path: Path
) -> None:
    tape = tmp_path / "tape"
    shutil.copytree(nights.tape, tape)
    path = next(tape.glob(f"SIM0-{DATES[2].replace('-', '')}*"))
    rows, trade = pl.read_parquet(path), pl.col("action") == "T"
    other = pl.col("side").replace({"A": "B", "B": "A"})
    rows.with_columns(pl.when(trade).then(other).otherwise("side").alias("side")).write_parquet(
        path
    )
    before = in_force(nights.out)
    done = impact(
        "retrain", "--as-of", DATES[2], "--source", "databento", "--data", str(tape), "--symbols",
        "SIM0", "--out", nights.out,
    )  # fmt: skip
    assert done.returncode == 3
    assert "sides_flipped" in done.stderr
    assert in_force(nights.out) == before


def test_a_night_says_what_it_is_made_of(nights: Nights) -> None:
    content = json.loads(nights.done[2].model_dump_json())
    assert Night.model_validate(content) == nights.done[2]
    assert {check["name"] for check in content["checks"]} == {
        "admissible",
        "break",
        "coverage",
        "distance",
        "drift",
        "margin",
        "quality",
        "refresh",
    }
