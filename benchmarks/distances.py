"""How often two nights' files of one market lie apart by chance, where their days are few.

Run: python -m benchmarks.distances [--markets 200] [--days 2,3,4,5,7]. Markets made at the level of
cost cells (`tests.pipeline.stages.cell_markets`): every day has its own level of cost (15 %),
exponent (.02), volatility and volume (25 %). The law is fitted to the first days of each, its
states predicted. Printed by days of the file in force and of the candidate: the share of markets
whose distance is an alarm (p < .001) and whose p is below .05, beside the same where each file
tells its costs in the state that is usual in its own history.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import combinations

import numpy as np

from pipeline.parameters.schema import Params
from pipeline.retraining.distance import distance
from pipeline.retraining.gate import ALARM
from tests.pipeline.retraining.market_laws import file_of
from tests.pipeline.stages.cell_markets import World, cell_market


def as_usual(params: Params, other: Params) -> Params:
    """Return a file whose usual state is called by the levels of another's, which it is not."""
    symbols = {
        name: one.model_copy(update={"reference": other.symbols[name].reference})
        for name, one in params.symbols.items()
    }
    return params.model_copy(update={"symbols": symbols})


def main() -> None:
    """Print a line for each pair of nights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--days", default="2,3,4,5,7")
    given = parser.parse_args()
    days = sorted(int(each) for each in given.days.split(","))
    found: dict[tuple[int, int], list[tuple[float, float]]] = defaultdict(list)
    for seed in range(given.markets):
        market = cell_market(World(days=days[-1]), seed)
        states = market.predicted()
        files = {count: file_of(market, states, count) for count in days}
        for few, more in combinations(days, 2):
            own = distance(files[more], as_usual(files[few], files[more])).p
            found[few, more].append((distance(files[more], files[few]).p, own))
    print(f"{given.markets} markets      p < {ALARM}   p < .05   each as usual: the same")
    for (few, more), values in found.items():
        p, own = np.array(values).T
        shares = [(one < level).mean() for one in (p, own) for level in (ALARM, 0.05)]
        print(f"{few} and {more} days" + "".join(f"{share:10.3f}" for share in shares))


if __name__ == "__main__":
    main()
