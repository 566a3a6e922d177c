"""Learners of the cost curve where the truth is known: regret of the plans that they lead to.

Run: python -m benchmarks.learners [--seeds 3] [--days 20] [--truths law,state_k,cliff,interaction]
Each market draws 20 days of costs and 5 more whose states are known before each period. Every
learner is fitted on the first, plans each of the others at its states, and is charged the true
curve. Printed: excess over who plans with the true curve, per cent of TWAP's walk, mean over
markets with the standard error of that mean. Seeds are 0, 1, 2, ...

python -m benchmarks.learners --real AMZN,AAPL,IBM prints Gamma deviances on the held-out part of
the tapes of the tests, errors of the differences to the best by cluster, and how far each lies
below the law's, to hold against what is planted; --beyond deviances at sizes that the depth shown
never held in training, against the whole book's cost; --speed the time that a symbol of 20 days
takes, both sides at nine sizes, every learner tuned and fitted twice.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.policies import TAPES
from models.learners import LEARNERS, LearnerSettings, fit_curve
from models.losses import gamma_deviance
from models.simulation.cost_cells import TRUTHS, CellWorld, draw_cells, true_cost
from pipeline.engine.config import load_config
from pipeline.engine.job import open_job
from pipeline.fitting import fit_symbols, look_ahead
from pipeline.tape.opening import find_tape
from solver import Problem, TableLaw, solve
from tests.models.learners.cell_worlds import law_of, rows_of, split

HELD, LOTS = 5, 2000
CHILD = 1000.0  # shares a period of an even pace
UNSEEN = 2  # of the largest sizes, left out of training by --beyond
MOST = 8  # times an even pace, the cap of a period


def plan(cost: np.ndarray) -> np.ndarray:
    """Return the lots of a day's least cost; cost: (N, MOST lots of an even pace + 1)."""
    return np.rint(solve(Problem(shares=float(LOTS), law=TableLaw(cost))).x).astype(int)


def market(truth: str, seed: int, days: int, settings: LearnerSettings) -> dict[str, np.ndarray]:
    """Return by learner its plans' excess (% of TWAP's walk), held-out deviance and seconds."""
    world = CellWorld(truth=truth, days=days + HELD)
    early, late = split(draw_cells(world, seed), days)
    rows, law, step = rows_of(early), law_of(early), CHILD * world.periods / LOTS
    sizes = np.arange(MOST * LOTS // world.periods + 1) * step
    curves, took = {}, {}
    for name in LEARNERS:
        started = time.perf_counter()
        curves[name] = fit_curve(name, rows, law, settings)
        took[name] = time.perf_counter() - started
    found = {name: [] for name in LEARNERS}
    for day in np.unique(late.day):
        states = late.states[late.day == day]
        true = true_cost(truth, states, sizes)
        row = np.arange(len(states))
        even = true_cost(truth, states, np.full((len(states), 1), CHILD)).sum()
        best = true[row, plan(true)].sum()
        for name, curve in curves.items():
            table = np.maximum.accumulate(curve.curve(states, sizes), axis=1)
            excess = 100 * (true[row, plan(table)].sum() - best) / even
            told = curve.curve(states, np.array(world.sizes))
            deviance = gamma_deviance(late.cost[late.day == day], told).mean()
            found[name].append([excess, deviance, took[name], 100 * (even - best) / even])
    return {name: np.mean(each, axis=0) for name, each in found.items()}


def real(symbol: str) -> None:
    """Print the candidates' deviances on a tape's held-out part."""
    config = load_config(None, {"data": TAPES[symbol] | {"symbols": [symbol]}})
    with TemporaryDirectory() as out:
        raw = find_tape(config, out)
        with open_job(config, out, raw.bytes) as job:
            scores = fit_symbols(job, look_ahead(job, raw)).selected[symbol].load().scores
    print(f"{symbol}: {scores['cells'].iloc[0]} held-out cells")
    law = float(scores.set_index("candidate").loc["law", "deviance"])
    for row in scores.sort_values("deviance").itertuples():
        below = f"{1 - row.deviance / law:6.1%} below the law's"
        told = f"{row.deviance:.4f} +- {row.deviance_error:.4f}"
        print(f"  {row.candidate:<12} {told}   {below}", flush=True)


def beyond(truth: str, seed: int, days: int, settings: LearnerSettings) -> dict[str, np.ndarray]:
    """Return by learner its deviance at the two largest sizes, which it never saw, (2,)."""
    world = CellWorld(truth=truth, days=days + HELD)
    early, late = split(draw_cells(world, seed), days)
    sizes = np.array(world.sizes)
    shown = replace(early.world, sizes=tuple(sizes[:-UNSEEN]))
    seen = replace(early, world=shown, cost=early.cost[:, :-UNSEEN])
    rows, law = rows_of(seen), law_of(seen)
    found = {}
    for name in LEARNERS:
        told = fit_curve(name, rows, law, settings).curve(late.states, sizes[-UNSEEN:])
        found[name] = gamma_deviance(late.cost[:, -UNSEEN:], told).mean(axis=0)
    return found


def print_beyond(truth: str, seeds: int, days: int, settings: LearnerSettings) -> None:
    """Print the deviances at sizes never seen, mean over markets with its error."""
    every = [beyond(truth, seed, days, settings) for seed in range(seeds)]
    print(f"{truth}: {seeds} markets, sizes that training never saw")
    for name in LEARNERS:
        found = np.array([one[name] for one in every])
        error = found.std(axis=0, ddof=1) / seeds**0.5 if seeds > 1 else (np.nan, np.nan)
        told = (
            f"{one:.4f} +- {off:.4f}" for one, off in zip(found.mean(axis=0), error, strict=True)
        )
        print(f"  {name:<10} deviance {'   '.join(told)}", flush=True)


def speed() -> None:
    """Print what learning takes of one symbol."""
    rows = rows_of(draw_cells(CellWorld(days=40, sizes=tuple(125.0 * 1.8**n for n in range(9))), 0))
    law = law_of(draw_cells(CellWorld(days=20), 0))
    for name in LEARNERS:
        started = time.perf_counter()
        for _ in range(2):
            fit_curve(name, rows, law, LearnerSettings())
        print(f"  {name:<10} {len(rows.size):,} rows twice: {time.perf_counter() - started:.1f} s")


def main() -> None:
    """Print a table a truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--tries", type=int, default=LearnerSettings.tries)
    parser.add_argument("--truths", default=",".join(TRUTHS))
    parser.add_argument("--real", default="")
    parser.add_argument("--beyond", action="store_true")
    parser.add_argument("--speed", action="store_true")
    asked = parser.parse_args()
    if asked.real or asked.speed:
        for symbol in filter(None, asked.real.split(",")):
            real(symbol)
        if asked.speed:
            speed()
        return
    for truth in asked.truths.split(","):
        settings = LearnerSettings(tries=asked.tries)
        if asked.beyond:
            print_beyond(truth, asked.seeds, asked.days, settings)
            continue
        every = [market(truth, seed, asked.days, settings) for seed in range(asked.seeds)]
        gap = np.mean([one["law"][3] for one in every])
        print(f"{truth}: {asked.seeds} markets, {HELD} days each; TWAP is {gap:.2f} % dearer than"
              " the true plan")  # fmt: skip
        law, plain = np.array([one["law"][:2] for one in every]).T
        for name in LEARNERS:
            excess, deviance, seconds, _ = np.array([one[name] for one in every]).T
            error = excess.std(ddof=1) / len(excess) ** 0.5 if len(excess) > 1 else np.nan
            print(
                f"  {name:<10} excess {excess.mean():6.3f} +- {error:.3f} %"
                f"   of the law's {excess.mean() / law.mean():5.0%}"
                f"   deviance {deviance.mean():.4f} ({1 - deviance.mean() / plain.mean():.0%} below"
                f" the law's)   {seconds.mean():5.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # as stages run
        main()
