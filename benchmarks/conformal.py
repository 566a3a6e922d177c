"""How often intervals of cost hold costs of later days: nominal 90 %.

Run: python -m benchmarks.conformal [--seeds 20] [--held 20] [--days 9,20,40,60]
Days differ in level and within; each seed calibrates on so many days and counts the costs of 20
later ones inside. Printed: the mean over seeds with its standard error, all sizes and each.
"""

from __future__ import annotations

import argparse

import numpy as np

from models.learners.conformal import cost_reach

SIZES = np.array([125.0, 500.0, 2000.0, 8000.0])
ROWS = 60  # of a size a day, more or less
LEVEL_SD, NOISE = 0.3, 0.25  # of logs: by day, and of a period; larger sizes scatter more


def drawn(draw: np.random.Generator, days: int) -> tuple[np.ndarray, ...]:
    """Return cost, told, size and day of as many days; told costs know nothing of a day's level."""
    rows = draw.integers(ROWS // 2, ROWS + ROWS // 2, days)
    day = np.repeat(np.arange(days), rows * len(SIZES))
    size = np.concatenate([np.tile(SIZES, many) for many in rows])
    common = (LEVEL_SD * draw.standard_normal(days))[day]
    sd = NOISE * (size / SIZES[0]) ** 0.1
    told = 0.01 * size * draw.uniform(0.5, 2.0, len(size))
    return told * np.exp(common + sd * draw.standard_normal(len(size))), told, size, day


def covered(seed: int, days: int, held: int) -> np.ndarray:
    """Return by size the share of held-out days' costs inside, days counting alike, (s,)."""
    draw = np.random.default_rng(seed)
    reach = cost_reach(*drawn(draw, days))
    cost, told, size, day = drawn(draw, held)
    place = np.searchsorted(reach.size, size)
    inside = np.abs(np.log(cost / told)) <= reach.reach[place]
    return np.array(
        [
            np.mean([inside[(size == one) & (day == each)].mean() for each in range(held)])
            for one in reach.size
        ]
    )


def main() -> None:
    """Print a line a number of calibration days."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--held", type=int, default=20)
    parser.add_argument("--days", default="9,20,40,60,100")
    asked = parser.parse_args()
    for days in map(int, asked.days.split(",")):
        rates = np.array([covered(seed, days, asked.held) for seed in range(asked.seeds)])
        mean, error = rates.mean(axis=1), rates.std(axis=0, ddof=1) / asked.seeds**0.5
        by_size = ", ".join(
            f"{size:g}: {rate:.1%} +- {off:.1%}"
            for size, rate, off in zip(SIZES, rates.mean(axis=0), error, strict=True)
        )
        spread = mean.std(ddof=1) / asked.seeds**0.5
        print(f"{days:>4} days: {mean.mean():.1%} +- {spread:.1%} inside   ({by_size})", flush=True)


if __name__ == "__main__":
    main()
