"""`impact backtest-forecasts`: panels in, scores out, refusals in one line."""

import gzip
import json
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from models.forecast.evaluation.rolling_origin import BacktestProtocol
from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.studies.backtest import BacktestRequest, backtest_panel, report_text
from pipeline.studies.panels import read_panel
from tests.models.forecast.markets import market
from tests.pipeline.command import impact, refused

ALWAYS = SessionCalendar("24/7")
IN_PROCESS = load_config(None, {"executor": {"workers": 0}})


@pytest.fixture
def panel(tmp_path: Path) -> Path:
    days = market(160)
    frame = pd.DataFrame(
        {
            "date": days.date,
            "RV": days.level,
            "RQ": days.quarticity,
            "RJ": days.jump,
            "RVn": days.negative,
            "RVp": days.positive,
        }
    )
    file = tmp_path / "panel.csv"
    frame.to_csv(file, index=False)
    return file


def test_the_command_writes_scores_and_nested_runs(panel: Path, own_mlflow: Path) -> None:
    done = impact(
        "backtest-forecasts",
        "--panel",
        str(panel),
        "--models",
        "log_har,ewma",
        "--window",
        "60",
        "--horizon",
        "2",
        "--json",
        "scores.json",
        "--workers",
        "0",
        cwd=own_mlflow,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((own_mlflow / "scores.json").read_text())
    assert found["origins"] == 160 - 82 - 1
    assert found["protocol"] == {"window": 60, "horizon": 2, "coverage": 0.9}
    assert {row["model"] for row in found["scores"]} == {"har", "log_har", "ewma"}
    losses = [row["qlike"] for row in found["scores"]]
    assert losses == sorted(losses)
    assert next(row for row in found["scores"] if row["model"] == "har")["dm_p"] is None
    assert "log_har" in done.stdout
    mlflow.set_tracking_uri(f"sqlite:///{own_mlflow / 'mlruns/mlflow.db'}")
    runs = mlflow.search_runs(experiment_names=["impact-forecasts"])
    parent = runs[runs["tags.level"] == "backtest"].iloc[0]
    nested = runs[runs["tags.mlflow.parentRunId"] == parent["run_id"]].set_index("params.model")
    assert nested.loc["ewma", "metrics.forecast/qlike"] == pytest.approx(
        next(row["qlike"] for row in found["scores"] if row["model"] == "ewma")
    )


def test_workers_change_nothing(panel: Path) -> None:
    request = BacktestRequest(str(panel), "rv", "har,log_harq", BacktestProtocol(60))
    one = backtest_panel(request, IN_PROCESS)
    other = backtest_panel(request, load_config(None, {"executor": {"workers": 1}}))
    assert one.scores[0] == other.scores[0]


def test_models_whose_measures_are_absent_are_named(panel: Path) -> None:
    frame = pd.read_csv(panel)[["date", "RV"]]
    frame.to_parquet(panel.with_suffix(".parquet"))
    request = BacktestRequest(
        str(panel.with_suffix(".parquet")), "rv", "harq,log_har", BacktestProtocol(60)
    )
    found = backtest_panel(request, IN_PROCESS)
    assert {score.model for score in found.scores} == {"har", "log_har"}
    assert "quarticity: not measured" in found.skipped["harq"]


def test_bars_become_days_by_hand(tmp_path: Path) -> None:
    bars = pd.DataFrame(
        {
            "timestamp": [
                "2025-01-02 10:00",
                "2025-01-02 10:01",
                "2025-01-02 10:02",
                "2025-01-03 10:00",
                "2025-01-03 10:01",
            ],
            "close": [100.0, 101.0, 99.0, 50.0, 51.0],
            "volume": [1.0, 2.0, 3.0, 4.0, np.nan],
        }
    )
    file = tmp_path / "bars.csv"
    bars.to_csv(file, index=False)
    up, down, next_day = 100 * np.log([101 / 100, 99 / 101, 51 / 50])
    found = read_panel(str(file), "rv", ALWAYS).measures
    np.testing.assert_allclose(found.level, [up**2 + down**2, next_day**2])
    np.testing.assert_allclose(found.negative, [down**2, 0])
    np.testing.assert_allclose(found.quarticity, [(up**4 + down**4) * 2 / 3, next_day**4 / 3])
    np.testing.assert_allclose(found.jump[0], up**2 + down**2 - np.pi / 2 * up * -down)
    np.testing.assert_allclose(read_panel(str(file), "volume", ALWAYS).measures.level, [6, 4])


def test_a_day_of_one_bar_has_no_variance(tmp_path: Path) -> None:
    bars = pd.DataFrame(
        {
            "timestamp": [
                "2025-01-02 10:00",
                "2025-01-02 10:01",
                "2025-01-03 10:00",
                "2025-01-06 10:00",
                "2025-01-06 10:01",
            ],
            "midprice": [100.0, 101.0, 50.0, 50.0, 50.0],
        }
    )
    bars.to_csv(tmp_path / "bars.csv", index=False)
    found = read_panel(str(tmp_path / "bars.csv"), "rv", ALWAYS).measures
    for measure in (found.level, found.negative, found.quarticity, found.jump):
        assert np.isnan(measure).tolist() == [False, True, False]
    assert found.level[2] == 0  # measured: nothing moved


def test_dates_may_be_numbers(panel: Path) -> None:
    frame, plain = pd.read_csv(panel), read_panel(str(panel), "rv", ALWAYS).measures
    days = pd.to_datetime(frame["date"])
    for numbers in (
        days.dt.strftime("%Y%m%d").astype(int),
        days.astype("datetime64[ns]").astype("int64"),
    ):
        frame.assign(date=numbers).to_csv(panel, index=False)
        np.testing.assert_array_equal(
            read_panel(str(panel), "rv", ALWAYS).measures.date, plain.date
        )


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "panel.csv.gz"
    file.write_bytes(gzip.compress(b"date,rv\n" + b"2025-01-02,1.0\n" * 999)[:40])
    with pytest.raises(InputError, match="cannot be read"):
        read_panel(str(file), "rv", ALWAYS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.rename(columns={"date": "when"}), ["no date column", "when"]),
        (lambda frame: frame.rename(columns={"RV": "x"}), ["no column 'rv'", "rq"]),
        (
            lambda frame: frame.assign(RV=frame["RV"].astype(str).where(frame.index != 4, "much")),
            ["row 5", "'much'"],
        ),
        (lambda frame: frame.assign(RV=-frame["RV"]), ["row 1, rv = -", "not negative"]),
        (
            lambda frame: frame.assign(RQ=np.where(frame.index == 3, np.inf, frame["RQ"])),
            ["row 4, rq = inf", "finite"],
        ),
        (
            lambda frame: pd.concat([frame[:5], frame[4:]]),
            ["row 6", "repeats the row above", "one symbol a file"],
        ),
        (
            lambda frame: frame.assign(
                date=pd.to_datetime(frame["date"]).astype("datetime64[s]").astype("int64")
            ),
            ["row 1", "nanoseconds since 1970"],
        ),
        (lambda frame: frame.assign(rv=frame["RV"]), ["2 columns are called 'rv'"]),
        (lambda frame: frame.iloc[::-1], ["row 2", "sort"]),
        (
            lambda frame: frame.assign(date=frame["date"].where(frame.index != 7, "soon")),
            ["row 8", "'soon'"],
        ),
        (lambda frame: frame.iloc[:0], ["no rows"]),
        (lambda frame: frame.iloc[:80], ["80 days", "need 83", "--window"]),
    ],
)
def test_a_panel_that_cannot_be_used_is_explained(panel: Path, change, said: list[str]) -> None:
    change(pd.read_csv(panel)).to_csv(panel, index=False)
    with pytest.raises(InputError) as caught:
        backtest_panel(BacktestRequest(str(panel), "rv", "har", BacktestProtocol(60)), IN_PROCESS)
    for text in (str(panel), *said):
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--models", "log_hra"], ["log_hra", "log_har"]),
        (["--window", "5"], ["window: 5"]),
        (["--horizon", "0"], ["horizon: 0"]),
        (["--baseline", "none_such"], ["none_such"]),
        (["--panel", "absent.csv"], ["absent.csv", "--panel"]),
    ],
)
def test_the_command_refuses(
    panel: Path, tmp_path: Path, arguments: list[str], said: list[str]
) -> None:
    base = [] if "--panel" in arguments else ["--panel", str(panel)]
    refused(
        impact("backtest-forecasts", *base, *arguments, "--json", "out.json", cwd=tmp_path), *said
    )
    assert not (tmp_path / "out.json").exists()


def test_a_variance_of_any_sampling_finds_what_was_measured_beside_it(panel: Path) -> None:
    frame = pd.read_csv(panel)
    whole = read_panel(str(panel), "rv", ALWAYS).measures
    sampled = frame.rename(columns={name: f"{name}5" for name in frame.columns if name != "date"})
    both = sampled.assign(rq=1.0, rv=1.0, rv10=2.0)
    both.to_csv(panel, index=False)
    found = read_panel(str(panel), "rv5", ALWAYS)
    assert found.companions == ("rq5", "rj5", "rvn5", "rvp5")
    for name in ("level", "quarticity", "jump", "negative", "positive"):
        np.testing.assert_array_equal(getattr(found.measures, name), getattr(whole, name))
    assert read_panel(str(panel), "rv10", ALWAYS).companions == ("rq",)


def test_bipower_variation_and_one_semivariance_are_enough(panel: Path) -> None:
    frame = pd.read_csv(panel)
    plain = pd.DataFrame({"date": frame["date"], "rv5": [2.0, 3.0] * 80, "bv": [1.5, 4.0] * 80})
    plain.assign(rsv=[0.5, 3.0] * 80).to_csv(panel, index=False)
    found = read_panel(str(panel), "rv5", ALWAYS)
    assert found.companions == ("bv", "rsv")
    np.testing.assert_array_equal(found.measures.jump[:2], [0.5, 0.0])
    np.testing.assert_array_equal(found.measures.positive[:2], [1.5, 0.0])
    plain.assign(rsv=[0.5, 3.5] * 80).to_csv(panel, index=False)  # no part of this variance
    other = read_panel(str(panel), "rv5", ALWAYS)
    assert other.companions == ("bv",)
    assert other.measures.negative is None


def test_a_panel_without_quarticity_still_runs_every_model_it_can(panel: Path) -> None:
    frame = pd.read_csv(panel)[["date", "RV"]]
    frame.to_csv(panel, index=False)
    request = BacktestRequest(str(panel), "rv", "combination,lightgbm,harq", BacktestProtocol(60))
    found = backtest_panel(request, IN_PROCESS)
    assert {score.model for score in found.scores} == {"har", "combination", "lightgbm"}
    assert list(found.skipped) == ["harq"]
    assert found.parts["combination"] == ("log_calendar_har", "log_har", "har", "ewma")
    text = report_text(found)
    assert "combination of log_calendar_har, log_har, har, ewma" in text
    assert "lightgbm of log_har" in text
    assert "measured beside it: nothing" in text


def test_days_of_a_few_bars_are_no_days(tmp_path: Path) -> None:
    """A day of one bar traded what that bar did, not what the day would have."""
    times = [
        f"2025-01-{day:02d} 10:{minute:02d}"
        for day, minutes in ((2, 10), (3, 1), (6, 4), (7, 10), (8, 5))
        for minute in range(minutes)
    ]
    bars = pd.DataFrame({"timestamp": times, "volume": 1.0})
    bars.to_csv(tmp_path / "bars.csv", index=False)
    found = read_panel(str(tmp_path / "bars.csv"), "volume", ALWAYS)
    # the usual day has five bars: one is fewer than half of them, four are not
    np.testing.assert_array_equal(found.measures.level, [10, np.nan, 4, 10, 5])
    assert found.partial == 1


def test_days_beside_complete_times_are_not_the_rows_times(tmp_path: Path) -> None:
    times = pd.date_range("2025-01-02 10:00", periods=3, freq="min").append(
        pd.date_range("2025-01-03 10:00", periods=3, freq="min")
    )
    bars = pd.DataFrame({"date": times.date, "timestamp": times, "volume": np.arange(6.0)})
    bars.to_csv(tmp_path / "bars.csv", index=False)
    found = read_panel(str(tmp_path / "bars.csv"), "volume", ALWAYS).measures
    np.testing.assert_array_equal(found.level, [3, 12])
    bars.assign(timestamp=times.where(times != times[2])).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(InputError, match="row 2, date = 2025-01-02 repeats the row above"):
        read_panel(str(tmp_path / "b.csv"), "volume", ALWAYS)
