"""`impact replay`: the table, its JSON, and orders that it refuses."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.pipeline.command import Done, impact, refused
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")
POLICIES = "rule,twap,waiting-twap,threshold:20,vwap,pov,static,ac,adaptive"
PARTS = ["spread", "walk", "permanent", "drift", "opportunity"]


@pytest.fixture
def last_day(small_run: SmallRun, tmp_path: Path) -> str:
    """Write the run's parameters for the tape's last day, and return the file."""
    text = (small_run.folder / "out/params.json").read_text(encoding="utf-8")
    planned, last = json.loads(text)["valid"]["from"][:10], "2025-01-08"
    (tmp_path / "params.json").write_text(text.replace(planned, last), encoding="utf-8")
    return str(tmp_path / "params.json")


def asked(run: SmallRun, params: str, *more: str) -> Done:
    return impact(
        "replay", "--source", "databento", "--data", str(run.tape), "--params", params,
        "--symbol", "SIM0", "--shares", "2000", *more, "--out", str(run.folder / "out"),
    )  # fmt: skip


def test_policies_beside_each_other(small_run: SmallRun, last_day: str, tmp_path: Path) -> None:
    out = tmp_path / "replay.json"
    done = asked(
        small_run, last_day, "--policy", POLICIES, "--interval", "30s", "--start", "10:30",
        "--end", "11:30", "--json", str(out),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["policy"], found["date"], found["moments"]) == ("rule", "2025-01-08", 120)
    assert [one["policy"] for one in found["beside"]] == POLICIES.split(",")[1:]
    permanent = found["parts_bps"]["permanent"]
    for one in (found, *found["beside"]):
        parts = one["parts_bps"]
        assert list(parts) == PARTS
        assert sum(parts.values()) == pytest.approx(one["shortfall_bps"], abs=1e-9)
        assert parts["spread"] + parts["walk"] == pytest.approx(one["walk_bps"], abs=1e-9)
        assert parts["permanent"] == permanent
        assert list(one["markouts_bps"]) == ["1", "5", "30", "60", "300"]
        assert one["filled"] == 2000
        assert f"{one['walk_bps']:.3f}" in done.stdout
        assert f"{one['walk_over_predicted_mid_bps']:.3f}" in done.stdout
        if one["policy"] != "twap":
            told = one["against_twap"]
            walk = one["walk_bps"] - found["beside"][0]["walk_bps"]
            assert told["walk_difference_bps"] == pytest.approx(walk, abs=1e-9)
            assert told["blocks"] == 4  # quarters of an hour: too few for an error
            assert (told["error_bps"], told["verdict"]) == (None, "undecided")
    again = asked(
        small_run, last_day, "--interval", "30", "--start", "10:30", "--end", "11:30",
        "--phases", "3", "--json", str(out),
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    alone = json.loads(out.read_text(encoding="utf-8"))
    assert (alone["policy"], alone["beside"]) == ("twap", [])
    assert alone["shown_depth"]["filled_beyond_shown"] == 0
    phases = alone["walk_bps_by_phase"]
    assert phases[0] == found["beside"][0]["walk_bps"]
    assert len(set(phases)) == 3
    assert alone["walk_bps"] == pytest.approx(sum(phases) / 3)


def test_a_sheet_holds_what_the_replay_says(
    small_run: SmallRun, last_day: str, tmp_path: Path
) -> None:
    out, folder = tmp_path / "replay.json", tmp_path / "sheet"
    window = ("--start", "10:30", "--end", "11:00", "--phases", "2", "--sheet", str(folder))
    done = asked(small_run, last_day, "--policy", "threshold:20", *window, "--json", str(out))
    assert done.returncode == 0, done.stderr
    names = {"orders.csv", "fills.csv", "moments.csv", "sheet.json", "sheet.html"}
    assert {file.name for file in folder.iterdir()} == names
    told = json.loads((folder / "sheet.json").read_text(encoding="utf-8"))
    said = json.loads(out.read_text(encoding="utf-8"))
    assert told.pop("benchmark_prices").keys() == {"arrival", "twap", "vwap", "close"}
    plan = told.pop("told")
    for one in (told, *told["beside"]):
        against = one.pop("slippage_bps")
        assert against["told"] == pytest.approx(one["walk_bps"] - plan["walk_bps"], abs=0.01)
    assert told == said
    fills = pd.read_csv(folder / "fills.csv")
    for one in (said, *said["beside"]):
        mine = fills[fills["policy"] == one["policy"]]
        walk = float(mine["shares"] @ mine["over_mid_bps"]) / 2000
        assert walk == pytest.approx(one["walk_bps_by_phase"][0], abs=1e-9)
    before = {name: (folder / name).read_bytes() for name in names}
    again = asked(small_run, last_day, "--policy", "threshold:20", *window)
    assert again.returncode == 0, again.stderr
    assert {name: (folder / name).read_bytes() for name in names} == before
    refused(asked(small_run, last_day, "--sheet", str(tmp_path)), "holds params.json")


def test_risk_aversion_hurries_the_plans_alone(
    small_run: SmallRun, last_day: str, tmp_path: Path
) -> None:
    out, arrived = tmp_path / "replay.json", {}
    for risk_aversion in ("0", "1e-3"):
        done = asked(
            small_run, last_day, "--policy", "ac,static,adaptive,vwap,twap", "--interval", "30s",
            "--start", "10:30", "--end", "11:30", "--risk-aversion", risk_aversion,
            "--json", str(out),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = json.loads(out.read_text(encoding="utf-8"))
        arrived[risk_aversion] = {
            one["policy"]: one["parts_bps"] for one in (found, *found["beside"])
        }
    neutral, averse = arrived["0"], arrived["1e-3"]
    assert neutral["ac"] == neutral["twap"]
    for policy in ("vwap", "twap"):
        assert averse[policy] == neutral[policy]
    for policy in ("ac", "static", "adaptive"):
        assert averse[policy]["drift"] != neutral[policy]["drift"]


def test_what_cannot_be_replayed_is_refused(small_run: SmallRun, last_day: str) -> None:
    other = str(small_run.folder / "out/params.json")
    refused(asked(small_run, other), "2025-01-10", "the tape has none", "2025-01-08")
    refused(asked(small_run, last_day, "--policy", "best"), "--policy best", "waiting-twap")
    refused(asked(small_run, last_day, "--policy", "threshold:x"), "0 to 100 per cent")
    refused(asked(small_run, last_day, "--policy", "twap:5"), "--policy twap:5")
    refused(asked(small_run, last_day, "--policy", "twap,twap"), "twice")
    refused(asked(small_run, last_day, "--interval", "soon"), "--interval soon", "10s")
    refused(asked(small_run, last_day, "--interval", "0s"), "--interval 0")
    refused(asked(small_run, last_day, "--latency", "10s"), "--latency 10", "below --interval")
    refused(asked(small_run, last_day, "--half-life", "0s"), "--half-life 0")
    refused(asked(small_run, last_day, "--band", "2"), "--band 2")
    refused(asked(small_run, last_day, "--start", "18:00"), "no period begins")
    refused(asked(small_run, last_day, "--symbol", "ABC"), "ABC")
