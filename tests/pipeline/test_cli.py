"""The command line: what it teaches, what it refuses, and that a refusal touches nothing."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl
import pytest

from tests.pipeline.command import Done, impact, impact_process, refused
from tests.pipeline.conftest import SmallRun

pytestmark = pytest.mark.xdist_group("end_to_end")


def files(folder: Path) -> dict[str, bytes]:
    """Return a run's files; how the last run ended is none of them."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    return {name: content for name, content in found.items() if name != "status.json"}


def allocate(run: SmallRun, *order: str) -> Done:
    """Schedule an order in SIM0."""
    params = str(run.folder / "out/params.json")
    return impact("allocate", "--params", params, "--symbol", "SIM0", "--stale", *order)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from pipeline.cli import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "heavy = {'numpy', 'pandas', 'polars', 'mlflow', 'scipy', 'distributed', 'pydantic'} & "
        "set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "command",
    ["run", "simulate", "ingest", "allocate", "backtest-forecasts", "calibrate", "placebo", "ui"],
)
def test_every_command_explains_itself(command: str) -> None:
    done = impact(command, "--help")
    assert done.returncode == 0
    assert "--" in done.stdout


def test_allocate_needs_the_parameter_file_alone(small_run: SmallRun, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere.json"
    alone.write_bytes((small_run.folder / "out/params.json").read_bytes())
    done = impact_process(
        "allocate",
        "--params",
        str(alone),
        "--symbol",
        "SIM1",
        "--shares",
        "12000",
        "--side",
        "sell",
        "--lot",
        "100",
        "--risk-aversion",
        "1e-6",
        "--stale",
        "--json",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)["plan"]
    assert sum(row["optimal"] for row in plan) == 12_000
    assert all(row["optimal"] % 100 == 0 for row in plan)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere.json"]


def test_risk_aversion_brings_trading_forward_and_caps_hold(small_run: SmallRun) -> None:
    plans = {}
    for risk in ("0", "1e-5"):
        order = ("--shares", "20000", "--risk-aversion", risk, "--max-participation", "0.05")
        done = allocate(small_run, *order, "--json")
        plans[risk] = pl.DataFrame(json.loads(done.stdout)["plan"])
        assert (plans[risk]["optimal"] <= 0.05 * plans[risk]["volume"]).all()
    early = {risk: plan["optimal"][:100].sum() for risk, plan in plans.items()}
    assert early["1e-5"] > early["0"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--symbol", "NONE"], ["NONE", "SIM0, SIM1"]),
        (["--shares", "-5"], ["shares", "-5"]),
        (["--shares", "999999999"], ["999999999", "--max-participation"]),
        (["--shares", "150", "--lot", "100"], ["150", "lot"]),
        (["--side", "hold"], ["side", "hold"]),
        (["--method", "magic"], ["method", "magic"]),
        (["--risk-aversion", "-1"], ["risk_aversion"]),
        (["--params", "absent.json"], ["absent.json", "--params"]),
    ],
)
def test_allocate_refuses(small_run: SmallRun, change: list[str], said: list[str]) -> None:
    base = {
        "--params": str(small_run.folder / "out/params.json"),
        "--symbol": "SIM0",
        "--shares": "100",
    }
    asked = base | dict(zip(change[::2], change[1::2], strict=True))
    refused(
        impact("allocate", "--stale", *(part for pair in asked.items() for part in pair)), *said
    )


@pytest.mark.parametrize(
    ("route", "source", "said"),
    [
        ("prayer", "panel", ["'prayer'", "orders and flow"]),
        ("orders", "panel", ["--data"]),
        ("flow", "lobster", ["--data"]),
        ("flow", "lobstr", ["lobstr", "lobster"]),
    ],
)
def test_calibrate_refuses(tmp_path: Path, route: str, source: str, said: list[str]) -> None:
    refused(impact("calibrate", "--route", route, "--source", source, cwd=tmp_path), *said)
    assert not list(tmp_path.iterdir())


def test_a_broken_parameter_file_is_named_with_its_key(small_run: SmallRun, tmp_path: Path) -> None:
    content = json.loads((small_run.folder / "out/params.json").read_text())
    content["symbols"]["SIM0"]["law"]["k"] = -1
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    refused(
        impact("allocate", "--params", str(path), "--symbol", "SIM0", "--shares", "10"),
        "broken.json",
        "symbols.SIM0.law.k",
    )


def bad_tapes(folder: Path, tape: Path) -> dict[str, tuple[str, Path, tuple[str, ...]]]:
    """Return source, location and what must be said, for every way a tape can be wrong."""
    whole = pl.read_parquet(next(tape.glob("SIM0-*.parquet")))
    cases = {}

    def case(name: str, source: str, said: tuple[str, ...]) -> Path:
        place = folder / name
        place.mkdir()
        cases[name] = (source, place, said)
        return place

    case("nothing", "databento", ("nothing",))
    (case("empty", "databento", ("a.parquet",)) / "a.mbp-10.parquet").touch()
    whole.drop("bid_px_03").write_parquet(
        case("column", "databento", ("bid_px_03",)) / "b.mbp-10.parquet"
    )
    whole.reverse().write_parquet(
        case("unsorted", "databento", ("c.mbp-10.parquet", "row")) / "c.mbp-10.parquet"
    )
    rows = whole.filter(pl.col("ts_event").dt.hour() >= 15)[:3]
    rows.write_parquet(case("three", "databento", ("SIM0", "periods")) / "d.mbp-10.parquet")
    place = case("zip", "lobster", ("X_2012-06-21",))
    name = "X_2012-06-21_34200000_57600000"
    with zipfile.ZipFile(place / f"LOBSTER_{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}_message_1.csv", "34200.1,1,1,10,1000000,1\n" * 5000)
        archive.writestr(f"{name}_orderbook_1.csv", "1000100,10,1000000,10\n" * 5000)
    cut = place / f"LOBSTER_{name}.zip"
    cut.write_bytes(cut.read_bytes()[:200])
    cases["empty"] = ("databento", folder / "empty", ("a.mbp-10.parquet",))
    return cases


@pytest.mark.parametrize("name", ["nothing", "empty", "column", "unsorted", "three", "zip"])
def test_a_wrong_tape_is_refused_and_earlier_outputs_stay(
    small_run: SmallRun, tmp_path: Path, name: str
) -> None:
    source, place, said = bad_tapes(tmp_path, small_run.tape)[name]
    out = small_run.folder / "out"
    before = files(out)
    refused(
        impact("run", "--source", source, "--data", str(place), "--out", str(out), cwd=tmp_path),
        *said,
    )
    assert files(out) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "bloomberg", "--data", "."], ["bloomberg", "lobster"]),
        (["--source", "lobster"], ["--data"]),
        (["--source", "lobster", "--data", "no/such/place"], ["no/such/place"]),
        (["--calendar", "XNYZ"], ["XNYZ", "XNYS"]),
        (["--workers", "many"], ["workers", "many"]),
        (["--shares", "0"], ["shares"]),
        (["--scheduler", "tcp://127.0.0.1:9"], ["tcp://127.0.0.1:9"]),
        (["--as-of", "noon"], ["noon"]),
    ],
)
def test_run_refuses(
    tmp_path: Path,
    small_tape: Path,
    arguments: list[str],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.engine.executor.CONNECT_SECONDS", 1)  # no scheduler answers
    base = [] if "--source" in arguments else ["--source", "databento", "--data", str(small_tape)]
    refused(impact("run", *base, *arguments, "--out", str(tmp_path / "out"), cwd=tmp_path), *said)


def test_a_refusal_is_exit_code_2_and_one_line_on_stderr(small_tape: Path, tmp_path: Path) -> None:
    tape = ("--source", "databento", "--data", str(small_tape))
    done = impact_process("run", *tape, "--shares", "0", cwd=tmp_path)
    refused(done, "shares")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())


def test_an_unknown_symbol_is_refused_with_those_there_are(
    small_run: SmallRun, tmp_path: Path
) -> None:
    done = impact(
        "run",
        "--source",
        "databento",
        "--data",
        str(small_run.tape),
        "--symbols",
        "SIM0,GOOG",
        "--out",
        str(small_run.folder / "out"),
        cwd=tmp_path,
    )
    refused(done, "GOOG", "SIM0, SIM1")


def test_ingest_counts_what_it_touched(small_run: SmallRun, tmp_path: Path) -> None:
    done = impact(
        "ingest",
        "--source",
        "databento",
        "--data",
        str(small_run.tape),
        "--out",
        str(tmp_path / "out"),
    )
    assert done.returncode == 0, done.stderr
    assert "cross_print" in done.stdout
    assert "out_of_session" in done.stdout


@pytest.mark.parametrize(
    "order", [("25000", "100", "0.1"), ("300000", "100", "0.2"), ("777", "1", "0.2")]
)
def test_no_benchmark_beats_the_plan_and_all_keep_lots_and_caps(
    small_run: SmallRun, order: tuple[str, ...]
) -> None:
    shares, lot, cap = order
    done = allocate(
        small_run, "--shares", shares, "--lot", lot, "--max-participation", cap, "--json"
    )
    said = json.loads(done.stdout)
    cost = {row["method"]: row["cost"] for row in said["costs"]}
    plan = pl.DataFrame(said["plan"])
    assert cost["nlp"] <= cost["optimal"] * (1 + 1e-9)
    for name in ("optimal", "dp", "twap", "vwap"):
        assert cost["optimal"] <= cost[name] + 1e-9 * cost[name]
        assert plan[name].sum() == int(shares)
        assert (plan[name] % int(lot) == 0).all()
        assert (plan[name] <= float(cap) * plan["volume"]).all()


def test_an_order_too_large_for_the_programme_is_planned_with_its_gap_or_refused(
    small_run: SmallRun,
) -> None:
    order = ("--shares", "2000000", "--max-participation", "1")
    done = allocate(small_run, *order)
    assert done.returncode == 0, done.stderr
    assert "dp_left_out" in done.stdout
    assert "not_proved_optimal" not in done.stdout  # convex: proved at any size
    order = (*order, "--own-impact", "none")  # to the letter it is not
    assert "not_proved_optimal" in allocate(small_run, *order).stdout
    refused(allocate(small_run, *order, "--method", "dp"), "dp", "larger lot")
    assert "not_proved_optimal" not in allocate(small_run, *order, "--lot", "100").stdout
