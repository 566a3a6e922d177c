"""A market with known truth (cost law, impact, volatility, volume) and the tape it makes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from models.simulation.paths import Shape, latent_paths
from solver.problem.impact_law import ImpactLaw

TICK = 0.01  # currency
LEVELS = 10  # displayed book levels a side
MEAN_SIZE, SIZE_LOG_SD, LARGEST = 800.0, 0.8, 40_000  # shares; a trade is lognormal, rounded
REFRESHES = 6.0  # requotes a period besides those that follow trades
REPLY_NS = 1_000_000  # at most: the book answers a trade within 1 ms
ALPHA_SWING = 0.15  # alpha's smooth time-of-day shape: +-15 %
GOLDEN = (5**0.5 - 1) / 2
UNIVERSE, PATHS, TAPE = 0, 1, 2  # independent random streams of one seed


@dataclass(frozen=True)
class MarketConfig:
    """How many symbols, the seed, the number of periods of each day, and whether its hours differ.

    Raises: ValueError naming the argument out of range.
    """

    symbols: int
    seed: int
    periods: tuple[int, ...]
    period_ns: int = 60_000_000_000
    pattern: bool = True

    def __post_init__(self) -> None:
        if self.symbols < 1:
            raise ValueError(f"symbols = {self.symbols}: must be at least 1")
        if self.seed < 0:
            raise ValueError(f"seed = {self.seed}: must not be negative")
        if not self.periods or min(self.periods) < 1:
            raise ValueError(
                "periods: must hold at least one period for every day, and at least one day"
            )

    @property
    def days(self) -> int:
        """Return the number of days."""
        return len(self.periods)


@dataclass(frozen=True)
class SymbolTruth:
    """What was planted in one symbol; `days` has one entry a day.

    k, beta: exponent of total cost, volatility sensitivity; gamma: currency/share^2; half_spread:
    currency; alpha: currency/share^k by period of the day, shape (longest day,); open_prices:
    currency, one a day.
    """

    symbol: str
    k: float
    beta: float
    gamma: float
    half_spread: float
    alpha: np.ndarray
    open_prices: np.ndarray
    days: tuple["DayTruth", ...]


@dataclass(frozen=True)
class DayTruth:
    """One symbol-day's paths, each of shape (periods,).

    sigma: sd of the efficient price's change (currency/period); eta: its part that is not impact;
    volume: expected shares; v, liquidity: dimensionless, average 1 over the symbol's sample;
    scale: A in the cost over mid of x shares, half_spread x + A x^k (currency/share^k).
    """

    sigma: np.ndarray
    eta: np.ndarray
    volume: np.ndarray
    v: np.ndarray
    liquidity: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class DayTape:
    """One symbol-day's events; times are ns after the open, non-decreasing.

    Book states: quote_ns (n,), bid_px, ask_px, bid_sz, ask_sz (n, LEVELS), best first, prices in
    ticks, price -1 and size 0 where a level is empty. Trades: trade_ns, trade_size, trade_sign
    (m,), +1 a buyer's.
    """

    quote_ns: np.ndarray
    bid_px: np.ndarray
    ask_px: np.ndarray
    bid_sz: np.ndarray
    ask_sz: np.ndarray
    trade_ns: np.ndarray
    trade_size: np.ndarray
    trade_sign: np.ndarray


def size_moments() -> tuple[float, float]:
    """Return E q and E q^2 of one trade's size, exactly.

    The sums are over the rounded, capped lognormal.
    """
    sizes = np.arange(1, LARGEST + 1)
    below = np.append(_sizes_law().cdf(sizes[:-1] + 0.5), 1.0)
    weights = np.diff(below, prepend=0.0)
    return float(weights @ sizes), float(weights @ sizes.astype(float) ** 2)


def simulate_truth(config: MarketConfig, index: int) -> SymbolTruth:
    """Draw the planted parameters and paths of symbol `index`.

    They are the same whatever other symbols are drawn. v_i = sigma_i / mean sigma, liquidity_i =
    (1/volume_i) / mean(1/volume), and sigma_i^2 = eta_i^2 + gamma^2 volume_i E q^2 / E q: gamma^2
    times the variance of a compound Poisson flow of independent signs.
    Raises: ValueError when `index` is not one of the configuration's symbols.
    """
    if not 0 <= index < config.symbols:
        raise ValueError(f"index = {index}: the market has {config.symbols} symbols")
    draw = stream(config.seed, UNIVERSE, index)
    k, beta = draw.uniform(1.4, 1.65), draw.uniform(0.4, 0.8)
    gamma = 1e-5 * draw.uniform(0.9, 1.25)
    half_spread = TICK * draw.choice([1.0, 1.5])
    depth, price = draw.uniform(5_000, 10_000), draw.uniform(80, 140)
    noise, volume = TICK * draw.uniform(5.5, 7), draw.uniform(13_000, 19_000)
    # v = L = 1: the ladder holds `depth` shares
    alpha = LEVELS * TICK / (k * depth ** (k - 1) * (1 + beta))
    clock = (np.arange(max(config.periods)) + 0.5) / max(config.periods)
    swing = ALPHA_SWING if config.pattern else 0.0
    alphas = alpha * (1 + swing * np.cos(2 * np.pi * clock))

    path = stream(config.seed, PATHS, index)
    open_prices = price * np.exp(0.02 * path.standard_normal(config.days))
    lifts = ((1.3, 0.5), (1.2, 1.6)) if config.pattern else ((0.0, 0.0), (0.0, 0.0))
    etas = latent_paths(path, config.periods, Shape(*lifts[0], day_sd=0.25, phi=0.98, sd=0.25))
    volumes = latent_paths(path, config.periods, Shape(*lifts[1], day_sd=0.25, phi=0.97, sd=0.3))
    first, second = size_moments()
    etas, volumes = [noise * eta for eta in etas], [volume * flow for flow in volumes]
    impact = gamma**2 * second / first
    sigmas = [np.sqrt(eta**2 + impact * flow) for eta, flow in zip(etas, volumes, strict=True)]
    mean_sigma, mean_thin = np.mean(np.concatenate(sigmas)), np.mean(1 / np.concatenate(volumes))

    def day(sigma: np.ndarray, eta: np.ndarray, flow: np.ndarray) -> DayTruth:
        v, liquidity = sigma / mean_sigma, 1 / flow / mean_thin
        law = ImpactLaw(alphas[: len(v)], k, beta, volatility=v, liquidity=liquidity)
        return DayTruth(sigma, eta, flow, v, liquidity, law.scale)

    days = tuple(map(day, sigmas, etas, volumes))
    return SymbolTruth(f"SIM{index}", k, beta, gamma, float(half_spread), alphas, open_prices, days)


def simulate_day(config: MarketConfig, index: int, day: int) -> DayTape:
    """Make the tape of symbol `index` on day number `day`; days can be made in any order.

    The efficient price moves by gamma x signed size right after each trade, plus Gaussian noise of
    variance eta_i^2 a period in continuous time. The quoted mid is the nearest the tick grid
    allows.
    """
    truth, draw = simulate_truth(config, index), stream(config.seed, TAPE, index, day)
    path = truth.days[day]
    trades = draw_trades(draw, path.volume, config.period_ns)
    idle = arrivals(draw, np.full(len(path.eta), REFRESHES), config.period_ns)
    quote_ns = np.concatenate([[0], idle, trades.reply_ns])  # the book stands at the open itself
    pushes = truth.gamma * trades.sign * trades.size
    jumps = np.concatenate([np.zeros(1 + len(idle)), pushes])
    order = np.argsort(quote_ns, kind="stable")
    quote_ns, jumps = quote_ns[order], jumps[order]
    moves = price_moves(draw, path.eta, config.period_ns, quote_ns) + jumps
    price = truth.open_prices[day] + np.cumsum(moves)
    spread = round(2 * truth.half_spread / TICK)
    best_bid = np.rint(price / TICK - spread / 2).astype(np.int64)
    steepness = path.scale[quote_ns // config.period_ns] * truth.k
    bid_away, bid_sz = _ladder(draw, steepness, truth.k)
    ask_away, ask_sz = _ladder(draw, steepness, truth.k)
    bid_px = np.where(bid_sz > 0, best_bid[:, None] - bid_away, -1)
    ask_px = np.where(ask_sz > 0, best_bid[:, None] + spread + ask_away, -1)
    return DayTape(
        quote_ns,
        bid_px,
        ask_px,
        bid_sz,
        ask_sz,
        trades.ns,
        trades.size.astype(np.int64),
        trades.sign,
    )


@dataclass(frozen=True, eq=False)
class DrawnTrades:
    """A day's trades and when the book answers each, (m,): ns after the open, shares, +-1."""

    ns: np.ndarray
    size: np.ndarray
    sign: np.ndarray
    reply_ns: np.ndarray


def draw_trades(draw: np.random.Generator, volume: np.ndarray, period_ns: int) -> DrawnTrades:
    """Draw trades of independent sizes and signs; volume: expected shares, one a period.

    Each is answered within its own period.
    """
    times = arrivals(draw, volume / size_moments()[0], period_ns)
    sizes = np.clip(np.rint(_sizes_law().rvs(len(times), random_state=draw)), 1, LARGEST)
    signs = draw.choice(np.array([-1, 1]), len(times))
    return DrawnTrades(times, sizes, signs, times + draw.integers(1, REPLY_NS, len(times)))


def price_moves(
    draw: np.random.Generator, eta: np.ndarray, period_ns: int, quote_ns: np.ndarray
) -> np.ndarray:
    """Draw the efficient price's Gaussian moves up to each quote, of variance eta_i^2 a period."""
    clock = np.append(0.0, np.cumsum(eta**2))  # integrated, piecewise linear in time
    elapsed = np.interp(quote_ns / period_ns, np.arange(len(clock)), clock)
    noise = draw.standard_normal(len(quote_ns))
    return np.asarray(np.sqrt(np.diff(elapsed, prepend=0.0)) * noise)


def _ladder(
    draw: np.random.Generator, steepness: np.ndarray, k: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out one side of each book so that walking it costs A x^k over the best price, on average.

    The q-th share costs m(q) = A k q^(k-1) over the best: price step floor(m/tick + u), u uniform,
    has exactly that mean, so step j ends at Q_j = ((j + 1 - u) tick / (A k))^(1/(k-1)). Rounding
    all Q_j up or down by one common uniform keeps the mean. The best level always holds the first
    share, so that the quoted spread stays the planted one: it is free, and those behind it up to
    q* = k / (k - 1) cost m(q*) each, which is A q*^k in all. Only orders of less (2 to 4 shares)
    are bent by this. Empty steps are not shown.
    Shapes: steepness A k (n,) -> ticks away from the best and sizes, (n, LEVELS), both filled from
    the left.
    """
    dither = (draw.random() + GOLDEN * np.arange(len(steepness))) % 1.0
    depth = (np.arange(1, LEVELS + 1) - dither[:, None]) * TICK / steepness[:, None]
    ends = depth ** (1 / (k - 1))
    ends = np.where(ends < k / (k - 1), 1.0, ends)
    ends = np.floor(ends + draw.random((len(steepness), 1)))
    sizes = np.diff(ends, prepend=0, axis=1).astype(np.int64)
    shown_first = np.argsort(sizes == 0, axis=1, kind="stable")
    return shown_first, np.take_along_axis(sizes, shown_first, axis=1)


def arrivals(draw: np.random.Generator, rates: np.ndarray, period_ns: int) -> np.ndarray:
    """Draw sorted Poisson times, ns after the open, `rates` a period.

    None is in a period's last REPLY_NS.
    """
    counts = draw.poisson(rates)
    starts = np.repeat(np.arange(len(rates)) * period_ns, counts)
    return np.sort(starts + draw.integers(1, period_ns - REPLY_NS, len(starts)))


def _sizes_law() -> Any:
    return stats.lognorm(s=SIZE_LOG_SD, scale=MEAN_SIZE * np.exp(-(SIZE_LOG_SD**2) / 2))


def stream(seed: int, *path: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=path))
