"""A tape of a market with a lunch break, from the vendor's rows to the plan."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from models.simulation.market import MarketConfig, simulate_day
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.run import RunResult, run_pipeline
from pipeline.tape.simulate import to_databento
from tests.pipeline.command import impact
from tests.pipeline.conftest import small_config

SECONDS, SHARES = 300, 30_000
CALENDAR = SessionCalendar("XTKS", SECONDS)
DATES = ("2025-01-06", "2025-01-07")
LUNCH_ROWS = 40  # quotes that a vendor shows while the market is closed


def tokyo_tape(folder: Path) -> int:
    """Write two days of a made market, put off by an hour from 11:30 on; return its odd rows."""
    sessions = [CALENDAR.session(date) for date in DATES]
    minutes = tuple(
        sum(end - begin for begin, end in each.stretches) // (60 * SECOND_NS) for each in sessions
    )
    outside = 0
    for day, session in enumerate(sessions):
        (begin, end) = session.breaks[0]
        made = simulate_day(MarketConfig(1, 3, minutes), 0, day)
        rows = to_databento(made, "7203", 1, session.open_ns).with_columns(
            pl.col("ts_event", "ts_recv").cast(pl.Int64)
        )
        late = pl.when(pl.col("ts_event") >= begin).then(end - begin).otherwise(0)
        rows = rows.with_columns(
            ts_event=pl.col("ts_event") + late, ts_recv=pl.col("ts_recv") + late
        )
        morning = rows.filter(pl.col("ts_event") < begin)
        lunch = (
            morning.filter(pl.col("action") == "A")
            .tail(LUNCH_ROWS)
            .with_columns(
                pl.Series("ts_event", begin + np.arange(LUNCH_ROWS) * 90 * SECOND_NS),
                bid_sz_00=pl.lit(10**6, dtype=pl.UInt32),  # would bend depth if it stood
            )
            .with_columns(ts_recv=pl.col("ts_event"))
        )
        rows = pl.concat([morning, lunch, rows.filter(pl.col("ts_event") >= end)])
        outside += LUNCH_ROWS + rows.filter(pl.col("ts_event") < session.open_ns).height
        times = pl.col("ts_event", "ts_recv").cast(pl.Datetime("ns", "UTC"))
        rows.with_columns(times).write_parquet(folder / f"7203-{day}.mbp-10.parquet")
    return outside


@pytest.fixture
def run(tmp_path: Path, own_mlflow: Path) -> tuple[RunResult, int]:
    tape = tmp_path / "tape"
    tape.mkdir()
    outside = tokyo_tape(tape)
    config = small_config(
        tape,
        data={"calendar": "XTKS", "period_seconds": SECONDS},
        allocate={"shares": SHARES, "lot": 100},
    )
    return run_pipeline(config, str(tmp_path / "out")), outside


def test_no_period_of_a_plan_is_in_the_break(run: tuple[RunResult, int], tmp_path: Path) -> None:
    results, outside = run[0].results, run[1]
    quality = results.quality
    assert quality.loc[quality["rule"] == "out_of_session", "rows"].sum() == outside
    symbol, plan = results.symbols[0], results.symbols[0].schedule.plan
    starts = pd.to_datetime(plan["start"]).dt.tz_convert("Asia/Tokyo")
    session = CALENDAR.session("2025-01-08")
    assert [each.value for each in starts.dt.as_unit("ns")] == session.starts_ns.tolist()
    assert starts.iloc[29].strftime("%H:%M") == "11:25"
    assert starts.iloc[30].strftime("%H:%M") == "12:30"
    assert len(plan) == results.params.calendar.periods == 66
    for method in ("optimal", "nlp", "dp", "qp", "twap", "vwap"):
        assert plan[method].sum() == pytest.approx(SHARES)
    said = symbol.schedule.warnings.set_index("code")["message"]
    assert "11:30–12:30" in said["session_break"]
    page = (tmp_path / "out/report-7203.html").read_text(encoding="utf-8")
    assert "2025-01-08, 09:00–15:30 Asia/Tokyo, 66 periods of 300 s" in page
    done = impact(
        "allocate", "--params", str(tmp_path / "out/params.json"), "--symbol", "7203", "--stale",
        "--shares", "3000", "--start", "10:30", "--end", "13:00",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "in 18 periods" in done.stdout  # an hour before the break, half an hour after it
    assert "session_break: the market is closed 11:30–12:30" in done.stdout
