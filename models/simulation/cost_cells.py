"""Costs of trades by period and size under a known curve of the period's states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TRUTHS = ("law", "state_k", "cliff", "interaction")
STATES = ("log_volatility", "log_thinness", "log_half_spread", "log_depth", "time")
HALF_SPREAD, DEPTH, CENTRE = 0.01, 4000.0, 1000.0  # currency / share, shares, shares
SCALE = 0.01 * CENTRE  # currency: the excess of CENTRE shares in the usual state
BETA, EXPONENT = 0.6, 1.5


@dataclass(frozen=True)
class CellWorld:
    """A market of cost cells: truth: of `TRUTHS`; days, periods; noise: sd of the log of what a
    period's costs share, cell: of each alone; swing: sd of the logs of states within and by day.
    """

    truth: str = "law"
    days: int = 20
    periods: int = 390
    noise: float = 0.2
    cell: float = 0.2
    swing: float = 0.4
    sizes: tuple[float, ...] = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)


@dataclass(frozen=True, eq=False)
class CostCells:
    """What was drawn, period after period. states: (T, 5) of `STATES`, known before each period;
    cost: (T, s) currency over mid, by size; day, period: (T,).
    """

    world: CellWorld
    states: Floats
    cost: Floats
    day: Ints
    period: Ints


def true_cost(truth: str, states: Floats, size: Floats) -> Floats:
    """Return the mean cost over mid, (T, s) currency; states (T, 5), size (s,) or (T, s) shares.

    law: the half spread and a power of size, times volatility and thinness; state_k: its exponent
    moves with depth; cliff: what lies behind the depth shown is dear; interaction: volatility and
    thinness together cost more than their product.
    """
    volatility, thinness, half_spread, depth, _ = states.T[:, :, None]
    away = depth - np.log(DEPTH)
    k = EXPONENT - 0.6 * np.tanh(1.5 * away) * (truth == "state_k")
    scale = SCALE * (1 + BETA * np.exp(volatility)) / (1 + BETA) * np.exp(thinness)
    if truth == "interaction":
        scale = scale * np.exp(1.5 * np.tanh(1.5 * volatility) * np.tanh(1.5 * thinness))
    excess = scale * (size / CENTRE) ** k
    if truth == "cliff":
        behind = np.maximum(size - np.exp(depth) / 2, 0.0)
        excess = excess + 0.06 * behind * (1 + behind / CENTRE)
    return np.asarray(np.exp(half_spread) * size + excess)


def draw_cells(world: CellWorld, seed: int) -> CostCells:
    """Draw states and costs; costs scatter around their mean with gamma noise."""
    draw = np.random.default_rng(seed)
    many = world.days * world.periods
    day, period = np.divmod(np.arange(many), world.periods)
    clock = period / world.periods
    paths = [_path(draw, world) for _ in range(4)]
    smile = 0.3 * np.cos(2 * np.pi * clock)
    levels = np.log([1.0, 1.0, HALF_SPREAD, DEPTH])
    tilts = (1.0, -0.5, 0.5, -0.5)
    columns = [
        level + tilt * smile + path for level, tilt, path in zip(levels, tilts, paths, strict=True)
    ]
    states = np.column_stack([*columns, clock])
    mean = true_cost(world.truth, states, np.array(world.sizes))
    common, own = (1 / sd**2 for sd in (world.noise, world.cell))
    cost = mean * draw.gamma(common, 1 / common, many)[:, None]
    cost = cost * draw.gamma(own, 1 / own, cost.shape)
    return CostCells(world, states, cost, day, period)


def _path(draw: np.random.Generator, world: CellWorld) -> Floats:
    """Return a state's log path: a level by day, and a mean-reverting part within."""
    memory = 0.97
    shocks = np.sqrt(1 - memory**2) * draw.standard_normal((world.days, world.periods))
    shocks[:, 0] = draw.standard_normal(world.days)
    within = lfilter([1.0], [1.0, -memory], shocks, axis=1)
    by_day = draw.standard_normal((world.days, 1))
    return np.asarray(world.swing * (0.8 * within + 0.6 * by_day)).ravel()
