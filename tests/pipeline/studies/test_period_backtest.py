"""`impact backtest-forecasts --by period`: bars in, scores out, refusals."""

import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.studies.period_backtest import PeriodRequest, backtest_bars
from tests.pipeline.command import impact, refused
from tests.pipeline.studies.test_bars import bars


def test_the_command_scores_every_candidate_and_what_was_chosen_before(
    tmp_path: Path, own_mlflow: Path
) -> None:
    bars(60).to_parquet(tmp_path / "bars.parquet")
    done = impact(
        "backtest-forecasts",
        "--panel",
        str(tmp_path / "bars.parquet"),
        "--target",
        "volume",
        "--by",
        "period",
        "--calendar",
        "24/7",
        "--period-seconds",
        "3600",
        "--window",
        "20",
        "--json",
        "found.json",
        cwd=own_mlflow,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((own_mlflow / "found.json").read_text())
    assert (found["first"], found["days"], found["missing"]) == ("2025-03-21", 40, 0)
    scores = pd.DataFrame(found["scores"]).set_index(["origin", "candidate"])
    for horizon in ("next_period", "day_ahead"):
        assert (
            scores.loc[(horizon, "chosen"), "loss"]
            < 0.9 * scores.loc[(horizon, "rolling_mean"), "loss"]
        )
        assert scores.loc[(horizon, "chosen"), "n"] == 960
        assert 0.85 < scores.loc[(horizon, "chosen"), "coverage"] < 0.95
    assert {row["candidate"] for row in found["curve"]} == {"chosen", "profile"}
    assert found["unfolding"][0]["updated"] == pytest.approx(found["unfolding"][0]["morning"])
    assert "chosen for day_ahead" in done.stdout
    mlflow.set_tracking_uri(f"sqlite:///{own_mlflow / 'mlruns/mlflow.db'}")
    runs = mlflow.search_runs(experiment_names=["impact-forecasts"])
    nested = runs[(runs["params.model"] == "chosen") & (runs["params.horizon"] == "day_ahead")]
    assert nested["metrics.forecast/loss"].iloc[0] == pytest.approx(
        scores.loc[("day_ahead", "chosen"), "loss"]
    )


def test_six_days_are_enough_by_default_and_a_last_bar_is_no_day(tmp_path: Path) -> None:
    """A panel that ends within a day: the day weighs in the VWAP curve by its periods."""
    frame = bars(7).iloc[: 6 * 24 + 1]
    for rows, scored in ((6 * 24, 3), (6 * 24 + 1, 3)):
        frame[:rows].to_parquet(tmp_path / "bars.parquet")
        config = load_config(None, {"data": {"calendar": "24/7", "period_seconds": 3600}})
        found = backtest_bars(PeriodRequest(str(tmp_path / "bars.parquet"), "volume", 0), config)
        assert found.days == scored
    whole = backtest_bars(PeriodRequest(str(tmp_path / "bars.parquet"), "volume", 3), config)
    frame[: 6 * 24].to_parquet(tmp_path / "bars.parquet")
    cut = backtest_bars(PeriodRequest(str(tmp_path / "bars.parquet"), "volume", 3), config)
    for one, other in zip(whole.curve, cut.curve, strict=True):
        assert one["tracking"] * 73 == pytest.approx(other["tracking"] * 72)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "hour"), ["--by hour", "day or period"]),
        (("--by", "period", "--models", "har"), ["--models", "--by day"]),
        (("--by", "period"), ["no bar lies within a session", "--calendar"]),
        (("--by", "period", "--calendar", "24/7", "--window", "9"), ["10 sessions", "--window"]),
        (
            ("--by", "period", "--calendar", "24/7", "--target", "trades"),
            ["no column 'trades'", "volume"],
        ),
    ],
)
def test_the_command_refuses(tmp_path: Path, arguments: tuple[str, ...], said: list[str]) -> None:
    frame = bars(10)
    if "24/7" not in arguments:
        frame = frame[frame["Timestamp"].dt.hour < 5]
    frame.to_csv(tmp_path / "bars.csv", index=False)
    given = arguments if "--target" in arguments else (*arguments, "--target", "volume")
    refused(
        impact("backtest-forecasts", "--panel", str(tmp_path / "bars.csv"), *given, cwd=tmp_path),
        *said,
    )
    assert not (tmp_path / "mlruns").exists()
