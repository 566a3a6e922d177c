"""Planted impact recovered from simulated parent orders; exits 1 when a bound is broken.

Run: python -m benchmarks.orders [--part paper|truths] [--count N].

paper: as many orders as in Almgren et al. (29,509, over 400 days), at their R2 (below 2 % an
order), fitted by their law, cost by rate; errors and the sides of orders share a part of the day.
Bounds, of the two-step fit, for 200 data sets: bias of delta below .01, of gamma and eta below 3 %,
each 95 % interval covering between 92 and 98 %.

truths: 2,000 orders of 36 slices on 250 days under five truths: all equally long; Almgren's law
with varied durations; cost by size alone; the last two with orders that are cancelled when the
price has run away, by one standard deviation of the order's whole time. Bounds, for 400 data sets:
J off by at most .5 bps at 5 % of volume in .2 day, 1 % in .6 and 5 % in .05, intervals as above.
What dropping the cancelled, or taking their fills for whole orders, would give stands below.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from benchmarks.simulated_orders import (
    BY_SIZE,
    Truth,
    fills_as_orders,
    simulated,
    simulated_book,
)
from models.impact.orders import COEFFICIENTS, PUBLISHED, Form, OrderShape, fit_orders

SHAPES = tuple(OrderShape(*one, 0.02) for one in ((0.05, 0.2), (0.01, 0.6), (0.05, 0.05)))
MOST_BIAS, LEAST_COVER, MOST_COVER = 0.5, 0.92, 0.98

TRUTHS = {
    "equal durations": Truth(PUBLISHED, equal=True),
    "Almgren": Truth(PUBLISHED),
    "size alone": Truth(BY_SIZE),
    "Almgren, cancelled": Truth(PUBLISHED, cancel=1.0),
    "size alone, cancelled": Truth(BY_SIZE, cancel=1.0),
}


@dataclass(frozen=True, eq=False)
class Recovery:
    """Of every data set: estimates and whether intervals hold the truth, (S, 4), tau as it is when
    free; J at the shapes and whether its intervals do, (S, 3); the law told.
    """

    values: np.ndarray
    held: np.ndarray
    costs: np.ndarray
    costs_held: np.ndarray
    told: Counter[str]


def recovered_book(seeds: range, truth: Truth, kept: str = "censored") -> Recovery:
    """Fit a truth's books; kept: the cancelled as "censored", "dropped" or "fills"."""
    wanted = np.array([getattr(truth.law, name) for name in COEFFICIENTS])
    values, held, costs, costs_held, told = [], [], [], [], Counter()
    for seed in seeds:
        orders = simulated_book(seed, truth)
        if kept == "dropped":
            orders = orders.take(orders.filled == 1)
        fit = fit_orders(fills_as_orders(orders) if kept == "fills" else orders)
        (low, high), test = fit.interval(), fit.durations
        reach = (high[0] - low[0]) / fit.covariance.standard_errors[0] / 2 * test.tau_error
        low[3], high[3] = test.tau - reach, test.tau + reach
        cost, error = np.array([fit.fitted.cost_bps(shape) for shape in SHAPES]).T
        values.append(np.append(fit.values[:3], test.tau))
        held.append((low <= wanted) & (wanted <= high))
        costs.append(cost)
        costs_held.append(np.abs(cost - truth.costs(SHAPES)) < 1.97 * error)
        told[test.told or "not told"] += 1
    return Recovery(*map(np.array, (values, held, costs, costs_held)), told)


def recovered(seeds: range, joint: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return estimates of the paper's orders, whether the intervals hold the truth, and the two R2.

    Shapes: (S, 3), (S, 3), (S, 2).
    """
    truth = np.array([PUBLISHED.gamma, PUBLISHED.eta, PUBLISHED.delta])
    found = [fit_orders(simulated(seed), joint, Form()) for seed in seeds]
    held = [
        (low[:3] <= truth) & (truth <= high[:3]) for low, high in (fit.interval() for fit in found)
    ]
    return (
        np.array([fit.values[:3] for fit in found]),
        np.array(held),
        np.array([[fit.r2_permanent, fit.r2_temporary] for fit in found]),
    )


def paper(count: int) -> bool:
    """Print bias, spread and coverage of both fits to the paper's orders; tell if a bound broke."""
    truth = np.array([PUBLISHED.gamma, PUBLISHED.eta, PUBLISHED.delta])
    broken = False
    for joint in (False, True):
        values, held, r2 = recovered(range(count), joint)
        bias, coverage = values.mean(axis=0) - truth, held.mean(axis=0)
        sys.stdout.write(
            f"{'joint' if joint else 'two-step'}: {count} data sets, R2 permanent "
            f"{r2[:, 0].mean():.4f}, temporary {r2[:, 1].mean():.4f}\n"
        )
        for name, true, off, spread, cover in zip(
            COEFFICIENTS[:3], truth, bias, values.std(axis=0), coverage, strict=True
        ):
            sys.stdout.write(
                f"  {name:<6} true {true:.3f}  bias {off:+.5f} ({off / true:+.2%})  spread "
                f"{spread:.4f}  coverage {cover:.3f}\n"
            )
        if not joint:
            broken = bool(
                (np.abs(bias) > [0.03 * truth[0], 0.03 * truth[1], 0.01]).any()
                or (coverage < LEAST_COVER).any()
                or (coverage > MOST_COVER).any()
            )
    return broken


def truths(count: int) -> bool:
    """Print what is recovered of every truth; tell if a bound broke."""
    broken = False
    for name, truth in TRUTHS.items():
        found = recovered_book(range(count), truth)
        broken |= _printed(f"{name}: {count} data sets", truth, found)
        if truth.cancel is not None:
            for kept in ("dropped", "fills"):
                label = f"  (were the cancelled {kept})"
                _printed(label, truth, recovered_book(range(count), truth, kept))
    return broken


def _printed(label: str, truth: Truth, found: Recovery) -> bool:
    names = 3 if truth.equal else 4  # of equal durations nothing tells tau
    told = ", ".join(f"{law} {times}" for law, times in found.told.most_common())
    sys.stdout.write(f"{label}: {told}\n")
    wanted = np.array([getattr(truth.law, name) for name in COEFFICIENTS])
    bias, cover = found.values.mean(axis=0) - wanted, found.held.mean(axis=0)
    for at, name in enumerate(COEFFICIENTS[:names]):
        sys.stdout.write(
            f"  {name:<6} true {wanted[at]:.3f}  bias {bias[at]:+.4f}  spread "
            f"{found.values[:, at].std():.4f}  coverage {cover[at]:.3f}\n"
        )
    off = found.costs.mean(axis=0) - truth.costs(SHAPES)
    error = found.costs.std(axis=0) / np.sqrt(len(found.costs))
    for at, shape in enumerate(SHAPES):
        sys.stdout.write(
            f"  {shape.participation:.0%} in {shape.duration:g} day: {truth.costs(SHAPES)[at]:.1f} "
            f"bps, bias {off[at]:+.2f} ± {error[at]:.2f}, coverage "
            f"{found.costs_held.mean(axis=0)[at]:.3f}\n"
        )
    return bool(
        (np.abs(off) > MOST_BIAS).any()
        or (cover[:names] < LEAST_COVER).any()
        or (cover[:names] > MOST_COVER).any()
    )


def main() -> None:
    """Run the parts asked for and exit 1 where a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("paper", "truths", "both"), default="both")
    parser.add_argument("--count", type=int, default=0, help="data sets; 0: 200 and 400")
    asked = parser.parse_args()
    broken = asked.part != "truths" and paper(asked.count or 200)
    broken |= asked.part != "paper" and truths(asked.count or 400)
    sys.exit(broken)


if __name__ == "__main__":
    main()
