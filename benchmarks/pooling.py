"""What a thin symbol, with a tenth of the others' data, gains from them; exits 1 when it does not.

Run: python -m benchmarks.pooling [--count N]. Symbols are simulated with laws that differ a little,
some or wildly, and fitted one by one; out-of-sample Gamma deviance of the thin one's own fit is
compared with that of its pooled one, of its levels smoothed over the day, and of both. Differences
are paired, with their standard errors over simulations.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from models.impact.book.cost_law import Family, fit_law
from models.impact.book.walks import Cells
from models.inference.covariance import Covariance
from models.losses import gamma_deviance
from models.pooling.reference_state import at_reference_state
from models.pooling.symbols import SymbolEstimates, pool
from models.pooling.time_of_day import shrink_profile

SIZES = np.array([100, 300, 800, 2000, 5000], dtype=float)
CENTRE = 700.0  # shares: the order at which levels are compared
BUCKETS = 6
BLOCK = 3  # periods
MIDPOINTS = (np.arange(BUCKETS) + 0.5) / BUCKETS
NAMES = ("level", "k", "beta", "theta")
METHODS = ("own", "pooled", "smoothed", "both")


@dataclass(frozen=True)
class World:
    """How far symbols differ, and how much data they have.

    level, exponent: standard deviations of log level and of k; thin, full: periods.
    """

    level: float
    exponent: float
    symbols: int = 8
    thin: int = 60
    full: int = 600


WORLDS = {"alike": World(0.05, 0.01), "some": World(0.25, 0.04), "wild": World(1.5, 0.2)}


@dataclass(frozen=True)
class Truth:
    """One symbol's law: log cost of CENTRE shares by time of day, k, beta, theta."""

    level: float
    k: float
    beta: float
    theta: float

    def mean(self, cells: Cells) -> np.ndarray:
        """Return the expected excess of every cell."""
        smile = 1.2 * (MIDPOINTS[cells.bucket] - 0.5) ** 2
        return (
            np.exp(self.level + smile)
            * (cells.size / CENTRE) ** self.k
            * (1 + self.beta * cells.volatility)
            * cells.thinness**self.theta
        )


def draw(world: World, rng: np.random.Generator) -> Truth:
    """Draw one symbol."""
    level, k = rng.normal(3, world.level), rng.normal(1.5, world.exponent)
    return Truth(level, k, rng.uniform(0.4, 0.6), rng.normal(1, 0.05))


def simulate(truth: Truth, periods: int, rng: np.random.Generator) -> Cells:
    """Draw cells around the law; a period's sizes share noise in level and in slope."""
    period = np.repeat(np.arange(periods), len(SIZES))
    size, none = np.tile(SIZES, periods), np.full(periods * len(SIZES), np.nan)
    plain = Cells(
        size=size,
        excess=none,
        half_spread=np.full(len(size), 0.01),
        censored=np.zeros(len(size)),
        bucket=period % BUCKETS,
        volatility=rng.uniform(0.3, 2, periods)[period],
        thinness=rng.uniform(0.4, 2, periods)[period],
        cluster=period // BLOCK,
    )
    tilt = (size / CENTRE) ** (0.15 * rng.normal(size=periods))[period]
    noise = tilt * rng.gamma(3, 1 / 3, periods)[period] * rng.gamma(6, 1 / 6, len(size))
    return Cells(**{**vars(plain), "excess": truth.mean(plain) * noise})


def replicate(world: World, rng: np.random.Generator) -> np.ndarray:
    """Return the thin symbol's out-of-sample deviance above its true law's, by method, (4,)."""
    truths = [draw(world, rng) for _ in range(world.symbols)]
    fits = [
        fit_law(simulate(truth, world.full if i else world.thin, rng), Family.SPREAD_POWER, BUCKETS)
        for i, truth in enumerate(truths)
    ]
    # levels of other families mean something else
    assert all(fit.family is Family.SPREAD_POWER for fit in fits)
    jacobian = np.zeros((len(NAMES), BUCKETS + 3))
    jacobian[0, :BUCKETS], jacobian[0, BUCKETS] = 1 / BUCKETS, np.log(CENTRE)
    jacobian[1:, BUCKETS:] = np.eye(3)
    levels, beta = np.arange(BUCKETS + 3) < BUCKETS, BUCKETS + 1
    states = [at_reference_state(fit.values, fit.covariance.matrix, levels, beta) for fit in fits]
    pooled = pool(
        tuple(
            SymbolEstimates(
                str(i), jacobian @ values, Covariance(NAMES, jacobian @ matrix @ jacobian.T)
            )
            for i, (values, matrix) in enumerate(states)
        )
    )
    own = fits[0].values, fits[0].covariance.matrix
    carried = at_reference_state(
        *pooled.carried("0", *states[0], jacobian), levels, beta, back=True
    )
    laws = [
        own[0],
        carried[0],
        *(shrink_profile(*one, MIDPOINTS, MIDPOINTS).values for one in (own, carried)),
    ]
    fresh = simulate(truths[0], 3000, rng)
    best = gamma_deviance(fresh.excess, truths[0].mean(fresh)).mean()
    return (
        np.array([gamma_deviance(fresh.excess, predicted(law, fresh)).mean() for law in laws])
        - best
    )


def predicted(values: np.ndarray, cells: Cells) -> np.ndarray:
    """Return the excess that parameters predict."""
    k, beta, theta = values[-3:]
    return (
        np.exp(values[cells.bucket])
        * cells.size**k
        * (1 + beta * cells.volatility)
        * cells.thinness**theta
    )


def main() -> None:
    """Run all worlds and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    count = parser.parse_args().count
    failed = False
    for name, world in WORLDS.items():
        rng = np.random.default_rng(1)
        found = np.array([replicate(world, rng) for _ in range(count)])
        sys.stdout.write(
            f"{name}: {count} simulations, {world.symbols} symbols, excess deviance of the thin "
            "one\n"
        )
        for column, method in enumerate(METHODS):
            change = found[:, column] - found[:, 0]
            error = change.std(ddof=1) / np.sqrt(count)
            sys.stdout.write(
                f"  {method:<9} {found[:, column].mean():.5f}  change {change.mean():+.5f} +- "
                f"{error:.5f}"
                f"  better in {np.mean(change < 0):.0%}\n"
            )
            # alike symbols must gain; wild ones must not lose more than chance
            failed |= bool(column and change.mean() > (2 * error if name == "wild" else -2 * error))
    sys.exit(failed)


if __name__ == "__main__":
    main()
