"""Policies on simulated books that move within the minute, where what moves them is known.

Run: python -m benchmarks.moving [--days 10] [--history 2] [--seed 7] [--interval 10]
[--shares 2000,20000,100000] [--policy twap,rule,...] [--clairvoyant]. The history's days make the
parameters, the days after it are replayed, both sides. Printed by policy: the walk, bps of
notional, with the standard error of its mean over days; what it saves against twap, paired by day;
with --clairvoyant the share of twap's gap to who sees all books of the day in advance and meets
none of its own holes, within the same band.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import diags, eye, hstack, kron

from models.simulation.book_chain import MovingBook
from models.simulation.market import LEVELS, TICK, MarketConfig
from models.simulation.moving_book import SECOND_NS, simulate_moving_day
from pipeline.engine.config import Config, load_config
from pipeline.engine.sessions import Session, SessionCalendar
from pipeline.parameters.schema import read_params
from pipeline.replay.replay_text import policy_figures
from pipeline.replay.request import ReplayRequest
from pipeline.replay.study import replay_order
from pipeline.run import run_pipeline
from pipeline.tape.opening import simulate_tape

POLICIES = "twap,waiting-twap,threshold:5,threshold:10,threshold:20,threshold:30,rule,moment"
SIDES, BAND, LATENCY = {"buy": 1, "sell": -1}, 0.1, 0.1  # band: share of the order; s
LEAST_GAP = 1e-3  # of twap's walk: below it there is nothing to win


def asked() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--history", type=int, default=2)
    parser.add_argument("--shares", default="2000,20000,100000")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--policy", default=POLICIES)
    parser.add_argument("--clairvoyant", action="store_true")
    return parser.parse_args()


def simulated(given: argparse.Namespace, folder: Path) -> tuple[Config, list[Session]]:
    """Write the tape and return the configuration that reads it, and its sessions."""
    market = {"symbols": 1, "days": given.history + given.days, "seed": given.seed}
    market |= {"book": "moving"}
    config = load_config(None, {"simulate": market})
    data = {"source": "databento", "location": simulate_tape(config, str(folder / "tape"))}
    sessions = SessionCalendar().sessions_from(config.simulate.start, given.history + given.days)
    data["as_of"] = f"{sessions[given.history - 1].date}T16:00"
    return load_config(None, {"simulate": market, "data": data, "learn": {"trees": 20}}), sessions


def parameters(config: Config, folder: Path, sessions: list[Session]) -> dict[str, str]:
    """Fit the history and return the parameter file of every later day: one forecast for all."""
    run_pipeline(config, str(folder / "out"))
    text = (folder / "out/params.json").read_text(encoding="utf-8")
    files = {}
    for session in sessions:
        path = folder / f"params-{session.date}.json"
        path.write_text(text.replace(sessions[0].date, session.date), encoding="utf-8")
        files[session.date] = str(path)
    return files


def replayed(config: Config, params: str, shares: int, side: str, how: argparse.Namespace) -> dict:
    """Return each policy's walk on one day, bps of notional."""
    order = config.allocate.model_copy(update={"shares": shares, "side": side})
    out = str(Path(params).parent / "out")
    request = ReplayRequest(
        params, "SIM0", order, tuple(how.policy.split(",")), how.interval, LATENCY, BAND, out=out
    )
    result = replay_order(request, read_params(params), config)
    return {name: policy_figures(result, name)["walk_bps"] for name in result.names}


def clairvoyant(config: Config, day: int, shares: int, sign: int, interval: float) -> float:
    """Return the least walk within the band, all books known and none of them depleted, bps."""
    simulate = config.simulate
    sessions = SessionCalendar().sessions_from(simulate.start, simulate.days)
    market = MarketConfig(1, simulate.seed, tuple(session.periods for session in sessions))
    made = simulate_moving_day(market, MovingBook(), 0, day)
    tape, end = made.tape, market.periods[day] * market.period_ns
    looks = np.arange(0, end - int(LATENCY * SECOND_NS), int(interval * SECOND_NS))
    mids = (tape.bid_px[:, :1] + tape.ask_px[:, :1]) / 2
    met = made.rows_at(looks + int(LATENCY * SECOND_NS))
    prices, sizes = (tape.ask_px, tape.ask_sz) if sign > 0 else (tape.bid_px, tape.bid_sz)
    over = sign * (prices - mids)[met] * TICK
    moments = len(looks)
    pace = np.arange(1, moments + 1) / moments
    slack = np.minimum(BAND, 1 - pace)
    bounds = [(0, size) for size in sizes[met].ravel()]
    band = zip(shares * (pace - slack), shares * np.minimum(pace + slack, 1), strict=True)
    bounds += [(max(low, 0), high) for low, high in band]
    steps = diags([1.0, -1.0], [0, -1], shape=(moments, moments))  # filled so far, less before
    equal = hstack([kron(eye(moments), np.ones((1, LEVELS))), -steps]).tocsr()
    cost = np.append(over.ravel(), np.zeros(moments))
    found = linprog(cost, A_eq=equal, b_eq=np.zeros(moments), bounds=bounds, method="highs")
    return 1e4 * found.fun / (shares * float(mids[made.rows_at(looks[:1])[0], 0]) * TICK)


def report(walks: dict[str, np.ndarray]) -> None:
    """Print each policy's walk over the days, its saving and its share of the gap."""
    twap, best = walks["twap"], walks.get("clairvoyant")
    for name, walk in walks.items():
        saving = twap - walk
        errors = [each.std(ddof=1) / len(each) ** 0.5 for each in (walk, saving)]
        line = f"  {name:<14}{walk.mean():7.3f} ± {errors[0]:.3f}   saves "
        line += (
            f"{saving.mean():7.3f} ± {errors[1]:.3f} ({100 * saving.mean() / twap.mean():5.1f} %)"
        )
        if best is not None and (twap - best).mean() > LEAST_GAP * twap.mean():
            line += f"   of the gap {100 * saving.mean() / (twap - best).mean():5.1f} %"
        print(line)


def main() -> None:
    """Simulate, fit, replay and print."""
    given = asked()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        config, sessions = simulated(given, folder)
        files = parameters(config, folder, sessions[given.history :])
        for shares in map(int, given.shares.split(",")):
            found: dict[str, list[float]] = {}
            for place, params in enumerate(files.values()):
                sides: dict[str, list[float]] = {}
                for side, sign in SIDES.items():
                    walks = replayed(config, params, shares, side, given)
                    if given.clairvoyant:
                        day = given.history + place
                        best = clairvoyant(config, day, shares, sign, given.interval)
                        walks["clairvoyant"] = best
                    for policy, walk in walks.items():
                        sides.setdefault(policy, []).append(walk)
                for policy, both in sides.items():
                    found.setdefault(policy, []).append(float(np.mean(both)))
            print(f"{shares:,} shares, every {given.interval:g} s, {given.days} days, both sides")
            report({policy: np.array(walk) for policy, walk in found.items()})


if __name__ == "__main__":
    main()
