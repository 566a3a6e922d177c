"""Plans and policies on simulated days that their parameters have not seen, many markets.

Run: python -m benchmarks.evaluation [--seeds 10] [--days 5] [--history 3] [--symbols 3]
[--book resting|moving] [--flat] [--candidates twap,vwap,static,...]. Each market is evaluated as
`impact evaluate` does, and on resting books three plans more: at the states as they came to be, at
the law that was planted, at both. Printed by candidate: the mean over markets of its saving against
TWAP in per cent of TWAP's walk, with the standard error of that mean, the mean regret, and in how
many markets its own 95 % interval tells a saving; then the pairs that matter. Markets are
independent, so that t with seeds - 1 degrees of freedom holds. --flat: markets whose hours do not
differ, in which no plan has anything to know; `shuffled` and `blind` must save nothing anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from models.tca.regret import Judged
from pipeline.engine.config import load_config
from pipeline.evaluation.candidates import YARDSTICK, Candidate, Further
from pipeline.evaluation.study import EvaluateRequest, evaluate
from pipeline.evaluation.verdicts import ALL_SIZES
from pipeline.parameters.schema import Params, SymbolParams
from pipeline.tape.opening import simulate_tape

CANDIDATES = (
    "twap,vwap,ac,linear,square_root,point,static,rule,threshold:10,empirical,moment,shuffled,blind"
)
TRUTHS = {
    "true_states": Candidate("static", "law as fitted, the day's own states", "true_states", True),
    "true_law": Candidate("static", "law as planted, states as forecast", "true_law", True),
    "true_both": Candidate("static", "law as planted, the day's own states", "true_both", True),
}
PAIRS = [
    ("moment", "static"),
    ("static", "twap"),
    ("static", "vwap"),
    ("static", "linear"),
    ("static", "point"),
    ("point", "twap"),
    ("true_states", "point"),
    ("true_law", "point"),
    ("true_both", "point"),
    ("shuffled", "twap"),
    ("blind", "twap"),
]


def asked() -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--history", type=int, default=3)
    parser.add_argument("--symbols", type=int, default=3)
    parser.add_argument("--book", default="resting")
    parser.add_argument("--flat", action="store_true")
    parser.add_argument("--candidates", default=CANDIDATES)
    parser.add_argument("--sizes", default="0.001,0.01,0.05")
    parser.add_argument("--interval", type=float, default=60.0)
    return parser.parse_args()


def truths(folder: Path) -> Further:
    """Return the plans that know what was planted in a resting market."""
    planted = json.loads((folder / "truth.json").read_text(encoding="utf-8"))["symbols"]
    periods = pl.read_parquet(folder / "truth.parquet")

    def known(params: Params, states: bool, law: bool) -> Params:
        date = params.valid.start[:10]
        symbols = {
            name: _known(
                one, planted[name], periods.filter(symbol=name, date=date), states=states, law=law
            )
            for name, one in params.symbols.items()
        }
        return params.model_copy(update={"symbols": symbols})

    def params(by_law: Mapping[str, Params]) -> dict[str, Params]:
        fitted = by_law["law"]
        return {
            "true_states": known(fitted, states=True, law=False),
            "true_law": known(fitted, states=False, law=True),
            "true_both": known(fitted, states=True, law=True),
        }

    return Further(TRUTHS, params)


def _known(
    symbol: SymbolParams, planted: dict, day: pl.DataFrame, *, states: bool, law: bool
) -> SymbolParams:
    """Return a symbol's parameters with what is known of the truth; each state over the reference
    that its law was fitted or planted with.
    """
    true = {name: day[name].to_numpy() for name in ("v", "liquidity", "sigma", "volume")}
    told = {
        name: np.array([getattr(one, name) for one in symbol.periods])
        for name in ("volatility", "liquidity", "sigma", "volume")
    }
    sigma, volume = (true if states else told)["sigma"], (true if states else told)["volume"]
    if law:
        volatility = sigma * true["v"] / true["sigma"]
        liquidity = true["liquidity"] * true["volume"] / volume
    else:
        volatility = sigma * np.mean(told["volatility"]) / np.mean(told["sigma"])
        liquidity = np.mean(told["liquidity"] * told["volume"]) / volume
    changed = []
    for place, one in enumerate(symbol.periods):
        update = {"volatility": volatility[place], "liquidity": liquidity[place]}
        if law:
            update |= {"alpha": planted["alpha"][place], "spread": planted["half_spread"]}
        changed.append(one.model_copy(update=update))
    section = {"periods": tuple(changed)}
    if law:
        exponents = {"k": planted["k"], "beta": planted["beta"]}
        section["law"] = symbol.law.model_copy(update=exponents)
    return symbol.model_copy(update=section)


def market(given: argparse.Namespace, seed: int, folder: Path) -> dict[str, Judged]:
    """Return each candidate as judged on one market, over all sizes."""
    simulate = {"symbols": given.symbols, "days": given.history + given.days, "seed": seed}
    simulate |= {"book": given.book, "pattern": not given.flat}
    config = load_config(None, {"simulate": simulate})
    tape = simulate_tape(config, str(folder / "tape"))
    data = {"source": "databento", "location": tape}
    config = load_config(None, {"data": data, "executor": {"workers": 0}})
    request = EvaluateRequest(
        candidates=tuple(given.candidates.split(",")),
        sizes=tuple(map(float, given.sizes.split(","))),
        history=given.history,
        interval=given.interval,
        out=str(folder / "out"),
    )
    further = truths(folder / "tape") if given.book == "resting" else None
    rows = [row for row in evaluate(request, config, further).rows if row.account == "by_price"]
    whole = ALL_SIZES if len(request.sizes) > 1 else request.sizes[0]
    return {row.judged.name: row.judged for row in rows if row.size == whole}


def main() -> None:
    """Print one table."""
    given, found = asked(), defaultdict(list)
    started = time.perf_counter()
    for seed in range(given.first, given.first + given.seeds):
        with tempfile.TemporaryDirectory() as name:
            os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{name}/mlflow.db"
            judged = market(given, seed, Path(name))
        unit = 100 / judged[YARDSTICK].cost
        for candidate, one in judged.items():
            found[candidate].append((unit * one.saving, one.regret, one.lower > 0))
        line = " ".join(f"{name} {figures[-1][0]:.2f}" for name, figures in found.items())
        print(f"seed {seed}, {time.perf_counter() - started:.0f} s: {line}", flush=True)
    report(given, {name: np.array(figures) for name, figures in found.items()})


def report(given: argparse.Namespace, found: dict[str, np.ndarray]) -> None:
    """Print candidates and pairs. found: (seeds, 3), saving, regret, whether one was told."""
    kind = f"{given.book} books{', hours alike' if given.flat else ''}"
    print(
        f"{kind}, {given.seeds} markets of {given.symbols} symbols, {given.days} days held out "
        f"behind {given.history}, every {given.interval:g} s; % of TWAP's walk, bps"
    )
    count = given.seeds
    for name, figures in sorted(found.items(), key=lambda item: -item[1][:, 0].mean()):
        mean, error = figures.mean(axis=0), figures.std(axis=0, ddof=1) / count**0.5
        line = f"  {name:<14} saves {mean[0]:7.2f} +- {error[0]:.2f}"
        line += f"   regret {mean[1]:6.3f} +- {error[1]:.3f}"
        print(f"{line}   told in {figures[:, 2].sum():.0f} of {count}")
    reach = stats.t.ppf(0.975, count - 1)
    for one, other in PAIRS:
        if one in found and other in found:
            gain = found[one][:, 0] - found[other][:, 0]
            error = gain.std(ddof=1) / count**0.5
            low, high = gain.mean() - reach * error, gain.mean() + reach * error
            line = f"  {one} against {other}: {gain.mean():6.2f} % [{low:.2f}, {high:.2f}]"
            print(f"{line} of TWAP's walk")


if __name__ == "__main__":
    main()
