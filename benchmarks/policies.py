"""Policies against TWAP on real tapes: walk, over the predicted mid too, its error, markouts.

    python -m benchmarks.policies AMZN AAPL IBM --policy moment,threshold:10 --phases 10

Reads the data sets of the tests. Both sides, the rest of the last day behind the parameters of
what was before it: AMZN and AAPL 12:45 to the close, IBM the last of its five days. Below the
table each policy asked for stands against the baseline that cost least on earlier tape (11:00 to
12:45, IBM the day before), paired moment by moment.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipeline.engine.config import Config, load_config
from pipeline.parameters.schema import Params, read_params
from pipeline.replay.evidence import evidence
from pipeline.replay.replay_text import policy_figures
from pipeline.replay.request import ReplayRequest
from pipeline.replay.study import ReplayResult, replay_order
from pipeline.run import run_pipeline

DATA = Path(os.environ.get("IMPACT_DATA", Path(__file__).parents[2] / "shared/data"))
TAPES = {
    "AMZN": {"source": "lobster", "location": str(DATA / "lobster")},
    "AAPL": {"source": "lobster", "location": str(DATA / "lobster")},
    "IBM": {"source": "lean", "location": str(DATA / "lean_ibm"), "as_of": "2013-10-11T09:29"},
}
EARLIER = {  # what else holds of the tape on which a baseline is chosen, and of the order there
    "AMZN": ({"as_of": "2012-06-21T11:00"}, {"end": "2012-06-21T12:45"}),
    "AAPL": ({"as_of": "2012-06-21T11:00"}, {"end": "2012-06-21T12:45"}),
    "IBM": ({"as_of": "2013-10-10T09:29"}, {}),
}
BASELINES = ("waiting-twap", "threshold:5", "threshold:10", "threshold:20", "threshold:30", "rule")
POLICIES = ",".join((*BASELINES, "pov", "static", "ac", "adaptive", "moment"))


def parameters(symbol: str, out: str, earlier: bool = False) -> tuple[Params, Config]:
    """Return a symbol's parameters and the configuration that reads its tape."""
    data = TAPES[symbol] | {"symbols": [symbol]}
    data |= EARLIER[symbol][0] if earlier else {}
    run_pipeline(load_config(None, {"data": data, "allocate": {"shares": 5000}}), out)
    data.pop("as_of", None)
    return read_params(f"{out}/params.json"), load_config(None, {"data": data})


def both_sides(request: ReplayRequest, params: Params, config: Config) -> list[ReplayResult]:
    """Replay an order as a buy and as a sell."""
    sides = (request.order.model_copy(update={"side": side}) for side in ("buy", "sell"))
    return [replay_order(replace(request, order=order), params, config) for order in sides]


def best_baseline(asked: ReplayRequest, params: Params, config: Config) -> str:
    """Return the baseline that costs an order least on earlier tape, behind its own parameters."""
    order = asked.order.model_copy(update=EARLIER[asked.symbol][1])
    request = replace(asked, order=order, policies=BASELINES)
    results = both_sides(request, params, config)
    walk = {
        name: np.mean([policy_figures(one, name)["walk_bps"] for one in results])
        for name in BASELINES
    }
    return min(walk, key=lambda name: walk[name])


def print_against(results: list[ReplayResult], names: tuple[str, ...], baseline: str) -> None:
    """Print what each policy's walk is less the baseline's, in bps and as a part of it."""
    held = evidence(results, baseline)
    walk = np.mean([policy_figures(one, baseline)["walk_bps"] for one in results])
    for name in names:
        if name in held:
            one = held[name]
            print(
                f"  {name} less {baseline}, the best on earlier tape: "
                f"{one.difference.difference:+.3f} +- {one.difference.reach:.3f} "
                f"({one.difference.difference / walk:+.1%}): {one.verdict}",
                flush=True,
            )


def print_table(results: list[ReplayResult]) -> None:
    """Print a line a policy, the means of both sides."""
    held = evidence(results)
    first = results[0]
    print(
        f"{'':<14}{'walk':>8}{'predicted':>10}{'pressure':>10}{'- twap':>9}{'+-':>7}"
        f"{'verdict':>11}{'in shown':>10}"
        f"{'beyond':>8}{'refilled':>10}" + "".join(f"{f'adv {lag} s':>12}" for lag in (1, 5, 30))
    )
    for name in dict.fromkeys(["twap", *first.names]):
        found = [policy_figures(result, name) for result in results]

        def mean(key: str, account: str = "", found: list = found) -> float:
            return float(np.mean([(one[account] if account else one)[key] for one in found]))

        line = f"{name:<14}{mean('walk_bps'):8.3f}{mean('walk_over_predicted_mid_bps'):10.3f}"
        line += f"{mean('pressure_bps'):10.3f}"
        tail = f"{mean('walk_bps', 'shown_depth'):10.3f}"
        tail += f"{mean('filled_beyond_shown') / first.request.order.shares:8.1%}"
        known = "refilled" in first.accountings
        tail += f"{mean('walk_bps', 'refilled'):10.3f}" if known else f"{'':>10}"
        if name in held:
            one = held[name]
            line += f"{one.difference.difference:9.3f}{one.difference.reach:7.3f}{one.verdict:>11}"
            tail += "".join(
                f"{bound:6.2f} {share:5.2f}"
                for bound, share in zip(one.adverse.bound, one.adverse.bound_share, strict=True)
            )
        else:
            line += f"{'':>27}"
        print(line + tail, flush=True)


def main() -> None:
    """Print one table a symbol and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("symbols", nargs="*", default=list(TAPES))
    parser.add_argument("--policy", default=POLICIES)
    parser.add_argument("--shares", default="1000,5000,20000")
    parser.add_argument("--interval", type=float, default=10.0)
    parser.add_argument("--latency", type=float, default=0.1)
    parser.add_argument("--band", type=float, default=0.1)
    parser.add_argument("--phases", type=int, default=10)
    parser.add_argument("--half-life", type=float)
    asked = parser.parse_args()
    for symbol in asked.symbols:
        with TemporaryDirectory() as out, TemporaryDirectory() as before:
            params, config = parameters(symbol, out)
            known = parameters(symbol, before, earlier=True)
            for shares in map(int, asked.shares.split(",")):
                order = load_config(None, {"allocate": {"shares": shares}}).allocate
                names = tuple(asked.policy.split(","))
                request = ReplayRequest(
                    out, symbol, order, names, asked.interval,
                    asked.latency, asked.band, asked.phases, 0, asked.half_life, out,
                )  # fmt: skip
                baseline = best_baseline(replace(request, params=before, out=before), *known)
                request = replace(request, policies=tuple(dict.fromkeys([*names, baseline])))
                started = time.perf_counter()
                results = both_sides(request, params, config)
                took = time.perf_counter() - started
                print(
                    f"\n{symbol} {shares:,} shares, {shares / results[0].volume:.1%} of the "
                    f"volume, every {asked.interval:g} s, latency {asked.latency:g} s, band "
                    f"{asked.band:.0%}, {asked.phases} phases; bps, +- at 95 % ({took:.0f} s); "
                    "adverse: most by 95 %, and over the saving"
                )
                print_table(results)
                print_against(results, names, baseline)


if __name__ == "__main__":
    main()
