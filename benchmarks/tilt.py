"""What a plan's tilt costs where the day has no pattern, and saves where it has one.

Run: python -m benchmarks.tilt [--count N]; exits 1 where the rule fails. Five days of volatility,
volume and spread are simulated by five minutes: a level a day, an autoregressive state, noise of
measurement, and in one of two worlds a pattern over the day (standard deviation .25 in logs). The
sixth is planned from them and charged at its own states: the forecast as it is (`raw`), its shape
as far as it has paid (`slopes`), and that within the bound on what it may cost (`rule`).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from models.forecast.evaluation.choice import choose_before
from models.forecast.intraday.catalogue import CANDIDATES, PastDays, track_candidate
from pipeline.engine.config import load_config
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.sessions import SessionCalendar
from pipeline.parameters.shape_record import shape_section
from pipeline.stages.forecasting.horizon import (
    MeasuredSeries,
    horizon_forecast,
    plan_state,
    walked_forward,
)
from solver import ImpactLaw, OrderTerms, from_params, solve, tilt_of
from solver.planning.shape import Shape

SERIES = {"realized_variance": "volatility", "volume": "volume", "half_spread": "half_spread"}
NOISE = {"realized_variance": 0.6, "volume": 0.4, "half_spread": 0.1}  # of a log, a period
LEVEL = {"realized_variance": 1.0, "volume": 40_000.0, "half_spread": 0.01}
DAYS, PHI, STATE, DAY = 5, 0.95, 0.25, 0.2  # days, and the state's and the level's deviations
PATTERN = 0.25  # of each log over the day, in the world that has one
SHARES, SECONDS, K, BETA = 60_000.0, 300, 1.6, 0.5
MOST = 0.01  # of TWAP's cost over mid, either way, without a pattern
UNSLICED = {
    "half_life_seconds": None,
    "half_life_upper_seconds": None,
    "lasting": 0.0,
    "least_child_shares": 100.0,
}
TERMS = OrderTerms(slices=1, max_participation=1.0)


def sessions() -> tuple[Scope, np.ndarray]:
    """Return five sessions as history of the one after them, and their dates."""
    calendar = SessionCalendar("XNYS", SECONDS)
    dates = [one.date for one in calendar.sessions_from("2025-02-03", DAYS)]
    config = load_config(None, {"data": {"period_seconds": SECONDS}})
    return make_scope(dates, calendar, config), np.array(dates)


def drawn(pattern: float, periods: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the logs of each series' state on the past days and the planned one, (D + 1, N)."""
    found = {}
    for name in SERIES:
        shape = rng.standard_normal(periods)
        shape = np.convolve(np.pad(shape, 3, mode="wrap"), np.ones(7) / 7, mode="valid")
        shape = pattern * (shape - shape.mean()) / shape.std()
        state = np.empty((DAYS + 1, periods))
        state[:, 0] = rng.standard_normal(DAYS + 1)
        for place in range(1, periods):
            shock = np.sqrt(1 - PHI**2) * rng.standard_normal(DAYS + 1)
            state[:, place] = PHI * state[:, place - 1] + shock
        level = DAY * rng.standard_normal((DAYS + 1, 1))
        found[name] = np.log(LEVEL[name]) + level + STATE * state + shape
    return found


def history(states: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, MeasuredSeries]:
    """Return what was measured of the past days, with every forecaster's track."""
    found = {}
    for name, kind in SERIES.items():
        logs = states[name][:DAYS] + NOISE[name] * rng.standard_normal(states[name][:DAYS].shape)
        past = PastDays(logs)
        tracks = {each: track_candidate(each, past) for each in CANDIDATES}
        chosen = choose_before(tracks, logs, kind == "volatility", "day_ahead", DAYS, tests=False)
        found[kind] = MeasuredSeries(name, logs, past, tracks, {"day_ahead": chosen})
    return found


def parameter_file(series: dict[str, MeasuredSeries]) -> dict[str, Any]:
    """Return what the forecasts of the planned day, and their record, make of a parameter file."""
    asked, dates = sessions()
    ahead = {kind: horizon_forecast(one, dates, asked) for kind, one in series.items()}
    levels = {kind: plan_state(series[kind], told, 1.0) for kind, told in ahead.items()}
    columns = {
        "i": np.arange(asked.periods),
        "start": [pd.Timestamp(start, tz="UTC").isoformat() for start in asked.starts],
        "alpha": 3e-5,
        "volatility": levels["volatility"],
        "liquidity": LEVEL["volume"] / levels["volume"],
        "sigma": 0.05 * levels["volatility"],
        "spread": levels["half_spread"],
        "volume": levels["volume"],
    }
    periods = pd.DataFrame(columns)
    mean = pd.DataFrame({"period": periods["i"], "half_spread_mean": ahead["half_spread"].mean})
    told = SimpleNamespace(
        shape=walked_forward(series, dates, asked),
        horizon=mean,
        states=pd.DataFrame({"period": periods["i"]}),
    )
    fitted = SimpleNamespace(
        parameters=pd.DataFrame({"name": ["theta", "log_alpha_0"], "value": [1.0, np.log(3e-5)]}),
        without=pd.DataFrame({"date": dates, "log_alpha_0": 0.0}),
    )
    shape = shape_section(told, fitted, periods, True)  # type: ignore[arg-type]
    section = {
        "reference": {"price": 100.0, "depth_shares": 900.0, "volume_shares": LEVEL["volume"]},
        "law": {"family": "spread_power", "k": K, "beta": BETA, "gamma": 0.0, "theta": 1.0},
        "periods": periods.to_dict("records"),
        "shape": shape.model_dump(),
        "slicing": UNSLICED,
    }
    calendar = {"timezone": "America/New_York", "period_seconds": SECONDS}
    return {
        "schema": "impact-params/2",
        "calendar": calendar | {"periods": asked.periods},
        "symbols": {"SIM": section},
    }


def replicate(pattern: float, seed: int) -> dict[str, float]:
    """Return what each plan's cost over mid was over TWAP's on the planned day, a share of it."""
    rng = np.random.default_rng([seed, round(1000 * pattern)])
    periods = sessions()[0].periods
    states = drawn(pattern, periods, rng)
    params = parameter_file(history(states, rng))
    day = {name: np.exp(logs[DAYS]) for name, logs in states.items()}
    law = ImpactLaw(
        3e-5, K, BETA, spread=day["half_spread"], volatility=np.sqrt(day["realized_variance"]),
        liquidity=LEVEL["volume"] / day["volume"],
    )  # fmt: skip
    tilt, section = tilt_of(params, "SIM", SHARES, TERMS), params["symbols"]["SIM"]
    whole = Shape.from_section(section).law(ImpactLaw.from_section(section), 1.0)
    plans = {
        "raw": from_params(params, "SIM", SHARES, replace(TERMS, plan="point")),
        "slopes": replace(tilt.problem, law=whole.temporary),
        "rule": tilt.problem,
    }
    even = float(law.cost(np.full(periods, SHARES / periods)).sum())
    return {name: float(law.cost(solve(one).x).sum()) / even - 1 for name, one in plans.items()}


def figures(pattern: float, count: int) -> dict[str, tuple[float, float]]:
    """Return the mean of each plan's cost over TWAP's with its standard error."""
    rows = pd.DataFrame([replicate(pattern, seed) for seed in range(count)])
    return {name: (float(rows[name].mean()), float(stats.sem(rows[name]))) for name in rows}


def main() -> None:
    """Print both worlds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="days planned in each world")
    count, broken = parser.parse_args().count, False
    for name, pattern in (("no pattern", 0.0), (f"a pattern of sd {PATTERN}", PATTERN)):
        found = figures(pattern, count)
        told = ", ".join(
            f"{plan} {mean:+.2%} ± {error:.2%}" for plan, (mean, error) in found.items()
        )
        sys.stdout.write(f"{name}, {count} days: cost over TWAP's: {told}\n")
        mean, error = found["rule"]
        broken |= abs(mean) > MOST if not pattern else not mean + 1.96 * error < 0
    sys.exit(broken)


if __name__ == "__main__":
    main()
