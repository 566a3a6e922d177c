"""Plans and policies on simulated days that their parameters have not seen, many markets.

Run: python -m benchmarks.evaluation [--seeds 10] [--days 5] [--history 3] [--symbols 3]
[--book resting|moving] [--candidates twap,vwap,static,...]. Each market is evaluated as
`impact evaluate` does; printed by candidate: the mean over markets of its saving against TWAP in
per cent of TWAP's walk, with the standard error of that mean, and the mean regret. Markets are
independent, so that t with seeds - 1 degrees of freedom is exact enough.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from pipeline.engine.config import load_config
from pipeline.evaluation.candidates import YARDSTICK
from pipeline.evaluation.study import EvaluateRequest, evaluate
from pipeline.evaluation.verdicts import ALL_SIZES
from pipeline.tape.opening import simulate_tape

CANDIDATES = "twap,vwap,linear,square_root,point,static,rule,threshold:10,empirical,moment"


def asked() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--history", type=int, default=3)
    parser.add_argument("--symbols", type=int, default=3)
    parser.add_argument("--book", default="resting")
    parser.add_argument("--candidates", default=CANDIDATES)
    parser.add_argument("--interval", type=float, default=60.0)
    return parser.parse_args()


def market(given: argparse.Namespace, seed: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Return each candidate's saving (per cent of TWAP's walk) and regret (bps) on one market."""
    simulate = {"symbols": given.symbols, "days": given.history + given.days, "seed": seed}
    config = load_config(None, {"simulate": simulate | {"book": given.book}})
    tape = simulate_tape(config, str(folder / "tape"))
    config = load_config(None, {"data": {"source": "databento", "location": tape}})
    request = EvaluateRequest(
        candidates=tuple(given.candidates.split(",")),
        history=given.history,
        interval=given.interval,
        out=str(folder / "out"),
    )
    rows = [row for row in evaluate(request, config).rows if row.account == "by_price"]
    whole = {row.judged.name: row.judged for row in rows if row.size == ALL_SIZES}
    unit = 100 / whole[YARDSTICK].cost
    return {name: (unit * one.saving, one.regret) for name, one in whole.items()}


def main() -> None:
    """Print one table."""
    given, found = asked(), defaultdict(list)
    started = time.perf_counter()
    for seed in range(given.seeds):
        with tempfile.TemporaryDirectory() as name:
            os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{name}/mlflow.db"
            for candidate, figures in market(given, seed, Path(name)).items():
                found[candidate].append(figures)
        print(f"seed {seed}: {time.perf_counter() - started:.0f} s", flush=True)
    print(
        f"{given.book} books, {given.seeds} markets of {given.symbols} symbols, {given.days} days "
        f"held out behind {given.history}, every {given.interval:g} s; % of TWAP's walk, bps"
    )
    for name, figures in sorted(found.items(), key=lambda item: -np.mean(item[1], axis=0)[0]):
        mean, error = np.mean(figures, axis=0), np.std(figures, axis=0, ddof=1)
        saving, regret = error / len(figures) ** 0.5
        line = f"  {name:<14} saves {mean[0]:7.2f} +- {saving:.2f}"
        print(f"{line}   regret {mean[1]:6.3f} +- {regret:.3f}")


if __name__ == "__main__":
    main()
