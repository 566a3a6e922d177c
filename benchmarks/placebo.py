"""False-positive rates of every route; exits 1 when a level is violated.

Run: python -m benchmarks.placebo [--count N]. Flow: a day of ten-second periods, autocorrelated and
fat-tailed flow, mids that it does not move. Orders: of benchmarks.simulated_orders, with zero gamma
and eta, errors and sides sharing a part of the day. Book: costs that volatility and thinness do not
move, twenty days of half-hours in clusters by day.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from scipy.signal import lfilter

from benchmarks.simulated_orders import simulated
from models.impact.book.walks import Cells
from models.impact.orders.almgren import Almgren
from models.impact.placebo.book import estimate_states
from models.impact.placebo.flow import FlowSample, estimate_flow
from models.impact.placebo.orders import estimate_impact
from models.impact.placebo.replicates import (
    ABOVE,
    KEPT,
    TWO_SIDED,
    Estimates,
    Placebo,
    run_placebo,
)

PERIODS, HALF_TICK = 2340, 0.005
# shares, currency / share; of flow from period to period
FLOW, NOISE, PERSISTENCE = 300.0, 0.012, 0.2
ORDERS, ORDER_DAYS, DELTA = 4000, 100, 0.6
BOOK_DAYS, BOOK_PERIODS, SIZES = 20, 26, np.array([100.0, 400.0, 1600.0])
HALF_SPREAD, ALPHA, EXPONENT = 0.01, 1e-4, 1.5


def no_gamma(rng: np.random.Generator) -> FlowSample:
    """Return a day in which flow does not move the mid."""
    shape = 0.7 + 1.2 * (2 * (np.arange(PERIODS) + 0.5) / PERIODS - 1) ** 4
    volume, imbalance = (
        lfilter([1.0], [1.0, -PERSISTENCE], FLOW * shape * rng.standard_t(5, PERIODS))
        for _ in range(2)
    )
    price = np.rint(np.cumsum(NOISE * shape * rng.standard_normal(PERIODS)) / HALF_TICK) * HALF_TICK
    return FlowSample(
        np.diff(price, prepend=0.0), volume, imbalance, np.zeros(PERIODS, dtype=np.int64)
    )


def no_beta(rng: np.random.Generator) -> Cells:
    """Return walks of a book whose costs do not depend on the states.

    A day, and a period, share noise.
    """
    day = np.repeat(np.arange(BOOK_DAYS), BOOK_PERIODS)
    states = lfilter([1.0], [1.0, -0.8], rng.standard_normal((2, BOOK_DAYS, BOOK_PERIODS)))
    volatility, thinness = np.exp(0.3 * states.reshape(2, -1))
    level = np.exp(0.2 * rng.standard_normal(BOOK_DAYS)[day] + 0.2 * rng.standard_normal(len(day)))
    row, size = np.repeat(np.arange(len(day)), len(SIZES)), np.tile(SIZES, len(day))
    none = np.zeros(len(row))
    excess = ALPHA * size**EXPONENT * level[row] * rng.gamma(10.0, 0.1, len(row))
    return Cells(
        size,
        excess,
        np.full(len(row), HALF_SPREAD),
        none,
        np.zeros(len(row), dtype=np.int64),
        volatility[row],
        thinness[row],
        day[row],
    )


def flow(rng: np.random.Generator) -> Estimates:
    """Estimate the flow route's slopes where there are none."""
    return estimate_flow(no_gamma(rng))


def book(rng: np.random.Generator) -> Estimates:
    """Estimate the book route's sensitivities where there are none."""
    return estimate_states(no_beta(rng))


def orders(rng: np.random.Generator) -> Estimates:
    """Estimate the order route's coefficients where there are none."""
    sample = simulated(
        int(rng.integers(2**31)), Almgren.by_rate(0.0, 0.0, DELTA), ORDERS, ORDER_DAYS
    )
    return estimate_impact(sample, DELTA)


def false_positives(route: str, count: int, seed: int = 0) -> Placebo:
    """Return how often a route's tests find an effect in `count` data sets without it.

    The estimates on the data are then 0.
    """
    estimate = {"flow": flow, "book": book, "orders": orders}[route]
    names = estimate(np.random.default_rng(seed)).names
    truth = Estimates(names, np.zeros(len(names)), np.zeros(len(names)))
    return run_placebo(
        f"planted_zero_{route}",
        truth,
        estimate,
        (KEPT,) if route == "book" else (ABOVE, TWO_SIDED),
        (count, seed),
    )


def main() -> None:
    """Print the rates of every route."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="data sets")
    count = parser.parse_args().count
    found = [false_positives(route, count) for route in ("flow", "book", "orders")]
    sys.stdout.write("\n".join(each.summary() for each in found) + "\n")
    sys.exit(any(each.warnings for each in found))


if __name__ == "__main__":
    main()
