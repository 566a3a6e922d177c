"""Whether errors of paired differences cover; exits 1 when they do not.

Run: python -m benchmarks.paired [--count N]. Markets whose half spread remembers seconds and
minutes, on which a policy that takes tight spreads within a band and a TWAP work the same order,
both sides, at phases that share the tape. Nominal 95 % intervals of the difference in cost by
blocks of time are held against the mean difference of many markets, and so are two naive ones: by
fills, as if each were drawn anew, and by runs, as if phases and sides were replications.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import lfilter

from models.tca.paired import Blocks, paired_difference
from models.tca.runs import Run
from models.tca.shortfall import BPS

Floats = NDArray[np.float64]
STEP, INTERVAL = 2.0, 10.0  # seconds: of the market, of the policies' moments
PHASES = 5  # all that the steps allow
SHARES, MID = 10_000.0, 100.0
HALF_SPREAD, CURVE = 0.02, 2e-5  # currency / share, currency / share^2: of the walk beyond it
TIGHT = 0.1  # the quantile of spreads that is taken
TRUTH_SEED, WORLD_SEED = 1, 2
WITHIN = 0.92, 0.98  # what nominal 95 % may cover
NAIVE = 0.8  # what a naive 95 % stays below
BATCH = 100  # worlds at once


@dataclass(frozen=True)
class World:
    """A kind of market: trading seconds, the band, and the log half spread's parts.

    quick, slow, side: standard deviations; the slow part is forgotten over `memory` seconds, the
    quick one and each side's own (of the walk) over 20. smile: how much wider the ends are, log.
    clip: what a tight spread is taken by, times an even pace; below 1 / TIGHT the policy falls back
    to the band's edge and must catch up at the end.
    """

    horizon: float = 18_000.0
    band: float = 0.1
    memory: float = 300.0
    quick: float = 0.3
    slow: float = 0.3
    side: float = 0.3
    smile: float = 0.0
    clip: float = 1 / TIGHT

    @property
    def blocks(self) -> Blocks:
        """Blocks of this market's order."""
        return Blocks.within(0.0, self.horizon, self.band)


WORLDS = {
    "minutes": World(),
    "seconds": World(slow=0.0),
    "quarter hours": World(memory=900.0),
    "narrow band": World(band=0.05),
    "smile": World(smile=0.5),
    "small clips": World(clip=4.0),
}


def half_spreads(world: World, count: int, rng: np.random.Generator) -> Floats:
    """Draw each side's half spread, (2, count, steps), currency / share."""
    steps = round(world.horizon / STEP)
    common = _memory(world.slow, world.memory, (1, count, steps), rng)
    common = common + _memory(world.quick, 20.0, (1, count, steps), rng)
    own = _memory(world.side, 20.0, (2, count, steps), rng)
    ends = (2 * (np.arange(steps) + 0.5) / steps - 1) ** 4
    return HALF_SPREAD * np.exp(common + own + world.smile * ends)


def _memory(
    deviation: float, seconds: float, shape: tuple[int, ...], rng: np.random.Generator
) -> Floats:
    """Draw stationary first-order autoregressions along the last axis."""
    kept = np.exp(-STEP / seconds)
    shocks = np.sqrt(1 - kept**2) * rng.standard_normal(shape)
    shocks[..., 0] = rng.standard_normal(shape[:-1])
    return deviation * lfilter([1.0], [1.0, -kept], shocks)


def tight_taker(spread: Floats, world: World) -> Floats:
    """Return the shares taken at each moment, (..., moments): more while it is tight, in the band.

    What is tight is known from the market's law, without the smile.
    """
    moments = spread.shape[-1]
    deviation = np.sqrt(world.quick**2 + world.slow**2 + world.side**2)
    limit = HALF_SPREAD * np.exp(stats.norm.ppf(TIGHT) * deviation)
    pace = np.arange(1, moments + 1) / moments
    slack = np.minimum(world.band, 1 - pace)
    done, shares = np.zeros(spread.shape[:-1]), np.empty(spread.shape)
    for moment in range(moments):
        wanted = np.where(spread[..., moment] <= limit, world.clip * SHARES / moments, 0.0)
        least = SHARES * (pace[moment] - slack[moment]) - done
        most = SHARES * (pace[moment] + slack[moment]) - done
        shares[..., moment] = np.clip(wanted, np.maximum(least, 0.0), np.maximum(most, 0.0))
        done += shares[..., moment]
    return shares


def replicates(world: World, count: int, seed: int) -> Iterator[tuple[list[Run], list[Run]]]:
    """Yield both policies' runs on `count` markets."""
    rng = np.random.default_rng(seed)
    every = round(INTERVAL / STEP)
    for begin in range(0, count, BATCH):
        spread = half_spreads(world, min(BATCH, count - begin), rng)
        # (sides, markets, moments, phases) -> (sides, phases, markets, moments)
        looks = np.moveaxis(spread.reshape(*spread.shape[:2], -1, every), 3, 1)
        taken = tight_taker(looks, world)
        even = np.full_like(looks, SHARES / looks.shape[-1])
        for market in range(looks.shape[2]):
            found = (_runs(looks[:, :, market], shares[:, :, market]) for shares in (taken, even))
            yield next(found), next(found)


def _runs(spread: Floats, shares: Floats) -> list[Run]:
    """Return the runs of one market by side and phase."""
    runs = []
    for side, sign in enumerate((1, -1)):
        for phase in range(PHASES):
            some = np.flatnonzero(shares[side, phase] > 0)
            amount = shares[side, phase, some]
            over_mid = spread[side, phase, some] * amount + CURVE * amount**2
            runs.append(Run(some * INTERVAL + phase * STEP, amount, over_mid, sign, MID))
    return runs


def by_fills(runs: Sequence[Run]) -> float:
    """Return the error of runs' mean cost as if every fill were drawn by itself, bps."""
    variance = 0.0
    for run in runs:
        excess = run.over_mid - run.shares * (run.over_mid.sum() / run.shares.sum())
        variance += float(np.sum((BPS * excess / run.shares.sum() / run.arrival) ** 2))
    return float(np.sqrt(variance)) / len(runs)


def covers(policy: list[Run], yardstick: list[Run], blocks: Blocks, truth: float) -> list[bool]:
    """Return whether intervals by blocks, by fills and by runs hold the truth."""
    found = paired_difference(policy, yardstick, blocks)
    fills = np.hypot(by_fills(policy), by_fills(yardstick)) * stats.norm.ppf(0.975)
    each = [one.cost - other.cost for one, other in zip(policy, yardstick, strict=True)]
    runs = np.std(each, ddof=1) / np.sqrt(len(each)) * stats.t.ppf(0.975, len(each) - 1)
    off = abs(found.difference - truth)
    return [bool(off <= reach) for reach in (found.reach, fills, runs)]


def true_difference(world: World, count: int) -> float:
    """Return the mean difference in cost over many markets, bps."""
    found = [
        np.mean([run.cost for run in policy]) - np.mean([run.cost for run in yardstick])
        for policy, yardstick in replicates(world, count, TRUTH_SEED)
    ]
    return float(np.mean(found))


def coverage(world: World, count: int) -> Floats:
    """Return the shares of markets whose intervals hold the truth: by blocks, fills and runs."""
    truth = true_difference(world, 4 * count)
    found = [covers(*pair, world.blocks, truth) for pair in replicates(world, count, WORLD_SEED)]
    return np.mean(found, axis=0)


def failed(name: str, found: Floats) -> bool:
    """Return whether blocks miss their band or a naive interval covers after all.

    Small clips are taken late, always: what blocks differ by every day counts as noise, so that
    their intervals may be too wide.
    """
    low, high = WITHIN[0], 1.0 if name == "small clips" else WITHIN[1]
    return bool(not low <= found[0] <= high or (found[1:] >= NAIVE).any())


def main() -> None:
    """Print every market's coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="markets of each kind")
    count = parser.parse_args().count
    broken = False
    sys.stdout.write(f"{count} markets each, nominal 95 %: by blocks, by fills, by runs\n")
    for name, world in WORLDS.items():
        found = coverage(world, count)
        rates = "  ".join(f"{each:.1%}" for each in found)
        sys.stdout.write(f"  {name:<14}{world.blocks.count:>3} blocks  {rates}\n")
        broken |= failed(name, found)
    sys.exit(broken)


if __name__ == "__main__":
    main()
