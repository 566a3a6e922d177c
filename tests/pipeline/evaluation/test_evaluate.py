"""`impact evaluate` on a small tape: walk-forward, the same orders for all, refusals."""

import json
from pathlib import Path

import pytest

from pipeline.engine.job import open_job
from pipeline.evaluation.candidates import CANDIDATES, LAWS, LEARNED
from pipeline.evaluation.held_out import held_out_days
from pipeline.tape.opening import find_tape
from tests.pipeline.command import impact, refused
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
ASKED = ("--interval", "600s", "--sizes", "1")


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Track into a store of the test's own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return tmp_path


def test_every_candidate_on_the_day_behind_its_parameters(
    small_run: SmallRun, private: Path
) -> None:
    done = impact(
        "evaluate", "--source", "databento", "--data", str(small_run.tape), *ASKED, "--json",
        str(private / "e.json"), "--picture", str(private / "e.png"), "--out",
        str(small_run.folder / "out"), "--symbols", "SIM0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((private / "e.json").read_text(encoding="utf-8"))
    assert (found["symbols"], len(found["dates"])) == (["SIM0"], 1)
    names = {one["candidate"] for one in found["orders"]}
    plain = {name for name in CANDIDATES if not name.startswith("threshold")}
    assert names == plain | {"threshold", "clairvoyant"}
    orders = {(one["symbol"], one["size"], one["side"], one["shares"]) for one in found["orders"]}
    assert len(orders) == 2  # the same shares whatever the candidate and the side
    cost = {
        (one["symbol"], one["size"], one["side"], one["candidate"]): one["walk_bps"]
        for one in found["orders"]
        if one["account"] == "by_price"
    }
    for key, walk in cost.items():
        # depth is kept by moments: who knew all is a reference, and cells have a middle
        assert cost[(*key[:3], "clairvoyant")] <= walk * 1.02
    assert "moment" in done.stdout
    assert (private / "e.png").read_bytes().startswith(b"\x89PNG")


def test_parameters_are_of_the_days_before(small_run: SmallRun) -> None:
    raw = find_tape(small_run.config, str(small_run.folder / "out"))
    with open_job(small_run.config, str(small_run.folder / "out"), raw.bytes) as job:
        held = list(held_out_days(job, raw, 1, 0, True))
    assert [one.session.date for one in held] == ["2025-01-07", "2025-01-08"]
    for one in held:
        assert set(one.params) == {*LAWS, *LEARNED}
        for params in one.params.values():
            assert params.valid.start.startswith(one.session.date)
    # the third day is no part of what the second one is judged with
    config = small_run.config.model_copy(
        update={"data": small_run.config.data.model_copy(update={"as_of": "2025-01-07T09:30:00"})}
    )
    with open_job(config, str(small_run.folder / "out"), raw.bytes) as job:
        (alone,) = held_out_days(job, raw, 1, 0, True)
    for law in (*LAWS, *LEARNED):
        assert alone.params[law].symbols == held[0].params[law].symbols


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--candidates", "twap,wobble"),
        ("--sizes", "none"),
        ("--sizes", "0"),
        ("--history", "0"),
        ("--history", "3"),
        ("--latency", "700s"),
        ("--band", "0"),
    ],
)
def test_refusals(small_run: SmallRun, private: Path, option: str, value: str) -> None:
    done = impact(
        "evaluate", "--source", "databento", "--data", str(small_run.tape), *ASKED, option, value,
        "--out", str(small_run.folder / "out"),
    )  # fmt: skip
    refused(done, option)
