"""The figures draw the numbers that they are given, in exchange time."""

import numpy as np
import pandas as pd
import pytest

from pipeline.parameters.schema import Calendar
from pipeline.report.drawings import figures
from pipeline.report.figures import plots
from pipeline.report.figures.clock import Clock
from tests.pipeline.report.reports import make_params, make_report
from tests.pipeline.report.stage_outputs import SECONDS


def test_partly_missing_backtest_still_draws() -> None:
    report = make_report("AAA", days=1)
    backtest = report.forecast.backtest
    backtest = backtest[backtest["series"].isin(["volume", "depth", "half_spread"])].copy()
    backtest.loc[backtest["series"] == "depth", ["realized", "baseline"]] = np.nan
    figure = plots.plot_forecast(backtest, 100.0, Clock(9.5, SECONDS / 3600))
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.axison] == [
        "Volume, shares per period",
        "Half spread, bps of price",
        "Depth on a side, shares",
    ]


def test_forecast_panels_hold_all_data_and_end_with_the_realized() -> None:
    backtest = make_report("AAA", days=1).forecast.backtest
    backtest = backtest[backtest["series"] == "half_spread"].assign(
        forecast=0.02, baseline=0.02, realized=0.02
    )
    backtest.loc[backtest["period"] > 20, "realized"] = np.nan
    ax = plots.plot_forecast(backtest, 100.0, Clock(9.5, SECONDS / 3600)).axes[0]
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > 1.05 * 2.0  # a constant 2 bps stands inside the panel, not on its rim
    assert ax.get_xlim() == pytest.approx((9.5, 9.5 + 21 / 12))


def test_schedule_figure_draws_the_plan_in_exchange_time() -> None:
    report = make_report("AAA")
    traded, left = figures(report, make_params(report.symbol))["schedule"].axes
    drawn = {patch.get_label(): patch.get_data() for patch in traded.patches}
    np.testing.assert_array_equal(drawn["VWAP"].values, report.schedule.plan["vwap"])
    assert drawn["Optimal"].edges[[0, -1]] == pytest.approx([9.5, 16.0])
    optimal = next(line for line in left.lines if line.get_label() == "Optimal").get_ydata()
    assert optimal[0] == 100_000
    assert optimal[1] == 100_000 - report.schedule.plan["optimal"][0]
    assert optimal[-1] == 0


def test_cost_figure_adds_the_half_spread() -> None:
    curve = make_report("AAA").calibration.curve
    buys = curve[curve["side"] == 1]
    lines = {
        line.get_label(): line.get_ydata() for line in plots.plot_cost(curve, 50.0).axes[0].lines
    }
    for label, column in (
        ("Fitted law", "fitted"),
        ("Book walk", "observed"),
        ("Continued behind the last level shown", "observed"),
    ):
        some = buys
        if column == "observed":
            held = buys["censored"] <= 0.2
            some = buys[held if label == "Book walk" else ~held]
            assert len(some)
        per_share = some[column] / some["size"]
        np.testing.assert_allclose(lines[label], 200 * (0.01 + per_share))  # 1e4 / 50


def test_alpha_figure_spans_the_students_interval_of_every_bucket() -> None:
    ax = figures(make_report("AAA"), make_params("AAA"))["alpha"].axes[0]
    marks = ax.containers[0]
    own = 3e-4 * np.exp(0.1 * np.array([2, 0, -1, -1, 0, 1]))
    np.testing.assert_allclose(marks.lines[0].get_ydata(), own)
    bars = np.array([segment[:, 1] for segment in marks.lines[2][0].get_segments()])
    reach = 2.0976 * 0.0831  # Student's 97.5 % point at 18.4 degrees of freedom
    np.testing.assert_allclose(bars, np.outer(own, np.exp([-reach, reach])), rtol=1e-4)


@pytest.mark.parametrize(
    ("start", "name", "timezone", "expected"),
    [
        ("2025-07-01T13:30:00+00:00", "XNYS", "America/New_York", "09:30"),  # summer time
        ("2025-07-01T00:00:00+00:00", "XTKS", "Asia/Tokyo", "09:00"),
        ("2025-07-01T00:00:00+00:00", "24/7", "UTC", "00:00"),
        ("2025-07-01T22:00:00+00:00", "CMES", "America/Chicago", "17:00"),  # of the day before
    ],
)
def test_clock_is_that_of_the_exchange(start: str, name: str, timezone: str, expected: str) -> None:
    calendar = Calendar(name=name, timezone=timezone, periods=10, period_seconds=60)
    clock = Clock.of(calendar, pd.DataFrame({"period": [0], "start": [start]}))
    assert clock.label(0) == expected
    rest = pd.DataFrame({"period": [30], "start": [start]})  # of a session
    later = Clock.of(calendar, rest)
    assert later.label(30) == expected
    assert later.hours(np.array([0]))[0] == pytest.approx(clock.hours(np.array([0]))[0] - 0.5)


def test_breaks_are_left_out_of_the_clock_and_of_steps() -> None:
    tokyo = Calendar(name="XTKS", timezone="Asia/Tokyo", periods=11, period_seconds=1800)
    whole = pd.DataFrame({"period": [0], "start": ["2025-01-07T00:00:00+00:00"]})
    rest = pd.DataFrame({"period": [7], "start": ["2025-01-07T04:30:00+00:00"]})  # 13:30
    for plan in (whole, rest):
        clock = Clock.of(tokyo, plan)
        assert [clock.label(period) for period in (0, 4, 5, 10)] == [
            "09:00",
            "11:00",
            "12:30",
            "15:00",
        ]
        assert [clock.end_label(period) for period in (4, 10)] == ["11:30", "15:30"]
    steps, edges = clock.stairs(np.arange(3, 7), np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(steps, [1, 2, np.nan, 3, 4])
    np.testing.assert_allclose(edges, [10.5, 11.0, 11.5, 12.5, 13.0, 13.5])
    half = Calendar(name="XHKG", timezone="Asia/Hong_Kong", periods=11, period_seconds=1800)
    eve = pd.DataFrame({"period": [0], "start": ["2024-12-24T01:30:00+00:00"]})  # no afternoon
    assert Clock.of(half, eve).label(5) == "13:00"  # as on the whole days that alpha is known of
