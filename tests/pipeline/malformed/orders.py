"""Orders planned from altered parameter files: refused in one line, or a plan that is what it says.

A plan must be in whole lots within its caps (benchmarks too), in finite JSON, at most as dear as
every other plan in whole lots where it is said to be optimal, and no dearer than the continuous
one may not be without being said so.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.engine.config import load_config
from pipeline.engine.tables import Schedule
from pipeline.parameters.schema import dump_params, read_params
from pipeline.planning.allocate import plan_from_file
from pipeline.planning.order import stated_problem
from pipeline.planning.order_studies import frontier_text, robust_text, write_value_function
from pipeline.planning.plan_text import report_json, report_text
from pipeline.planning.schedule import tabled
from tests.pipeline.report.reports import make_params

Random = np.random.Generator
NAMES = ["log_alpha_0", "log_alpha_1", "k", "beta", "theta", "gamma"]
NOW = datetime(2025, 2, 3, 12, tzinfo=UTC)
ROUNDING = 1e-9  # of the pieces of a cost, without their signs
EXTREMES = (0, 0, 1e-300, 1e-30, 1e-12, 1e-6, 1, 1e3, 1e6, 1e11, 1e12, 1e13, 1e20, 1e30, 1e308)
ODD = (None, "x", "", [], {}, True, "1", float("inf"), float("nan"), 2**70, -0.0, "=1+1")
STATES = ("alpha", "volatility", "liquidity", "sigma", "spread", "volume")


@cache
def whole_file() -> bytes:
    """Return a parameter file of twelve periods with everything that an order asks of it."""
    content = json.loads(dump_params(make_params("SIM0")))
    one = content["symbols"]["SIM0"]
    first = one["periods"][0]
    one["periods"] = [
        first
        | {
            "i": i,
            "start": f"2025-02-03T{14 + (30 + i) // 60}:{(30 + i) % 60:02d}:00+00:00",
            "alpha": 3e-4 * (1 + 0.1 * i),
            "volatility": 0.8 + 0.05 * i,
            "liquidity": 1.2 - 0.03 * i,
            "spread": 0.01 + 0.0005 * i,
            "volume": 40_000.0 + 100 * i,
        }
        for i in range(12)
    ]
    one["law"] |= {"family": "spread_power", "k": 1.6, "beta": 0.5, "gamma": 2e-7, "theta": 0.9}
    spread = np.diag([1e-4, 1e-4, 1e-4, 1e-2, 1e-3, 1e-16])
    one["covariance"] = {"names": NAMES, "matrix": spread.tolist()}
    content["calendar"] |= {"periods": 12, "period_seconds": 60}
    return json.dumps(content).encode()


def write_order(folder: Path) -> None:
    (folder / "params.json").write_bytes(whole_file())
    order = {"shares": 25_000, "lot": 100, "side": "buy", "risk_aversion": 0.0}
    (folder / "order.json").write_text(json.dumps({"allocate": order, "beside": ""}))


def alter(folder: Path, rng: Random) -> str:
    """Alter a number or a part of the file, or the order, or both, and say what."""
    content = json.loads((folder / "params.json").read_bytes())
    one = content["symbols"]["SIM0"]
    said = [change(content, one, rng) for change in _drawn(rng)]
    order = {
        "shares": int(rng.choice([1, 100, 2_000, 25_000, 90_000])),
        "lot": int(rng.choice([1, 1, 100])),
        "side": str(rng.choice(["buy", "sell"])),
        "risk_aversion": float(rng.choice([0, 0, 1e-6, 1e-3, 1000])),
        "max_participation": float(rng.choice([0.2, 0.2, 1, 0.01])),
        "min_participation": float(rng.choice([0, 0, 0, 0.01])),
        "method": str(rng.choice(["auto", "auto", "nlp", "dp", "qp"])),
        "own_impact": str(rng.choice(["half", "half", "none"])),
        "plan": str(rng.choice(["shrunk", "point"])),
        "drift": str(rng.choice(["0", "0", "0", "0", "5bps", "-0.3", "1e300", "nan"])),
    }
    order["shares"] -= order["shares"] % order["lot"] if order["shares"] >= order["lot"] else 0
    (folder / "params.json").write_text(json.dumps(content))
    asked = {"allocate": order, "beside": str(rng.choice(["", "", "frontier", "robust", "value"]))}
    (folder / "order.json").write_text(json.dumps(asked))
    return f"{'; '.join(said)}; {asked}"


def plan_it(folder: Path) -> None:
    """Plan the order and check what is said of it.

    Raises: InputError; AssertionError where the plan is not what it says.
    """
    asked = json.loads((folder / "order.json").read_text())
    beside = asked.pop("beside")
    order, params = load_config(None, asked).allocate, read_params(str(folder / "params.json"))
    plan = plan_from_file(params, "SIM0", order, NOW)
    assert report_text("SIM0", order, plan).replace("\n", "").isprintable()
    json.dumps(report_json("SIM0", order, plan), allow_nan=False)
    check_plan(
        tabled(plan, pd.DataFrame(), ()), stated_problem(params, "SIM0", order), order.method
    )
    if beside == "frontier":
        assert "nan" not in frontier_text(params, "SIM0", order)
    if beside == "robust":
        assert "nan" not in robust_text(params, "SIM0", order, 2.0)
    if beside == "value":
        write_value_function(params, "SIM0", order, str(folder / "value.parquet"))


def check_plan(schedule: Schedule, stated: Any, method: str) -> None:
    """Assert that plans hold what they must, and that none is said to be better than it is."""
    costs = schedule.costs.set_index("method")
    low, high = (np.multiply(limit, stated.lot) for limit in stated.lot_limits)
    for name in costs.index:
        x = schedule.plan[name].to_numpy()
        within = 1e-9 * stated.shares * (name == "nlp")
        assert np.isfinite(x).all(), name
        assert abs(x.sum() - stated.shares) <= 1e-9 * stated.shares, (name, x.sum())
        assert (x >= low * (name != "nlp") - within).all(), (name, "below its floor")
        assert (x <= np.where(name == "nlp", _caps(stated), high) + within).all(), (name, "cap")
        if name not in ("nlp", "optimal" if method == "nlp" else ""):
            assert (np.rint(x / stated.lot) * stated.lot == x).all(), (name, "lots")
    objective, gross = costs["cost"] + costs["risk"], _gross(costs)
    assert np.isfinite(costs[["cost", "risk", "whole"]].to_numpy()).all()
    continuous = {"nlp", "optimal" if method == "nlp" else ""}
    whole = [name for name in costs.index if name not in continuous]
    for name in ("nlp", "dp", "optimal"):
        if name not in costs.index or costs.loc[name, "status"] != "OPTIMAL":
            continue
        others = costs.index if name in continuous else whole
        for other in others:
            more = objective[name] - objective[other]
            assert more <= ROUNDING * max(gross[name], gross[other]), (name, other, more)
    told = set(schedule.warnings["code"])
    dearest = objective["nlp"] - objective[whole].min()
    assert dearest <= ROUNDING * gross["nlp"] or "nlp_dearer" in told, ("nlp dearer", dearest)


def _caps(stated: Any) -> np.ndarray:
    return np.minimum(np.asarray(stated.cap), stated.shares)


def _gross(costs: Any) -> Any:
    return costs[["spread", "temporary", "permanent", "drift", "risk"]].abs().sum(axis=1)


def _drawn(rng: Random) -> list[Callable[[dict, dict, Random], str]]:
    changes = (*(_number, _scaled, _curved) * 4, _odd, _dropped)
    return [changes[int(at)] for at in rng.integers(len(changes), size=int(rng.integers(1, 3)))]


def _number(content: dict, one: dict, rng: Random) -> str:
    value = float(rng.choice(EXTREMES))
    if rng.random() < 0.7:
        at, name = int(rng.choice([0, 5, 11])), str(rng.choice(STATES))
        one["periods"][at][name] = value
        return f"{name}_{at} = {value:g}"
    part, name = [("law", "k"), ("law", "beta"), ("law", "gamma"), ("law", "theta")][
        int(rng.integers(4))
    ]
    one[part][name] = value
    return f"{name} = {value:g}"


def _scaled(content: dict, one: dict, rng: Random) -> str:
    by, name = float(10.0 ** rng.integers(-12, 14)), str(rng.choice([*STATES, "gamma"]))
    if name == "gamma":
        one["law"]["gamma"] *= by
        return f"gamma x {by:g}"
    at = range(12) if rng.random() < 0.5 else [int(rng.integers(12))]
    for each in at:
        one["periods"][each][name] *= by
    return f"{name}_{list(at)} x {by:g}"


def _curved(content: dict, one: dict, rng: Random) -> str:
    one["law"]["k"] = float(rng.choice([0.25, 0.5, 0.99, 1.0, 1.0001, 1.05, 2.0, 2.7, 3.0, 4.0]))
    return f"k = {one['law']['k']}"


def _leaf(content: Any, rng: Random) -> tuple[Any, Any]:
    while True:
        keys = list(content) if isinstance(content, dict) else list(range(len(content)))
        key = keys[int(rng.integers(len(keys)))]
        deeper = content[key]
        if not isinstance(deeper, dict | list) or not deeper or rng.random() < 0.1:
            return content, key
        content = deeper


def _odd(content: dict, one: dict, rng: Random) -> str:
    holder, key = _leaf(content, rng)
    holder[key] = ODD[int(rng.integers(len(ODD)))]
    return f"{key} = {holder[key]!r}"


def _dropped(content: dict, one: dict, rng: Random) -> str:
    holder, key = _leaf(content, rng)
    del holder[key]
    return f"{key} dropped"
