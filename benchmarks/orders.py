"""Planted impact recovered from simulated parent orders; exits 1 when a bound is broken.

Run: python -m benchmarks.orders [--count N]. As many orders as in Almgren et al. (29,509, over 400
days), at their R2 (below 2 % an order); errors and the sides of orders share a part of the day.
Bounds, of the two-step fit, for 200 data sets: bias of delta below .01, of gamma and eta below 3 %,
each 95 % interval covering between 92 and 98 %.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from models.impact.orders.almgren import PUBLISHED, Almgren
from models.impact.orders.equations import ParentOrders
from models.impact.orders.fit import COEFFICIENTS, fit_orders

PAPER_ORDERS, DAYS = 29_509, 400
WAIT = 30 / 390  # days from the last fill to the price that lasting impact is read from
FACTOR = 0.3  # share of the errors' variance that a day's orders have in common
LEAN = 0.25  # standard deviation over days of the share of buys


def simulated(
    seed: int, law: Almgren = PUBLISHED, n: int = PAPER_ORDERS, days: int = DAYS
) -> ParentOrders:
    """Return orders under the law, traded at an even rate while a Brownian price moves.

    Source: Almgren, Thum, Hauptmann, Li 2005: the errors of I and J - I/2 have the variances, and
    the covariance, of that price.
    """
    rng = np.random.default_rng(seed)
    day = rng.integers(days, size=n)
    size = np.clip(rng.lognormal(np.log(0.007), 1.0, n), 0.0025, 0.9)
    buys = np.clip(0.5 + rng.normal(0, LEAN, days), 0.05, 0.95)[day]
    participation = np.where(rng.random(n) < buys, size, -size)
    duration = rng.beta(2, 3, n).clip(0.05)
    horizon = duration + WAIT
    volatility = np.clip(rng.lognormal(np.log(0.019), 0.4, n), 0.005, 0.08)
    inverse_turnover = rng.lognormal(np.log(200), 0.6, n)

    def noise() -> np.ndarray:
        return np.sqrt(FACTOR) * rng.standard_normal(days)[day] + np.sqrt(
            1 - FACTOR
        ) * rng.standard_normal(n)

    xi, chi = noise(), noise()
    permanent = (
        law.permanent(participation, volatility, inverse_turnover)
        + volatility * np.sqrt(horizon) * xi
    )
    bridge = np.sqrt(duration / 12 * (4 - 3 * duration / horizon)) * chi
    paid = (
        permanent / 2
        + law.temporary(participation, volatility, duration)
        + volatility * (bridge - (horizon - duration) / (2 * np.sqrt(horizon)) * xi)
    )
    return ParentOrders(
        participation, duration, horizon, volatility, permanent, paid, day, inverse_turnover
    )


def recovered(seeds: range, joint: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return estimates, whether the intervals hold the truth, and the two R2.

    Shapes: (S, 3), (S, 3), (S, 2).
    """
    truth = np.array([PUBLISHED.gamma, PUBLISHED.eta, PUBLISHED.delta])
    found = [fit_orders(simulated(seed), joint) for seed in seeds]
    held = [(low <= truth) & (truth <= high) for low, high in (fit.interval() for fit in found)]
    return (
        np.array([fit.values for fit in found]),
        np.array(held),
        np.array([[fit.r2_permanent, fit.r2_temporary] for fit in found]),
    )


def main() -> None:
    """Print bias, spread and coverage of both fits, and check the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="data sets")
    count = parser.parse_args().count
    truth = np.array([PUBLISHED.gamma, PUBLISHED.eta, PUBLISHED.delta])
    broken = False
    for joint in (False, True):
        values, held, r2 = recovered(range(count), joint)
        bias, coverage = values.mean(axis=0) - truth, held.mean(axis=0)
        sys.stdout.write(
            f"{'joint' if joint else 'two-step'}: {count} data sets, R2 permanent "
            f"{r2[:, 0].mean():.4f}, "
            f"temporary {r2[:, 1].mean():.4f}\n"
        )
        for name, true, off, spread, cover in zip(
            COEFFICIENTS, truth, bias, values.std(axis=0), coverage, strict=True
        ):
            sys.stdout.write(
                f"  {name:<6} true {true:.3f}  bias {off:+.5f} ({off / true:+.2%})  spread "
                f"{spread:.4f}  "
                f"coverage {cover:.3f}\n"
            )
        if not joint:
            broken = bool(
                (np.abs(bias) > [0.03 * truth[0], 0.03 * truth[1], 0.01]).any()
                or (coverage < 0.92).any()
                or (coverage > 0.98).any()
            )
    sys.exit(broken)


if __name__ == "__main__":
    main()
