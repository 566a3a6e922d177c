"""Figures of the book route: planted laws recovered, and the speed of many symbols.

Run: python -m benchmarks.calibration [recovery] [speed]. recovery: 500 simulated data sets a case
(books of ten levels whose walks follow the law up to its ticks, on the sizes that they held 80 % of
the time). speed: 500 symbols of 60 days, 390 periods and 8 sizes, made on
the fly, on two processes; then statsmodels on one of them.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar
from threadpoolctl import threadpool_limits

from models.impact.book.cost_law import Family, cost_law, fit_law, identified_family
from models.impact.book.identification import asymmetry
from models.impact.book.selection import compare_families
from models.impact.book.walks import Cells
from models.inference.joint import one_step_bootstrap
from tests.models.impact.books import Truth, planted

SETS, PROCESSES = 500, 2
CLUSTERED = Truth(days=60, periods=13, forecast_error=0.3, tilt=0.02, day_noise=0.1, state=0.4)
CASES = {
    "days differ": CLUSTERED,
    "few days": replace(CLUSTERED, days=20, periods=26),
    "steep, k 1.8": replace(CLUSTERED, k=1.8, alpha=(6e-5, 7e-5), theta=0.7),
    "wide spread": replace(CLUSTERED, spread=0.05, k=1.4, alpha=(1.6e-3, 1.8e-3)),
}
SYMBOLS, DAYS, PERIODS, BUCKETS = 500, 60, 390, 13
GRID = np.array([100, 200, 300, 500, 800, 1200, 2000, 3000], dtype=float)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def recovered(task: tuple[Truth, int]) -> tuple[np.ndarray, ...]:
    """Fit one data set and return values, errors, reach, bootstrap errors, and facts of the other
    fits.
    """
    truth, seed = task
    with threadpool_limits(1):
        cells = planted(truth, seed)
        found = identified_family(cells, Family.SPREAD_POWER)
        fit = cost_law(found, len(cells.size), len(truth.alpha))
        drawn = one_step_bootstrap(fit.values, fit.sums, fit.transform, 199, seed).standard_errors
        comparison = compare_families(cells)
        sizes = len(np.unique(cells.size))
        sides = asymmetry(found, np.tile(np.repeat([1, -1], sizes), len(cells.size) // (2 * sizes)))
        power = {score.family: score.k for score in comparison.scores}[Family.POWER]
        facts = np.array(
            [
                comparison.selected is Family.SPREAD_POWER,
                sides.p_value < 0.05,
                power,
                cells.censored.mean(),
            ],
            dtype=float,
        )
        return fit.values, fit.covariance.standard_errors, fit.covariance.reach(), drawn, facts


def recovery() -> None:
    """Print bias and coverage of every parameter, and what the families' comparison selects, by
    case.
    """
    for case, (name, truth) in enumerate(CASES.items()):
        with multiprocessing.Pool(PROCESSES) as pool:
            rows = pool.map(
                recovered, [(truth, case * SETS + seed) for seed in range(SETS)], chunksize=10
            )
        values, errors, reach, drawn, facts = map(np.array, zip(*rows, strict=True))
        selected, asymmetric, power, censored = facts.mean(axis=0)
        say(
            f"{name}: {truth.days} days, k {truth.k}, {SETS} data sets, {censored:.1%} of "
            "walks beyond depth; "
            f"spread_power selected {selected:.1%}, asymmetric at 5 % {asymmetric:.1%}; the power "
            "law of total cost "
            f"alone would give k {power:.3f}"
        )
        names = (
            *(f"log_alpha_{bucket}" for bucket in range(len(truth.alpha))),
            "k",
            "beta",
            "theta",
        )
        planted_at = (*np.log(truth.alpha), truth.k, truth.beta, truth.theta)
        for place, (each, at) in enumerate(zip(names, planted_at, strict=True)):
            off, spread = values[:, place] - at, values[:, place].std(ddof=1)
            bias = f"bias {off.mean():+.4f} ± {spread / SETS**0.5:.4f}"
            share = f" ({off.mean() / at:+.1%})" if each in ("beta", "theta") else ""
            covered = (np.abs(off) <= reach[:, place]).mean()
            say(
                f"  {each:<12} {bias}{share}  sd {spread:.4f}  s.e. {errors[:, place].mean():.4f}  "
                "bootstrap "
                f"{drawn[:, place].mean():.4f}  covered {covered:.1%}"
            )


def symbol(seed: int) -> Cells:
    """Make one symbol's cells: noisy costs around a law."""
    rng = np.random.default_rng(seed)
    shape = (DAYS, PERIODS)
    v, thinness = (
        np.exp(0.3 * rng.standard_normal((DAYS, 1)) + 0.4 * rng.standard_normal(shape))
        for _ in range(2)
    )
    bucket = np.broadcast_to(np.arange(PERIODS) * BUCKETS // PERIODS, shape)
    level = (
        5e-4
        * np.exp(0.2 * np.cos(bucket) + 0.1 * rng.standard_normal((DAYS, 1)))
        * (1 + 0.6 * v)
        * thinness**0.8
    )
    noise = rng.gamma(4, 0.25, (*shape, len(GRID)))
    scale = level[..., None] * noise
    flat = {
        "size": np.broadcast_to(GRID, scale.shape),
        "excess": scale * GRID**1.5,
        "censored": np.zeros(scale.shape),
        "half_spread": np.full(scale.shape, 0.01),
        "bucket": bucket[..., None],
        "volatility": v[..., None],
        "thinness": thinness[..., None],
        "cluster": np.arange(DAYS)[:, None, None],
    }
    return Cells(
        **{name: np.broadcast_to(value, scale.shape).ravel() for name, value in flat.items()}
    )


def timed(seed: int) -> float:
    """Return the seconds that one symbol's fit takes, all parameters and clustered errors."""
    with threadpool_limits(1):
        cells = symbol(seed)
        begin = time.perf_counter()
        fit_law(cells, Family.SPREAD_POWER, BUCKETS)
        return time.perf_counter() - begin


def speed() -> None:
    """Print the time and memory of many symbols, and of statsmodels beside one of them."""
    begin, fitting = time.perf_counter(), 0.0
    with multiprocessing.Pool(PROCESSES) as pool:
        for done, seconds in enumerate(pool.imap_unordered(timed, range(SYMBOLS)), 1):
            fitting += seconds
            if done % (SYMBOLS // 5) == 0:
                say(
                    f"{done} symbols: {time.perf_counter() - begin:.1f} s, of which the fits took "
                    f"{fitting:.1f} s of "
                    f"{PROCESSES} processes"
                )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    say(
        f"{SYMBOLS} symbols x {DAYS} days x {PERIODS} periods x {len(GRID)} sizes: "
        f"{time.perf_counter() - begin:.1f} s with making the data, {PROCESSES} x {peak:.2f} GB at "
        "most"
    )
    with threadpool_limits(1):
        cells = symbol(0)
        begin = time.perf_counter()
        mine = fit_law(cells, Family.SPREAD_POWER, BUCKETS)
        ours = time.perf_counter() - begin
        begin = time.perf_counter()
        theirs = statsmodels_law(cells)
        loop = time.perf_counter() - begin
    apart = np.abs(mine.values - theirs).max()
    say(
        f"one symbol: {ours:.2f} s; statsmodels GLM, beta profiled: {loop:.1f} s, "
        f"{loop / ours:.0f} times; "
        f"largest difference of an estimate {apart:.1e}"
    )


def statsmodels_law(cells: Cells) -> np.ndarray:
    """Fit the same law by statsmodels' Gamma regression at each beta that a bounded search for the
    best one asks.
    """
    import statsmodels.api as sm

    design = np.column_stack(
        [np.eye(BUCKETS)[cells.bucket], np.log(cells.size), np.log(cells.thinness)]
    )
    family = sm.families.Gamma(link=sm.families.links.Log())

    def fit(beta: float, **options: object) -> sm.regression.linear_model.RegressionResults:
        offset = np.log1p(beta * cells.volatility)
        return sm.GLM(cells.excess, design, family=family, offset=offset).fit(tol=1e-10, **options)

    beta = float(
        minimize_scalar(
            lambda each: fit(each).deviance,
            bounds=(0.0, 5.0),
            method="bounded",
            options={"xatol": 1e-8},
        ).x
    )
    best = fit(beta, cov_type="cluster", cov_kwds={"groups": cells.cluster}).params
    return np.array([*best[:-1], beta, best[-1]])


def main() -> None:
    """Run the sections asked for, all without arguments."""
    sections = {"recovery": recovery, "speed": speed}
    for name in sys.argv[1:] or sections:
        sections[name]()


if __name__ == "__main__":
    main()
