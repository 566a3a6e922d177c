"""Three nights on a small tape, through the functions and the command line."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.config import Config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.parameters.schema import read_params
from pipeline.publication.locks import held
from pipeline.publication.versions import in_force, make_current, runs_of, version_of
from pipeline.retraining import retrain as module
from pipeline.retraining.charging import redated
from pipeline.retraining.nights import LOCK, Check, Night, candidate_of, nights_of
from pipeline.retraining.retrain import retrain
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
DATES = ("2025-01-06", "2025-01-07", "2025-01-08")


class Nights:
    """Three nights of one symbol, done once for all tests; a test that writes undoes it."""

    def __init__(self, small_run: SmallRun, folder: Path) -> None:
        data = small_run.config.data.model_copy(update={"symbols": ("SIM0",)})
        learn = small_run.config.learn.model_copy(update={"trees": 5})
        self.config: Config = small_run.config.model_copy(update={"data": data, "learn": learn})
        self.out, self.tape = str(folder / "out"), small_run.tape
        self.done = [retrain(self.config, self.out, date).night for date in DATES]


@pytest.fixture(scope="module")
def nights(small_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    folder = tmp_path_factory.mktemp("nights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        return Nights(small_run, folder)


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


def test_what_is_charged_was_made_before_the_day(nights: Nights) -> None:
    candidate = candidate_of(DATES[1], nights.out)
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


def test_nights_follow_each_other(nights: Nights) -> None:
    other = nights.config.model_copy(
        update={"learn": nights.config.learn.model_copy(update={"trees": 6})}
    )
    with pytest.raises(InputError, match="is done already"):
        retrain(other, nights.out, DATES[1])


def test_a_failed_check_leaves_what_was_in_force(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Check(name="margin", value=1.0, threshold=0.1, passes=False, words="dear")
    monkeypatch.setattr(module, "checks_of", lambda *asked: (failing,))
    other = nights.config.model_copy(
        update={"learn": nights.config.learn.model_copy(update={"trees": 7})}
    )
    path = Path(nights.out) / f"retraining/night-{DATES[-1]}.json"
    content, runs = path.read_bytes(), runs_of(nights.out)
    try:
        kept = retrain(other, nights.out, DATES[-1]).night
        assert (kept.outcome, kept.why) == ("kept", "margin: dear")
        assert kept.before == nights.done[1].run_id
        # done before with other settings, which came into force
        assert kept.in_force == in_force(nights.out) == nights.done[-1].run_id
        assert runs_of(nights.out) == runs
    finally:
        path.write_bytes(content)


def test_a_night_ended_behind_its_publication_is_judged_as_before(nights: Nights) -> None:
    path = Path(nights.out) / f"retraining/night-{DATES[-1]}.json"
    content = path.read_bytes()
    path.unlink()  # what a night that was killed there leaves
    try:
        again = retrain(nights.config, nights.out, DATES[-1]).night
        assert again.before == nights.done[1].run_id
        assert again.checks == nights.done[-1].checks
        assert again.in_force == in_force(nights.out) == again.run_id
    finally:
        path.write_bytes(content)
        make_current(nights.out, nights.done[-1].run_id)


def test_one_retrainer_at_a_time(nights: Nights) -> None:
    with (
        held(Path(nights.out) / LOCK, 0.0),
        pytest.raises(InputError, match="held by process"),
    ):
        retrain(nights.config, nights.out, DATES[-1])


def test_commands_tell_go_back_and_verify(nights: Nights) -> None:
    told = impact("history", "--out", nights.out)
    assert told.returncode == 0, told.stderr
    assert all(date in told.stdout for date in DATES)
    back = impact("rollback", "--out", nights.out, "--why", "a test")
    try:
        assert back.returncode == 0, back.stderr
        assert in_force(nights.out) == nights.done[1].run_id
        whole = impact("verify", f"{nights.out}/params.json")
        assert nights.done[1].run_id in whole.stdout
        assert "a test" in impact("history", "--out", nights.out).stdout
    finally:
        make_current(nights.out, nights.done[2].run_id)
    refused(impact("rollback", "--out", nights.out, "--run", "none", "--why", "x"), "--run none")


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
        "break",
        "distance",
        "margin",
        "refresh",
    }
