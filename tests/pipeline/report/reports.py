"""A made-up finished run, whole or with gaps: what the report is asked to show."""

from dataclasses import replace

import numpy as np
import pandas as pd

from pipeline.engine.config import AllocateConfig, Config
from pipeline.engine.data_read import DataRead
from pipeline.engine.findings import finding_table
from pipeline.engine.tables import Learned, Schedule, Selection
from pipeline.parameters.schema import (
    UNITS,
    Calendar,
    Law,
    Params,
    Period,
    Reference,
    SymbolParams,
    Valid,
)
from pipeline.parameters.sections import (
    Matrix,
    SlicingSection,
)
from pipeline.report.results import RunFacts, SymbolReport
from tests.pipeline.report.stage_outputs import (
    PERIODS,
    SECONDS,
    STARTS,
    make_calibration,
    make_forecast,
    make_schedule,
    make_shrinkage,
)

CALENDAR = Calendar(
    name="XNYS", timezone="America/New_York", periods=PERIODS, period_seconds=SECONDS
)
CONFIG = Config()
FACTS = RunFacts(
    created="2025-02-01T10:00:00+00:00",
    code_version="0.1.0+abc",
    data_hash="d" * 64,
    run_id="run7",
    source="databento",
    location="tape",
    as_of="2025-01-31T21:00:00+00:00",
    stages=pd.DataFrame(
        {
            "stage": ["ingest", "forecast"],
            "tasks": [60, 3],
            "computed": [60, 1],
            "reused": [0, 2],
            "seconds": [12.25, 3.5],
        }
    ),
)


def make_report(symbol: str, seed: int = 1, days: int = 5) -> SymbolReport:
    rng = np.random.default_rng(seed)
    order = AllocateConfig(shares=100_000, side="sell", max_participation=0.15)
    features = [
        "log_size",
        "log_size_over_depth",
        "log_volatility",
        "log_thinness",
        "log_half_spread",
        "log_depth",
        "time",
    ]
    importance = pd.DataFrame(
        {
            "model": ["lightgbm"] * 7 + ["hybrid"] * 7,
            "feature": features * 2,
            "importance": [
                0.62,
                0.01,
                0.09,
                0.08,
                0.11,
                0.06,
                0.03,
                0.5,
                0.0,
                0.1,
                0.15,
                0.15,
                0.08,
                0.02,
            ],
        }
    )
    scores = pd.DataFrame(
        {
            "candidate": ["law", "square_root", "hybrid", "lightgbm"],
            "deviance": [0.041, 0.047, 0.043, 0.0405],
            "deviance_error": [0.0007, 0.0019, 0.0011, 0.0],
            "rmse_bps": [1.21, 1.4, 1.3, 1.19],
            "bias": [0.012, -0.034, 0.02, -0.004],
            "cells": 7020,
            "bounded": 312,
            "free": 4,
            "winner": [True, False, False, False],
            "exported": [True, False, False, False],
        }
    )
    forecast, calibration = make_forecast(rng, days), make_calibration(rng)
    return SymbolReport(
        symbol=symbol,
        forecast=forecast,
        calibration=calibration,
        shrinkage=make_shrinkage(calibration),
        learned=Learned(pd.DataFrame(), pd.DataFrame(), importance, *[pd.DataFrame()] * 4),
        selection=make_selection(scores),
        schedule=make_schedule(order),
        order=order,
        caveats=(),
        findings=finding_table(()).assign(effect=""),
        read=DataRead("f" * 64, "2025-01-06", "2025-01-31", days),
    )


def make_selection(scores: pd.DataFrame) -> Selection:
    charged = pd.DataFrame(
        {
            "plan": ["law", "square_root", "twap", "clairvoyant"],
            "cost": [1.41, 1.46, 1.52, 1.02],
            "cost_error": 0.11,
            "regret": [0.39, 0.44, 0.5, 0.0],
            "regret_error": [0.02, 0.02, 0.03, 0.0],
            "saving": [0.0, -0.05, -0.11, 0.39],
            "saving_error": [np.nan, 0.01, 0.02, 0.03],
            "saving_low": [np.nan, -0.0778, -0.166, 0.307],
            "saving_high": [np.nan, -0.0222, -0.054, 0.473],
            "days": 5,
        }
    )
    decision = {
        "criterion": "regret",
        "reason": "the square root's plans save -0.05 bps",
        "learned": "no learned curve stands beside the law on 5 held-out days",
    }
    sizes = {"candidate": "law", "size": [100.0, 1000.0, 5000.0], "reach": [0.31, 0.42, np.nan]}
    reaches = pd.DataFrame(sizes).assign(days=9, level=0.9)
    return Selection(scores, reaches, charged, pd.DataFrame([decision]))


POWER = Law(family="spread_power", k=1.5234, beta=0.412, gamma=2.51e-7, theta=0.87)
LINEAR = Law(family="linear", k=1, beta=0, gamma=2.51e-7, theta=0.87)


def make_params(*symbols: str, law: Law = POWER) -> Params:
    periods = tuple(
        Period(
            i=i,
            start=start,
            alpha=3e-4,
            volatility=1,
            liquidity=1,
            sigma=0.1,
            spread=0.01,
            volume=40_000,
            volatility_interval=(0.5, 2),
            liquidity_interval=(0.8, 1.2),
        )
        for i, start in enumerate(STARTS)
    )
    one = SymbolParams(
        route="book",
        reference=Reference(price=100, volatility=0.08, depth_shares=1850, volume_shares=41_234.5),
        law=law,
        standard_errors={"k": 0.0123},
        covariance=Matrix(names=("k",), matrix=((1.5e-4,),)),
        units=UNITS,
        periods=periods,
        warnings=(),
        slicing=SlicingSection(
            half_life_seconds=None,
            half_life_upper_seconds=None,
            lasting=0,
            least_child_shares=100,
        ),
    )
    return Params(
        schema_="impact-params/2",
        created=FACTS.created,
        code_version="0.1.0+abc",
        data_hash="d" * 64,
        run_id="run7",
        valid=Valid(start=STARTS[0], end="2025-02-03T21:00:00+00:00"),
        calendar=CALENDAR,
        symbols=dict.fromkeys(symbols, one),
    )


def make_quality(*symbols: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"symbol": symbol, "date": date, "rule": rule, "rows": rows}
            for symbol in symbols
            for date, rule, rows in (
                ("2025-01-30", "duplicate", 1200),
                ("2025-01-31", "duplicate", 34),
                ("2025-01-31", "crossed", 7),
                ("2025-01-31", "halted", 0),
            )
        ]
    )


def with_gaps(report: SymbolReport) -> SymbolReport:
    """Return the report of a linear law on a short history, with every optional cell empty."""
    calibration = report.calibration
    parameters, facts = calibration.parameters.copy(), calibration.facts.copy()
    parameters.loc[parameters["name"].isin(["k", "beta", "theta"]), "standard_error"] = np.nan
    facts["family"] = "linear"
    facts[["pseudo_r2", "flow_r2", "flow_observations"]] = np.nan
    curve = calibration.curve.assign(observed=np.nan)
    forecast, plan, costs = report.forecast, report.schedule.plan, report.schedule.costs
    costs = costs[costs["method"].isin(["optimal", "twap", "vwap"])].assign(gap=np.nan, risk=np.nan)
    scores = forecast.scores.assign(model=np.nan, baseline=np.nan, coverage=np.nan, n=0)
    return replace(
        report,
        calibration=replace(calibration, parameters=parameters, facts=facts, curve=curve),
        forecast=replace(
            forecast,
            backtest=forecast.backtest.iloc[:0],
            scores=scores,
            unfolding=forecast.unfolding.iloc[:0],
        ),
        schedule=Schedule(
            plan.drop(columns=["nlp", "dp"]).assign(volume=0.0),
            costs,
            report.schedule.value.iloc[:0],
            report.schedule.frontier.iloc[:0],
            0.0,
            0,
            pd.DataFrame(columns=["code", "message"]),
        ),
        selection=Selection(
            report.selection.scores.assign(deviance_error=np.inf, rmse_bps=np.nan, bias=np.nan),
            report.selection.reaches.assign(reach=np.nan, days=1),
            report.selection.charged.iloc[:0],
            report.selection.decision.assign(
                criterion="deviance",
                reason="fewer than 2 held-out days",
                learned="plans of learned curves were not charged: fewer than 2 held-out days",
            ),
        ),
        learned=replace(report.learned, importance=report.learned.importance.iloc[:0]),
    )
