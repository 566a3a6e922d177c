"""Figures of the flow route on planted impact: bias, coverage, half-life, gain of shrinkage.

Run: python -m benchmarks.flow [DATA_SETS]. A share moves the mid by GAMMA for good and by as much
again for a while; flow is autocorrelated and fat-tailed, flow and noise are U-shaped over the day,
mids are on a grid of half ticks. The impact is planted at steps of five seconds and seen at the end
of longer periods. Warned: the share of fits that say themselves that their lags may be too few
(slow_decay).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from models.impact.flow.kyle import fit_windows, shrink
from models.impact.flow.permanent import permanent_impact

GAMMA = 2e-5  # currency / share^2
STEP, SESSION = 5, 23_400  # seconds
HALF_TICK = 0.005
FLOW, NOISE = 300.0, 0.012  # standard deviations of a step: shares, currency / share
PERSISTENCE = 0.2  # of flow, from step to step
LEVEL = 1.96
Floats = np.ndarray


@dataclass(frozen=True)
class Planted:
    """A day's period (seconds), the days, and the transient part's half-life (seconds).

    half_life: 0 for no transient part.
    """

    period: int
    days: int
    half_life: float


PLANTED = tuple(
    Planted(period, days, half_life)
    for period, days in ((60, 5), (60, 20), (10, 1), (10, 5))
    for half_life in (0, 20, 60, 120)
)


def simulate(planted: Planted, seed: int, swing: float = 0.0) -> tuple[Floats, Floats, Floats]:
    """Return mid changes, signed volumes and sessions by period.

    swing: of gamma over the day, a share of it.
    """
    rng = np.random.default_rng(seed)
    steps, per = SESSION // STEP, planted.period // STEP
    clock = (np.arange(steps) + 0.5) / steps
    shape = 0.7 + 1.2 * (2 * clock - 1) ** 4
    changes, volumes = [], []
    for _ in range(planted.days):
        flow = lfilter([1.0], [1.0, -PERSISTENCE], FLOW * shape * rng.standard_t(5, steps))
        passing = np.zeros(steps)
        if planted.half_life:
            passing = lfilter([GAMMA], [1.0, -(0.5 ** (STEP / planted.half_life))], flow)
        gamma = GAMMA * (1 + swing * np.cos(2 * np.pi * clock))
        price = np.cumsum(gamma * flow + NOISE * shape * rng.standard_normal(steps)) + passing
        ends = np.rint(np.append(0.0, price[per - 1 :: per]) / HALF_TICK) * HALF_TICK
        changes.append(np.diff(ends))
        volumes.append(flow.reshape(-1, per).sum(axis=1))
    return (
        np.concatenate(changes),
        np.concatenate(volumes),
        np.repeat(np.arange(planted.days), steps // per),
    )


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


if __name__ == "__main__":
    main()
