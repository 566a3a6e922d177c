"""Made trades with a planted response of the mid: for good, and a part that decays."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from models.impact.flow.trades import TradeTape
from models.microstructure.standing import SECOND_NS

OPEN = 1_700_000_000 * SECOND_NS
BLOCK_NS = 1800 * SECOND_NS
STEP_NS = 20_000_000  # trades and quotes are on a grid of 20 ms


@dataclass(frozen=True)
class Truth:
    """A share moves the mid by gamma for good and by passing for a while (currency / share^2).

    half_life: seconds, of the passing part; reply: seconds from a trade to the mid's answer;
    persistence: probability that a trade has the side of the one before; per_second: trades;
    prints: rows that each trade is split into; noise: of the mid, currency / second^(1/2); tick: of
    the mid, 0 for none.
    """

    gamma: float = 1e-5
    passing: float = 0.0
    half_life: float = 20.0
    reply: float = 0.02
    persistence: float = 0.5
    per_second: float = 0.3
    prints: int = 1
    noise: float = 0.004
    tick: float = 0.0


def edges(blocks: int) -> np.ndarray:
    """Return the half-hours' starts and the end."""
    return OPEN + np.arange(blocks + 1) * BLOCK_NS


def trades(truth: Truth, seed: int, blocks: int = 13) -> TradeTape:
    """Return a tape of so many half-hours."""
    rng = np.random.default_rng(seed)
    steps = blocks * BLOCK_NS // STEP_NS
    second = SECOND_NS // STEP_NS
    at = np.flatnonzero(rng.random(steps) < truth.per_second / second)
    turns = np.where(rng.random(len(at)) < truth.persistence, 1, -1)
    side, size = np.cumprod(turns), np.maximum(np.rint(rng.lognormal(5.5, 0.8, len(at))), 1)
    flow = np.zeros(steps)
    flow[np.minimum(at + max(round(truth.reply * second), 1), steps - 1)] += side * size
    decay = 0.5 ** (1 / (truth.half_life * second))
    moves = truth.gamma * flow + truth.noise / second**0.5 * rng.standard_normal(steps)
    mid = 100 + np.cumsum(moves) + lfilter([truth.passing], [1.0, -decay], flow)
    if truth.tick:
        mid = np.rint(mid / truth.tick) * truth.tick
    changed = np.append(True, np.diff(mid) != 0)
    when = OPEN + np.arange(steps, dtype=np.int64) * STEP_NS
    split = np.repeat(np.arange(len(at)), truth.prints)
    return TradeTape(
        when[changed], mid[changed], when[at][split], size[split] / truth.prints, side[split]
    )
