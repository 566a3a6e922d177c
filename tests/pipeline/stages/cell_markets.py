"""Markets whose days differ, made at the level of cost cells, with what calibration should find."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from models.forecast.intraday.catalogue import DEFAULT_CANDIDATE, PastDays, track_candidate
from models.impact.flow.trades import LAGS as LOOKS
from models.impact.slicing.depth import HALF_LIVES, LAGS
from pipeline.engine.config import load_config
from pipeline.engine.scope import Scope, make_scope
from pipeline.engine.sessions import SessionCalendar, weekend_kinds
from pipeline.engine.tables import Features

CALENDAR = SessionCalendar("XNYS", 60)
SIZES = np.array([100.0, 300.0, 1000.0, 3000.0])
CENTRE = 1000.0  # shares: where days of other exponents cost the same
BLOCKS, PER_BLOCK = 13, 30  # half-hours of a day, their periods
GAMMA, AT_ONCE = 1e-5, 1.8e-5  # currency / share^2: what stays, what the same trades move
NO_MID_MOVES = pd.DataFrame(columns=["date", "pressure", "move"])
NO_FLOW_MOVES = pd.DataFrame(columns=["date", "stretch", "start", "known"])
TRADES, TRADE = 20, 400.0  # trades a period, their size's standard deviation


@dataclass(frozen=True)
class World:
    """A planted market.

    cost = spread + alpha_b x^k (1 + beta v) / volume^theta, v over VOLATILITY and volume over
    VOLUME. Log standard deviations: level, of a day's alpha, gamma: of a day's gamma, tilt: of its
    exponent; noise: of the walks' common noise, with a memory of minutes; state_day, state: of both
    states, by day and within it; measured: of what is measured of them.
    """

    days: int = 5
    k: float = 1.5
    beta: float = 0.6
    theta: float = 0.9
    level: float = 0.15
    gamma: float = 0.1
    tilt: float = 0.02
    noise: float = 0.2
    memory: float = 0.8
    state_day: float = 0.25
    state: float = 0.3
    measured: float = 0.3
    swing: float = 0.15


VOLATILITY, VOLUME, ALPHA = 0.05, 15_000.0, 8e-4


@dataclass(frozen=True, eq=False)
class CellMarket:
    """A symbol's days as measured, the run's scope, and the states as they were, (days, periods).

    common: what a day's level shares with other symbols of the same market, (days,).
    """

    world: World
    days: tuple[Features, ...]
    scope: Scope
    volatility: np.ndarray
    volume: np.ndarray

    def states(self) -> pd.DataFrame:
        """Return the states as they were, in the place of forecasts."""
        periods = pd.concat([day.periods for day in self.days], ignore_index=True)
        return periods[["date", "period", "start"]].assign(
            volatility=self.volatility.ravel(),
            volume=self.volume.ravel(),
            half_spread=0.01,
            depth=5000.0,
        )

    def predicted(self) -> pd.DataFrame:
        """Return the states as the forecast stage predicts them, without the rest of it."""
        periods = pd.concat([day.periods for day in self.days], ignore_index=True)
        volume = periods["buy_volume"] + periods["sell_volume"]
        rate = np.log(volume) + periods["volume_squares"] / volume**2 / 2
        kinds = weekend_kinds([*periods["date"].unique(), self.scope.date], self.world.days + 1)
        told = [
            track_candidate(
                DEFAULT_CANDIDATE, PastDays(log.to_numpy().reshape(self.volume.shape), kinds, ())
            ).next_period
            for log in (np.log(periods["realized_variance"]), rate)
        ]
        return self.states().assign(
            volatility=np.sqrt(told[0].mean).ravel(),
            volume=np.exp(told[1].log_mean + told[1].state_variance / 2).ravel(),
        )

    def truth(self, volatility: float, volume: float, liquidity: float) -> dict[str, float]:
        """Return the planted parameters at a run's references, alpha at average liquidity.

        liquidity: the mean of (volume reference / volume)^theta over the history.
        """
        world = self.world
        thin = world.theta * np.log(VOLUME / volume) + np.log(liquidity)
        levels = np.log(ALPHA * profile(world)[PER_BLOCK // 2 :: PER_BLOCK]) + thin
        names = [f"log_alpha_{bucket}" for bucket in range(BLOCKS)]
        shape = {"k": world.k, "beta": world.beta * volatility / VOLATILITY, "theta": world.theta}
        return dict(zip(names, levels, strict=True)) | shape | {"gamma": GAMMA}


def profile(world: World) -> np.ndarray:
    """Return alpha over its mean by period, one value a half-hour."""
    clock = (np.arange(BLOCKS) + 0.5) / BLOCKS
    return np.repeat(1 + world.swing * np.cos(2 * np.pi * clock), PER_BLOCK)


def cell_market(world: World, seed: int, common: np.ndarray | None = None) -> CellMarket:
    """Draw a market; common: (days,), unit normal, a part of the days' levels, half of variance."""
    rng = np.random.default_rng(seed)
    dates = [each.date for each in CALENDAR.sessions_from("2025-01-06", world.days)]
    scope = make_scope(dates, CALENDAR, load_config(None, {"calibrate": {"buckets": BLOCKS}}))
    v, volume = (_paths(world, rng, lift) for lift in (0.4, 0.8))
    own = rng.normal(size=world.days)
    shock = own if common is None else np.sqrt(0.5) * (own + common)
    level = np.exp(world.level * shock - world.level**2 / 2)
    scale = ALPHA * profile(world) * level[:, None] * (1 + world.beta * v) / volume**world.theta
    tilt = world.tilt * rng.normal(size=world.days)
    days = tuple(
        _features(world, rng, date, (v[day], volume[day], scale[day], tilt[day]))
        for day, date in enumerate(dates)
    )
    return CellMarket(world, days, scope, VOLATILITY * v, VOLUME * volume)


def _paths(world: World, rng: np.random.Generator, lift: float) -> np.ndarray:
    """Return a state over its typical value, (days, periods): U-shaped, by day and within it."""
    periods = BLOCKS * PER_BLOCK
    clock = (np.arange(periods) + 0.5) / periods
    shape = 1 + lift * (2 * clock - 1) ** 4
    shocks = world.state * np.sqrt(1 - 0.97**2) * rng.normal(size=(world.days, periods))
    shocks[:, 0] = world.state * rng.normal(size=world.days)
    within = lfilter([1.0], [1.0, -0.97], shocks, axis=1)
    day = world.state_day * rng.normal(size=(world.days, 1))
    return shape / shape.mean() * np.exp(day + within)


def _features(
    world: World, rng: np.random.Generator, date: str, day: tuple[np.ndarray, ...]
) -> Features:
    v, volume, scale, tilt = day
    index = pd.DataFrame({"date": date, "period": np.arange(len(v))})
    session = CALENDAR.session(date)
    edges = np.append(session.starts_ns, session.close_ns)
    moved = np.exp(world.gamma * rng.normal() - world.gamma**2 / 2)
    sums, flow = _trades(rng, moved, len(v))
    change = moved * GAMMA * flow + VOLATILITY * v * rng.normal(size=len(v))
    mid = 100 + np.append(0.0, np.cumsum(change))
    seen = unit_lognormal(rng, world.measured, (2, len(v)))
    traded = VOLUME * volume * seen[1]
    periods = index.assign(
        start=edges[:-1],
        end=edges[1:],
        mid_open=mid[:-1],
        mid_close=mid[1:],
        realized_variance=(VOLATILITY * v) ** 2 * seen[0],
        half_spread=0.01,
        depth=5000.0 * unit_lognormal(rng, 0.2, (len(v),)),
        buy_volume=(traded + flow) / 2,
        sell_volume=(traded - flow) / 2,
        undirected_volume=0.0,
        volume_squares=(world.measured * traded) ** 2,
        covered=1.0,
    )
    ends = edges[PER_BLOCK::PER_BLOCK]
    immediate = pd.DataFrame(sums).assign(date=date, end=np.repeat(ends, len(LOOKS)))
    cells = _cells(world, rng, index, scale, tilt)
    return Features(periods, cells, _no_refill(date, ends), immediate, NO_MID_MOVES, NO_FLOW_MOVES)


def _trades(
    rng: np.random.Generator, moved: float, periods: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the sums after trades, by half-hour and lag, and the flow by period."""
    q = TRADE * rng.normal(size=(BLOCKS, PER_BLOCK * TRADES))
    y = moved * AT_ONCE * q + 0.01 * rng.normal(size=q.shape)
    products = {"qq": q * q, "qf": 0 * q, "ff": 0 * q + 1, "qy": q * y, "fy": 0 * q, "yy": y * y}
    sums = {name: np.repeat(each.sum(axis=1), len(LOOKS)) for name, each in products.items()}
    counts = {"n": q.shape[1], "still": 0, "late": 0, "unseen": 0, "undirected": 0}
    rows = BLOCKS * len(LOOKS)
    sums |= {name: np.full(rows, each) for name, each in counts.items()}
    sums |= {
        "block": np.repeat(np.arange(BLOCKS), len(LOOKS)),
        "lag": np.tile(LOOKS, BLOCKS),
    }
    return sums, q.reshape(periods, TRADES).sum(axis=1)


def _cells(
    world: World, rng: np.random.Generator, index: pd.DataFrame, scale: np.ndarray, tilt: float
) -> pd.DataFrame:
    """Return the walks of both sides, with noise that a period's walks and its minutes share."""
    shocks = world.noise * np.sqrt(1 - world.memory**2) * rng.normal(size=len(scale))
    shocks[0] = world.noise * rng.normal()
    common = np.exp(lfilter([1.0], [1.0, -world.memory], shocks) - world.noise**2 / 2)
    shape = (len(scale), 2, len(SIZES))
    own = rng.gamma(20, 1 / 20, shape)
    law = SIZES**world.k * (SIZES / CENTRE) ** tilt
    excess = (scale * common)[:, None, None] * law * own
    cells = index.loc[index.index.repeat(2 * len(SIZES))].reset_index(drop=True)
    return cells.assign(
        side=np.tile(np.repeat([-1, 1], len(SIZES)), len(scale)),
        size=np.tile(SIZES, 2 * len(scale)),
        excess=excess.ravel(),
        censored=0.0,
        cut_excess=excess.ravel(),
        cut_censored=0.0,
    )


def _no_refill(date: str, ends: np.ndarray) -> pd.DataFrame:
    """Return refill sums of no trades."""
    shape = (len(ends), len(LAGS), len(HALF_LIVES))
    block, lag, life = (each.ravel() for each in np.indices(shape))
    table = pd.DataFrame(
        {"date": date, "end": ends[block], "block": block, "lag": LAGS[lag]}
        | {"half_life": HALF_LIVES[life]}
    )
    names = ("n", "late", "unseen", "yy", "qq", "qy", "hh", "hq", "hy")
    return table.assign(**dict.fromkeys(names, 0.0))


def unit_lognormal(rng: np.random.Generator, sd: float, shape: tuple[int, ...]) -> np.ndarray:
    return np.exp(sd * rng.normal(size=shape) - sd**2 / 2)
