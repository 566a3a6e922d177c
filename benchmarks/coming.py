"""The value of waiting on costs that the hour's states foretell, against the last hour as it was.

Run: python -m benchmarks.coming [--days 10] [--history 20] [--moments 390] [--links 0,0.5,1]
A pressure that halves in 40 minutes shows, with noise, in the tilt of the book and in the mid's
moves; spread and depth follow it with a lag of 12 minutes, by `link`, besides noise of their own.
At link 0 books are independent draws. History teaches `Coming`; later days are worked a moment a
minute at the books seen, no latency or depletion, within 10 % of an even pace. Printed: savings in
per cent of TWAP's walk, by day with errors; the learned ones less those of the last hour; and the
CRPS of the log cost 5 and 20 minutes ahead: of the hour's mean alone, of the hour's books, of these
shifted by what was told, and of LightGBM's quantiles.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from models.learners.ahead import HORIZONS, SideDay, fit_ahead
from models.learners.quantiles import crps, fit_quantiles
from solver.execution import Band, Coming, Decider, Past, Policy, Scheduled, Seen, TakeOrWait
from solver.execution.coming import hour_features, minutes_of

LEVELS, TICK, SHOWN, HOUR, EVERY, SECONDS = 8, 0.01, 400.0, 60, 5, 60.0
CHILD = 100.0  # shares a moment of an even pace
BAND = Band(0.1)
LEVELS_TOLD = np.arange(0.05, 1.0, 0.1)
AHEAD = (5, 20)


def drawn(seed: int, moments: int, link: float) -> Past:
    """Return the books of an hour and of an order's moments, as a buyer sees them."""
    draw, many = np.random.default_rng(seed), HOUR + moments
    pressure, follows = draw.standard_normal(many), np.zeros(many)
    keep = np.exp2(-1 / 40)
    for at in range(1, many):
        pressure[at] = keep * pressure[at - 1] + np.sqrt(1 - keep**2) * pressure[at]
        follows[at] = follows[at - 1] + (pressure[at - 1] - follows[at - 1]) / 12
    seen, flow, own, deep = draw.standard_normal((4, many))
    spread = 4 * TICK * np.exp(0.8 * link * follows + 0.25 * own)
    depth = SHOWN * np.exp(-0.65 * link * follows + 0.25 * deep)
    size = depth[:, None] * np.exp(0.2 * draw.standard_normal((many, LEVELS)))
    size[:, -1] = 1e6  # the last level holds any order
    return Past(
        moment=np.arange(many) - HOUR,
        over=spread[:, None] / 2 + TICK * np.arange(LEVELS),
        size=np.rint(size) + 1,
        spread=spread,
        mid=np.cumsum(0.5 * spread * 0.7 * (pressure + flow)),
        tilt=np.tanh(0.7 * (pressure + seen)),
    )


def log_cost(books: Past) -> np.ndarray:
    """Return the log of an even child's mean price over mid at each book."""
    before = np.cumsum(books.size, axis=1) - books.size
    taken = np.clip(CHILD - before, 0.0, books.size)
    return np.log((taken * books.over).sum(axis=1) / CHILD)


def taught(seeds: range, moments: int, link: float) -> Coming:
    """Return what the history of such days teaches."""
    days = [drawn(seed, moments, link) for seed in seeds]
    fit = fit_ahead([[SideDay(minutes_of(one, 1), log_cost(one))] for one in days])
    return Coming(np.array(HORIZONS, dtype=float), fit.coefficients, SECONDS)


def walk(books: Past, policy: Policy | TakeOrWait, shares: float) -> float:
    """Return the cost over mid per share of an order, filled at the books that it sees."""
    decider, left, paid, moments = Decider(policy, BAND), shares, 0.0, len(books.spread) - HOUR
    for at in range(moments):
        now = HOUR + at
        hour = Past(*(each[now - HOUR : now + 1] for each in vars(books).values()))
        seen = Seen(
            at, moments, shares, left, books.over[now], books.size[now],
            float(books.spread[now]), float(books.tilt[now]), 0.0, hour,
        )  # fmt: skip
        child = decider.decide(seen)
        before = np.cumsum(seen.size) - seen.size
        taken = np.clip(child.shares - before, 0.0, seen.size)
        taken = np.where((seen.over <= child.limit + 1e-9) | (before < child.must), taken, 0.0)
        paid += float((taken * seen.over).sum())
        left -= float(taken.sum())
    return (paid + left * float(books.over[-1].max())) / shares


def savings(seed: int, moments: int, link: float, coming: Coming) -> dict[str, float]:
    """Return what each policy saves on a day, per cent of TWAP's walk."""
    books, shares = drawn(seed, moments, link), CHILD * moments
    even = walk(books, Scheduled.even(moments), shares)
    known = {
        "empirical": TakeOrWait(BAND, every=EVERY),
        "foreseen": TakeOrWait(BAND, every=EVERY, coming=coming, interval=SECONDS),
    }
    found = {name: 100 * (1 - walk(books, each, shares) / even) for name, each in known.items()}
    return found | {"foreseen - empirical": found["foreseen"] - found["empirical"]}


def windows(books: Past) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return by moment the hour's features, its costs less their mean, and what came, (n, 2)."""
    minutes, cost = minutes_of(books, 1), log_cost(books)
    ends = np.arange(HOUR, len(cost) - max(AHEAD))
    hours = np.stack([cost[end + 1 - HOUR : end + 1] for end in ends])
    mean = hours.mean(axis=1, keepdims=True)
    x = np.stack([hour_features(minutes[end + 1 - HOUR : end + 1]) for end in ends])
    return x, hours - mean, np.column_stack([cost[ends + h] for h in AHEAD]) - mean


def losses(history: list[Past], later: list[Past], coming: Coming) -> dict[str, np.ndarray]:
    """Return the CRPS of each distribution on later days, by horizon."""
    x, _, y = (np.concatenate(each) for each in zip(*map(windows, history), strict=True))
    xs, hours, ys = (np.concatenate(each) for each in zip(*map(windows, later), strict=True))
    base = np.quantile(hours, LEVELS_TOLD, axis=1).T
    found = defaultdict(list)
    for place, ahead in enumerate(AHEAD):
        told = xs @ coming.coefficients[HORIZONS.index(ahead)]
        trees = fit_quantiles(x, y[:, place], LEVELS_TOLD)
        each = {
            "mean": np.zeros_like(base),
            "hour": base,
            "foreseen": base + told[:, None],
            "lightgbm": trees.quantiles(xs),
        }
        for name, quantiles in each.items():
            found[name].append(crps(ys[:, place], quantiles, LEVELS_TOLD))
    return {name: np.array(each) for name, each in found.items()}


def main() -> None:
    """Print a table a link."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--history", type=int, default=20)
    parser.add_argument("--moments", type=int, default=390)
    parser.add_argument("--links", default="0,0.5,1")
    asked = parser.parse_args()
    past = range(1000, 1000 + asked.history)
    for link in map(float, asked.links.split(",")):
        coming = taught(past, asked.moments, link)
        every = [savings(seed, asked.moments, link, coming) for seed in range(asked.days)]
        print(f"link {link:g}: {asked.days} days behind {asked.history}, % of TWAP's walk")
        for name in every[0]:
            each = [one[name] for one in every]
            error = np.std(each, ddof=1) / len(each) ** 0.5
            print(f"  {name:<22} {np.mean(each):7.2f} +- {error:.2f}", flush=True)
        days = [drawn(seed, asked.moments, link) for seed in (*past, *range(asked.days))]
        told = losses(days[: asked.history], days[asked.history :], coming)
        for name, (near, far) in told.items():
            print(f"  CRPS {name:<10} 5 min {near:.4f}   20 min {far:.4f}", flush=True)


if __name__ == "__main__":
    main()
