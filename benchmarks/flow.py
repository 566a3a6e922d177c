"""Figures of the flow route on planted impact: bias, coverage, half-life, gain of shrinkage.

Run: python -m benchmarks.flow [DATA_SETS]. A share moves the mid by GAMMA for good and by as much
again for a while; flow is autocorrelated and fat-tailed, flow and noise are U-shaped over the day,
mids are on a grid of half ticks. The impact is planted at steps of five seconds and seen at the end
of longer periods. Warned: the share of fits that say themselves that their lags may be too few
(slow_decay). Then the same for gamma held below the immediate response, which is measured at every
step's trade: bias, root mean squared error, how often the 95 % interval holds the truth and how
often gamma is too large by more than its standard error, before the bound and under it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from models.impact.flow.bounded import BoundedImpact, bounded_impact, error_correlation
from models.impact.flow.immediate import fit_immediate
from models.impact.flow.kyle import fit_windows, shrink
from models.impact.flow.permanent import permanent_impact
from models.impact.flow.trades import ImmediateSums, TradeTape, immediate_sums
from models.microstructure.standing import SECOND_NS

GAMMA = 2e-5  # currency / share^2
STEP, SESSION = 5, 23_400  # seconds
HALF_TICK = 0.005
FLOW, NOISE = 300.0, 0.012  # standard deviations of a step: shares, currency / share
PERSISTENCE = 0.2  # of flow, from step to step
LEVEL = 1.96
REPLY_NS = 20_000_000  # from a trade to the mid's answer
BLOCKS = 13  # half-hours of a day
Floats = np.ndarray


@dataclass(frozen=True)
class Planted:
    """A day's period (seconds), the days, and the transient part's half-life (seconds).

    half_life: 0 for no transient part.
    """

    period: int
    days: int
    half_life: float


BOUNDED = tuple(
    Planted(period, days, half_life)
    for period, days in ((60, 1), (60, 5), (10, 1))
    for half_life in (0, 20, 60)
)
PLANTED = tuple(
    Planted(period, days, half_life)
    for period, days in ((60, 5), (60, 20), (10, 1), (10, 5))
    for half_life in (0, 20, 60, 120)
)


def simulate(planted: Planted, seed: int, swing: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """Return mid changes, signed volumes and sessions by period.

    swing: of gamma over the day, a share of it.
    """
    return by_period(planted, *by_step(planted, seed, swing))


def by_step(planted: Planted, seed: int, swing: float = 0.0) -> tuple[Floats, Floats]:
    """Return signed volume at every step and the mid after it, on its grid, both (days, steps)."""
    rng = np.random.default_rng(seed)
    steps = SESSION // STEP
    clock = (np.arange(steps) + 0.5) / steps
    shape = 0.7 + 1.2 * (2 * clock - 1) ** 4
    gamma = GAMMA * (1 + swing * np.cos(2 * np.pi * clock))
    flows, mids = [], []
    for _ in range(planted.days):
        flow = lfilter([1.0], [1.0, -PERSISTENCE], FLOW * shape * rng.standard_t(5, steps))
        passing = np.zeros(steps)
        if planted.half_life:
            passing = lfilter([GAMMA], [1.0, -(0.5 ** (STEP / planted.half_life))], flow)
        price = np.cumsum(gamma * flow + NOISE * shape * rng.standard_normal(steps)) + passing
        flows.append(flow)
        mids.append(np.rint(price / HALF_TICK) * HALF_TICK)
    return np.array(flows), np.array(mids)


def by_period(planted: Planted, flow: Floats, mid: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mid changes, signed volumes and sessions by period."""
    per = planted.period // STEP
    changes = np.diff(mid[:, per - 1 :: per], axis=1, prepend=0.0)
    volumes = flow.reshape(planted.days, -1, per).sum(axis=2)
    return changes.ravel(), volumes.ravel(), np.repeat(np.arange(planted.days), changes.shape[1])


def recover(planted: Planted, data_sets: int) -> dict[str, Floats]:
    """Return both estimators' errors, the half-lives found (seconds) and warnings.

    An estimator's are (estimate / GAMMA - 1, standard error / GAMMA) by data set.
    """
    fits = [permanent_impact(*simulate(planted, seed)) for seed in range(data_sets)]
    kyle = np.array([(fit.kyle.estimate, fit.kyle.standard_error) for fit in fits])
    response = np.array([(fit.response.permanent, fit.response.standard_error) for fit in fits])
    warned = [any(caveat.code == "slow_decay" for caveat in fit.warnings) for fit in fits]
    return {
        "kyle": kyle / GAMMA - [1, 0],
        "hasbrouck": response / GAMMA - [1, 0],
        "slow decay": np.array(warned),
        "half-life": np.array([fit.response.half_life for fit in fits]) * planted.period,
    }


def bounded(planted: Planted, seed: int) -> BoundedImpact:
    """Return gamma of one data set, held below what its steps' trades move at once."""
    flow, mid = by_step(planted, seed)
    change, volume, session = by_period(planted, flow, mid)
    long_run = permanent_impact(change, volume, session)
    rng = np.random.default_rng([seed, 1])
    parts = [vars(_sums(rng, *each)) for each in zip(flow, mid, strict=True)]
    for day, part in enumerate(parts):
        part["block"] = part["block"] + day * BLOCKS
    sums = ImmediateSums(
        **{name: np.concatenate([one[name] for one in parts]) for name in parts[0]}
    )
    immediate = fit_immediate(sums)
    held = np.arange(len(change)) * BLOCKS // (len(change) // planted.days)
    correlation = error_correlation(long_run, held, immediate)
    return bounded_impact(long_run, immediate, correlation, BLOCKS * planted.days - 1.0)


def _sums(rng: np.random.Generator, flow: Floats, mid: Floats) -> ImmediateSums:
    """Return the sums of one day, every step's trade at some time within it."""
    within = rng.integers(0, STEP * SECOND_NS - REPLY_NS, len(flow))
    at = np.arange(len(flow), dtype=np.int64) * STEP * SECOND_NS + within
    tape = TradeTape(
        ts=np.append(-1, at + REPLY_NS),
        mid=np.append(0.0, mid),
        trade_ts=at,
        trade_size=np.abs(flow),
        aggressor=np.sign(flow).astype(np.int64),
    )
    return immediate_sums(tape, np.arange(BLOCKS + 1) * (SESSION // BLOCKS) * SECOND_NS)


def say_bounded(planted: Planted, data_sets: int) -> None:
    """Print a line of figures before the bound and under it."""
    found = [bounded(planted, seed) for seed in range(data_sets)]
    error = np.array([(one.long_run.gamma, one.gamma) for one in found]) / GAMMA - 1
    scale = [(one.long_run.standard_error, one.standard_error) for one in found]
    over = (error > np.array(scale) / GAMMA).mean(axis=0)
    still_over = (error[:, 1] > np.array(scale)[:, 0] / GAMMA).mean()  # by the error before
    own = np.array([(one.long_run.estimate, one.long_run.standard_error) for one in found])
    held = np.mean([one.low <= GAMMA <= one.high for one in found])
    bound = np.mean([one.share == 1.0 for one in found])
    bias, rmse = error.mean(axis=0), np.sqrt((error**2).mean(axis=0))
    at_once = np.mean([one.at_once.estimate for one in found]) / GAMMA
    planted_at_once = 2.0 if planted.half_life else 1.0
    say(
        f"{planted.period:>4} s{planted.days:>6}{planted.half_life:>8} s "
        f"|{bias[0]:>+9.3f}{rmse[0]:>7.3f}{covered(own / GAMMA - [1, 0]):>7.3f}{over[0]:>7.3f} "
        f"|{bias[1]:>+9.3f}{rmse[1]:>7.3f}{held:>7.3f}{over[1]:>7.3f}{still_over:>8.3f}"
        f"{bound:>9.2f} "
        f"|{at_once / planted_at_once - 1:>+8.3f}"
    )


def covered(errors: Floats) -> float:
    """Return how often the 95 % interval holds the truth."""
    return float((np.abs(errors[:, 0]) < LEVEL * errors[:, 1]).mean())


def times_of_day(data_sets: int) -> dict[str, float]:
    """Return root mean squared errors of gamma by half-hour over its mean.

    Gamma swings by a quarter over the day.
    """
    planted, swing = Planted(10, 1, 0), 0.25
    truth = 1 + swing * np.cos(2 * np.pi * (np.arange(13) + 0.5) / 13)
    losses: dict[str, list[float]] = {"unshrunk": [], "shrunk": [], "common": []}
    inside = []
    for seed in range(data_sets):
        change, flow, _ = simulate(planted, seed, swing)
        fits = fit_windows(change, flow, np.arange(len(change)) * 13 // len(change))
        found = shrink(fits.values("estimate"), fits.values("standard_error"))
        inside.append(np.abs(found.value / GAMMA - truth) < LEVEL * found.standard_error / GAMMA)
        for name, value in (
            ("unshrunk", fits.values("estimate")),
            ("shrunk", found.value),
            ("common", found.common),
        ):
            losses[name].append(float(((value / GAMMA - truth) ** 2).mean()))
    return {name: float(np.sqrt(np.mean(each))) for name, each in losses.items()} | {
        "coverage of shrunk": float(np.mean(inside))
    }


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    data_sets = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    say(f"{data_sets} data sets each; bias and s.e. as shares of gamma")
    say(
        "period  days half-life | kyle: bias  cover | hasbrouck: bias   s.e.  cover  warned  "
        "half-life found"
    )
    for planted in PLANTED:
        found = recover(planted, data_sets)
        kyle, response, half_life = found["kyle"], found["hasbrouck"], found["half-life"]
        known = half_life[np.isfinite(half_life)]
        say(
            f"{planted.period:>4} s{planted.days:>6}{planted.half_life:>8} s "
            f"|{kyle[:, 0].mean():>+11.3f}"
            f"{covered(kyle):>7.3f} |{response[:, 0].mean():>+16.3f}{response[:, 1].mean():>7.3f}"
            f"{covered(response):>7.3f}{found['slow decay'].mean():>8.2f}"
            + (f"  median {np.median(known):.0f} s of {len(known)}" if len(known) else "  none")
        )
    say(
        "gamma by half-hour: "
        + "  ".join(f"{name} {value:.3f}" for name, value in times_of_day(data_sets).items())
    )
    say(
        "gamma below the immediate response; over: too large by more than its standard error, "
        "by more than that it has alone"
    )
    say(
        "period  days half-life |   alone: bias rmse  cover   over | bounded: bias rmse  cover"
        "   over   alone at bound | immediate: bias"
    )
    for planted in BOUNDED:
        say_bounded(planted, data_sets)


if __name__ == "__main__":
    main()
