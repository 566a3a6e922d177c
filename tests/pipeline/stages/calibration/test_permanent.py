"""Gamma on a simulated tape, through features and the bound, and what it may have seen."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.engine.tables import Day, Features
from pipeline.stages.calibration.permanent import permanent_of
from pipeline.stages.history import past_periods
from pipeline.stages.measuring.features import DaySettings, measure_day
from tests.models.impact.trade_tapes import OPEN, Truth, trades
from tests.pipeline.conftest import SmallRun

CALENDAR = SessionCalendar("XNYS", 60)


def day(truth: Truth, date: str, seed: int) -> Day:
    """Return a made tape as a session's: quotes two ticks wide, trades beside them."""
    tape, session = trades(truth, seed), CALENDAR.session(date)
    shift = session.open_ns - OPEN
    sizes = {name: np.full(len(tape.ts), 500.0) for name in ("bid_sz_0", "ask_sz_0")}
    prices = {"bid_px_0": tape.mid - 0.01, "ask_px_0": tape.mid + 0.01}
    quotes = pl.DataFrame({"ts": tape.ts + shift} | prices | sizes)
    return Day(
        quotes,
        pl.DataFrame(
            {
                "ts": tape.trade_ts + shift,
                "price": np.full(len(tape.trade_ts), 100.0),
                "size": tape.trade_size,
                "aggressor": tape.aggressor.astype(np.int8),
            }
        ),
    )


def measured(truth: Truth, days: int, seed: int = 0) -> tuple[tuple[Features, ...], Scope]:
    dates = [each.date for each in CALENDAR.sessions_from("2025-01-06", days)]
    found = tuple(
        measure_day(day(truth, date, seed + place), settings(date))
        for place, date in enumerate(dates)
    )
    return found, make_scope(dates, CALENDAR, load_config(None, {}))


def settings(date: str) -> DaySettings:
    return DaySettings(CALENDAR.session(date), (100.0, 200.0), date)


@pytest.mark.parametrize(("days", "clusters"), [(1, 6), (3, 39), (11, 11)])
def test_clusters_are_half_hours_and_days_once_there_are_many(days: int, clusters: int) -> None:
    features, scope = measured(Truth(passing=1e-5, per_second=0.1), days)
    found = permanent_of(features, past_periods(features, scope), scope, 20.0)
    assert found.at_once.clusters == clusters
    assert found.at_once.estimate == pytest.approx(2e-5, abs=5 * found.at_once.standard_error)
    assert 0 <= found.gamma <= found.immediate
    assert abs(found.correlation) < 0.9


def test_correlation_is_that_of_the_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    features, scope = measured(Truth(passing=1e-5), 2)
    states = past_periods(features, scope)
    assert permanent_of(features, states, scope, 20.0).correlation == 0.0
    monkeypatch.setattr("models.impact.flow.bounded.TOLD", 0.0)
    found = permanent_of(features, states, scope, 20.0)
    own = (
        pd.Series(found.long_run.influence).groupby([states["date"], states["period"] // 30]).sum()
    )
    other = found.at_once.influence.values[:, 0]
    expected = own.to_numpy() @ other / np.linalg.norm(own) / np.linalg.norm(other)
    assert found.correlation == pytest.approx(expected)


def test_the_past_does_not_see_the_future() -> None:
    date, cut = "2025-01-06", CALENDAR.session("2025-01-06").open_ns + 3 * 3600 * SECOND_NS
    one, two = (day(Truth(), date, seed) for seed in (1, 2))
    mixed = Day(
        *(
            pl.concat([a.filter(pl.col("ts") < cut), b.filter(pl.col("ts") >= cut)])
            for a, b in ((one.quotes, two.quotes), (one.trades, two.trades))
        )
    )
    tables = [measure_day(each, settings(date)).immediate for each in (one, mixed)]
    past = [table[table["end"] <= cut] for table in tables]
    assert len(past[0]) == 6 * 4
    assert past[0].equals(past[1])
    assert not tables[0].equals(tables[1])
    features, scope = measured(Truth(), 1)  # as of noon: what ends later is not read
    late = features[0].immediate["end"] > scope.as_of
    changed = features[0].immediate.assign(qy=lambda table: table["qy"].where(~late, 7.0))
    states = past_periods(features, scope)
    found = [
        permanent_of((replace(features[0], immediate=table),), states, scope, 20.0)
        for table in (features[0].immediate, changed)
    ]
    assert late.sum() > 4
    assert found[0].gamma == found[1].gamma
    assert found[0].immediate == found[1].immediate


@pytest.mark.xdist_group("end_to_end")
def test_gamma_of_a_simulated_run_is_at_most_the_immediate_response(small_run: SmallRun) -> None:
    for one in small_run.result.results.symbols:
        facts = one.calibration.facts.iloc[0]
        gamma = one.calibration.parameters.set_index("name").loc["gamma"]
        assert 0 <= gamma["value"] <= facts["gamma_immediate"]
        assert gamma["value"] == pytest.approx(facts["gamma_share"] * facts["gamma_immediate"])
        assert 0 <= gamma["low"] <= gamma["value"] <= gamma["high"]
        codes = one.calibration.warnings["code"].tolist()
        assert ("gamma_at_immediate" in codes) == (facts["gamma_share"] == 1)
        assert "permanent_above_immediate" not in codes
