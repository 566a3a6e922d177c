"""What a decay of the weights of days is worth, where the market stays and where it moves.

Run: python -m benchmarks.half_life [--markets 20] [--days 90]. Cells of `models.simulation`, 40
periods a day; every day's log level has its own shock of .15, and the market's level stays, wanders
by .02 or .04 a day, or falls by half at once 30 days before the end (as a break that was not told).
Printed by half-life: the root mean square of the log cost of 1,000 shares at the usual state on the
day to come, without that day's own shock, less the fitted law's, with its error over markets, and
how often the law's 95 % interval of the exponent holds.
"""

from __future__ import annotations

import argparse

import numpy as np

from models.impact.book.cost_law import CostLawFit, fit_law
from models.impact.book.families import Family
from models.impact.book.walks import Cells
from models.simulation.cost_cells import (
    CENTRE,
    EXPONENT,
    HALF_SPREAD,
    SCALE,
    CellWorld,
    draw_cells,
    true_cost,
)

SHOCK, PERIODS = 0.15, 40
HALF_LIVES = (np.inf, 120.0, 60.0, 30.0, 15.0)
MOVES = ("stays", "wanders by .02", "wanders by .04", "halves")


def levels(move: str, days: int, draw: np.random.Generator) -> np.ndarray:
    """Return the market's log level on every day and the day to come, (days + 1,)."""
    if move.startswith("wanders"):
        return np.cumsum(float(move.rpartition(" ")[2]) * draw.standard_normal(days + 1))
    steps = np.zeros(days + 1)
    steps[-31:] -= np.log(2) * (move == "halves")
    return steps


def history(move: str, days: int, seed: int) -> tuple[Cells, float]:
    """Return a history and the log level of the day to come."""
    made = draw_cells(CellWorld(days=days, periods=PERIODS), seed)
    draw = np.random.default_rng(1_000 + seed)
    level = levels(move, days, draw)
    own = np.exp(level[:-1] + SHOCK * draw.standard_normal(days) - SHOCK**2 / 2)
    sizes = np.array(made.world.sizes)
    mean = true_cost("law", made.states, sizes)
    beyond = mean - np.exp(made.states[:, 2])[:, None] * sizes
    excess = beyond * made.cost / mean * own[made.day][:, None]
    many = len(sizes)

    def each(value: np.ndarray) -> np.ndarray:
        return np.repeat(value, many)

    cells = Cells(
        size=np.tile(sizes, len(made.day)),
        excess=excess.ravel(),
        half_spread=np.full(excess.size, HALF_SPREAD),
        censored=np.zeros(excess.size),
        bucket=np.zeros(excess.size, dtype=np.int64),
        volatility=each(np.exp(made.states[:, 0])),
        thinness=each(np.exp(made.states[:, 1])),
        cluster=each(made.day),
        day=each(made.day),
    )
    return cells, float(level[-1])


def weighed(cells: Cells, half_life: float) -> CostLawFit:
    """Return the law with weights that halve after so many days."""
    columns = {name: value for name, value in vars(cells).items() if value is not None}
    assert cells.day is not None
    weight = 0.5 ** ((cells.day.max() - cells.day) / half_life)
    return fit_law(Cells(**columns | {"weight": weight}), Family.SPREAD_POWER, 1)


def main() -> None:
    """Print a line a market's way and half-life."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=20)
    parser.add_argument("--days", type=int, default=90)
    given = parser.parse_args()
    for move in MOVES:
        off = np.zeros((given.markets, len(HALF_LIVES)))
        held = np.zeros_like(off)
        for seed in range(given.markets):
            cells, level = history(move, given.days, seed)
            true = np.log(SCALE) + level
            for place, half_life in enumerate(HALF_LIVES):
                fit = weighed(cells, half_life)
                own = np.log(fit.alpha[0] * (1 + fit.beta)) + fit.k * np.log(CENTRE)
                off[seed, place] = own - true
                reach = fit.covariance.reach()[fit.names.index("k")]
                held[seed, place] = abs(fit.k - EXPONENT) <= reach
        for place, half_life in enumerate(HALF_LIVES):
            squares = off[:, place] ** 2
            root = float(np.sqrt(squares.mean()))
            error = float(squares.std(ddof=1) / np.sqrt(given.markets) / 2 / root)
            print(
                f"{move:<16} half-life {half_life:>5}: off by {root:.3f} ± {error:.3f}, mean "
                f"{off[:, place].mean():+.3f}, k held {held[:, place].mean():.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
