"""Night after night on a simulated history whose market changes.

Run: python -m benchmarks.nights [--days 30] [--break-at 15] [--first 5] [--before 25] [--after 38].
One symbol's tape is that of one seed up to a day and of another from then on: depth, k, volume and
volatility change at once. Each day from `--first` on is retrained as `impact retrain` does. Printed
by night: the outcome, the history's first day, k in force with its error and its distance from what
is planted on that day, in errors, and so of the mean log cost of 1,000 shares over the half spread
(states forecast for the next session against those planted in it).
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from models.simulation.market import MarketConfig, SymbolTruth, simulate_truth
from pipeline.engine.config import load_config
from pipeline.engine.sessions import SessionCalendar
from pipeline.parameters.schema import read_params
from pipeline.retraining.retrain import retrain
from pipeline.tape.opening import simulate_tape
from solver import ImpactLaw, uncertainty_of

SHARES = 1000.0
START = "2025-01-06"


def main() -> None:
    """Simulate both markets, join their tapes, and do the nights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--break-at", type=int, default=15)
    parser.add_argument("--first", type=int, default=5)
    parser.add_argument("--before", type=int, default=25)
    parser.add_argument("--after", type=int, default=38)
    given = parser.parse_args()
    sessions = SessionCalendar().sessions_from(START, given.days + 1)
    periods = tuple(one.periods for one in sessions)
    truths = [
        simulate_truth(MarketConfig(1, seed, periods), 0) for seed in (given.before, given.after)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        tape = joined(given, folder, [one.date for one in sessions])
        config = load_config(
            None,
            {
                "data": {"source": "databento", "location": str(tape)},
                "executor": {"workers": 0},
                "learn": {"trees": 10},
            },
        )
        started = time.perf_counter()
        for place in range(given.first - 1, given.days):
            done = retrain(config, str(folder / "out"), sessions[place].date).night
            truth = truths[place + 1 >= given.break_at]
            line = f"night {place + 1:>2} {done.date} {done.outcome:<9}{done.since or 'all':<12}"
            line += told(str(folder / "out/params.json"), truth, place + 1)
            print(f"{line}  {time.perf_counter() - started:5.0f} s  {done.why[:90]}", flush=True)


def joined(given: argparse.Namespace, folder: Path, dates: list[str]) -> Path:
    """Return the folder of both markets' tapes, the second's from the day of the break on."""
    tape = folder / "tape"
    tape.mkdir()
    for name, seed in (("before", given.before), ("after", given.after)):
        market = {"symbols": 1, "days": given.days, "seed": seed, "start": START}
        made = Path(simulate_tape(load_config(None, {"simulate": market}), str(folder / name)))
        for place, date in enumerate(dates[: given.days]):
            if (place + 1 >= given.break_at) == (name == "after"):
                file = f"SIM0-{date.replace('-', '')}.mbp-10.parquet"
                shutil.copy(made / file, tape / file)
    return tape


def told(path: str, truth: SymbolTruth, day: int) -> str:
    """Return k in force and its distance from the truth, and that of the cost's log."""
    params = read_params(path)
    section = params.model_dump(by_alias=True)["symbols"]["SIM0"]
    known = uncertainty_of(params.model_dump(by_alias=True), "SIM0")
    error = float(section["standard_errors"]["k"] or np.nan)
    k = section["law"]["k"]
    law = ImpactLaw.from_section(section)
    own = float(np.log(np.mean(law.scale * SHARES**law.k)))
    planted = float(np.log(np.mean(truth.days[day].scale * SHARES**truth.k)))
    slope = np.zeros(len(known.names))
    slope[:2] = 1.0, np.log(SHARES)
    spread = float(np.sqrt(slope @ np.asarray(known.covariance) @ slope))
    return (
        f"k {k:.4f} +- {error:.4f} ({(k - truth.k) / error:+5.1f})  log cost {own - planted:+.3f} "
        f"+- {spread:.3f}"
    )


if __name__ == "__main__":
    main()
