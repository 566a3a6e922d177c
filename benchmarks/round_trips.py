"""Is there a round trip that earns money under a law? Buys and sells searched, both readings.

Run: python -m benchmarks.round_trips [PARAMS.json ...] [--drawn 1000]. For every symbol of the
files, in its cheapest period, and for sets drawn with k from .9 to 4 and gamma up to ten times what
turns phi concave at a hundredth of the session's volume, with and without spread: random trips of
two to eight trades at sizes up to a fifth of a period's volume, each walked through the price trade
by trade. A trip earns money when its expected cost is negative.
"""

import argparse
import json
from dataclasses import dataclass

import numpy as np

TRIPS, LONGEST = 4000, 8


@dataclass(frozen=True)
class Case:
    """One law at its cheapest, and the largest trade, shares."""

    name: str
    spread: float
    scale: float
    k: float
    gamma: float
    largest: float


def of_file(path: str) -> list[Case]:
    """Return the cheapest period of every symbol of a parameter file."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    cases = []
    for name, one in content["symbols"].items():
        law, periods = one["law"], one["periods"]
        scales = [
            row["alpha"] * (1 + law["beta"] * row["volatility"]) * row["liquidity"]
            for row in periods
        ]
        spread = min(row["spread"] for row in periods)
        largest = 0.2 * max(row["volume"] for row in periods)
        cases.append(Case(name, spread, min(scales), law["k"], law["gamma"], largest))
    return cases


def drawn(rng: np.random.Generator, index: int) -> Case:
    """Return a law of any exponent whose gamma may bend phi well within the trades searched."""
    k, largest = float(rng.uniform(0.9, 4.0)), float(10 ** rng.uniform(2, 4))
    scale = float(10 ** rng.uniform(-5, -3)) * largest ** (1.5 - k)
    bends = scale * max(k * (k - 1), 0.1) * (0.05 * largest) ** (k - 2)
    gamma = float(rng.uniform(0, 10)) * bends
    return Case(f"drawn {index}", float(rng.choice([0.0, 0.01])), scale, k, gamma, largest)


def cheapest(case: Case, rng: np.random.Generator, own: float) -> float:
    """Return the least expected cost of a trip over its trades' own cost; own: the share paid."""
    sizes = case.largest * rng.random((TRIPS, LONGEST)) ** 2
    signs = rng.choice([-1.0, 1.0], (TRIPS, LONGEST))
    trades = sizes * signs * (np.arange(LONGEST) < rng.integers(1, LONGEST, (TRIPS, 1)))
    closing = -trades.sum(axis=1, keepdims=True)
    pieces = np.maximum(np.ceil(np.abs(closing) / case.largest), 1)
    back = np.where(np.arange(pieces.max()) < pieces, closing / pieces, 0.0)
    trips = np.concatenate([trades, back], axis=1)
    before = case.gamma * (np.cumsum(trips, axis=1) - trips)
    moved = (trips * (before + own * case.gamma * trips)).sum(axis=1)
    size = np.abs(trips)
    fees = (case.spread * size + case.scale * size**case.k).sum(axis=1)
    return float(((moved + fees) / fees)[fees > 0].min())


def main() -> None:
    """Search and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("params", nargs="*")
    parser.add_argument("--drawn", type=int, default=1000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    groups = {path: of_file(path) for path in asked.params}
    groups["drawn"] = [drawn(rng, index) for index in range(asked.drawn)]
    for name, cases in groups.items():
        for own, reading in ((0.5, "half"), (0.0, "none")):
            found = [cheapest(case, rng, own) for case in cases]
            earning = sum(cost < -1e-9 for cost in found)
            print(
                f"{name}, own impact {reading}: {len(cases)} laws, {earning} with a trip that "
                f"earns; least cost over fees {min(found):.3g}"
            )


if __name__ == "__main__":
    main()
