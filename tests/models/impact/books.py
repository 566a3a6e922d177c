"""Books whose walks follow a planted law, averaged over time as the features stage does."""

from dataclasses import dataclass

import numpy as np

from models.impact.book.walks import Cells, shown_sizes
from models.microstructure.walking import continuation, continued_walk, spacing

TICK = 0.01
SIZES = np.array([100, 200, 300, 500, 800, 1200, 2000, 3000, 5000], dtype=float)
SNAPSHOTS = 20


@dataclass(frozen=True)
class Truth:
    """A planted law; alpha has one level a bucket.

    Log standard deviations: state, of volatility and thinness, by day and again by period;
    forecast_error, of both around the means that the fit is given; day_noise, of a day's level.
    tilt: standard deviation of a day's exponent. spread: half spread, currency.
    """

    alpha: tuple[float, ...] = (7e-4, 8e-4)
    k: float = 1.5
    beta: float = 0.6
    theta: float = 1.0
    levels: int = 10
    days: int = 20
    periods: int = 40
    forecast_error: float = 0.0
    tilt: float = 0.0
    state: float = 0.3
    day_noise: float = 0.0
    spread: float = TICK


def planted(truth: Truth, seed: int) -> Cells:
    """Return the walks of the sizes that depth held 80 % of the time, which a law is fitted on."""
    cells = walked(truth, seed)
    return cells.take(np.isin(cells.size, shown_sizes(cells.size, cells.censored)))


def walked(truth: Truth, seed: int) -> Cells:
    """Walk simulated books and average as the features stage does: the cost curve follows the law
    up to its ticks.

    Marginal prices are rounded to the tick by a dither that is unbiased over snapshots; states move
    from day to day and from period to period; the fit is given the states' conditional means. Cells
    are in the order of `pipeline.stages.measuring.features`: period, side, size.
    """
    rng = np.random.default_rng(seed)
    shape = (truth.days, truth.periods)
    expected = [
        np.exp(truth.state * (rng.normal(size=(truth.days, 1)) + rng.normal(size=shape)))
        for _ in range(2)
    ]
    v, thinness = (mean * unit_lognormal(rng, truth.forecast_error, shape) for mean in expected)
    bucket = np.broadcast_to(np.arange(truth.periods) * len(truth.alpha) // truth.periods, shape)
    level = np.asarray(truth.alpha)[bucket] * unit_lognormal(rng, truth.day_noise, (truth.days, 1))
    scale = (level * (1 + truth.beta * v) * thinness**truth.theta).ravel()
    sides = [_averages(scale, truth, rng) for _ in range(2)]
    fields = {name: np.stack([side[name] for side in sides], axis=1).ravel() for name in sides[0]}
    state = {
        "bucket": bucket,
        "volatility": expected[0],
        "thinness": expected[1],
        "cluster": np.broadcast_to(np.arange(truth.days)[:, None], shape),
    }
    fields |= {name: np.repeat(value.ravel(), 2 * len(SIZES)) for name, value in state.items()}
    size = np.tile(SIZES, 2 * truth.days * truth.periods)
    turn = (size / 1000) ** (truth.tilt * rng.normal(size=truth.days))[fields["cluster"]]
    fields["excess"] = fields["excess"] * turn
    return Cells(size=size, half_spread=np.full(len(size), truth.spread), **fields)


def unit_lognormal(rng: np.random.Generator, sd: float, shape: tuple[int, ...]) -> np.ndarray:
    return np.exp(sd * rng.normal(size=shape) - sd**2 / 2)


def _averages(scale: np.ndarray, truth: Truth, rng: np.random.Generator) -> dict[str, np.ndarray]:
    dither = (rng.random((len(scale), 1)) + np.arange(SNAPSHOTS) * 0.6180339887498949) % 1
    now = np.broadcast_to(scale[:, None], dither.shape)
    marginal = (
        (np.arange(1, truth.levels + 1) - dither[..., None]) * TICK / (now[..., None] * truth.k)
    )
    reach = marginal ** (1 / (truth.k - 1))
    size = np.diff(reach, axis=-1, prepend=0.0).reshape(-1, truth.levels)
    price = np.broadcast_to(100 + TICK * np.arange(truth.levels), size.shape)

    def mean(value: np.ndarray) -> np.ndarray:
        return value.reshape(len(scale), SNAPSHOTS, -1).mean(axis=1)

    behind = continuation(mean(size), mean(spacing(price)[1])[:, 0])
    at = np.repeat(np.arange(len(scale)), SNAPSHOTS)
    cost = continued_walk(price, size, SIZES, behind.take(at))
    short = size.sum(axis=1)[:, None] < SIZES
    return {"excess": mean(cost), "censored": mean(short)}


def cell(count: int = 1, **values) -> Cells:
    """Cells that are equal but for the given values."""
    plain = {
        "size": 100.0,
        "excess": 1.0,
        "half_spread": TICK,
        "censored": 0.0,
        "bucket": 0,
        "volatility": 1.0,
        "thinness": 1.0,
        "cluster": 0,
    }
    return Cells(
        **{
            name: np.broadcast_to(np.asarray(values.get(name, value)), (count,)).copy()
            for name, value in plain.items()
        }
    )


def noisy(seed: int = 0, n: int = 600) -> tuple[Cells, np.random.Generator]:
    """Uncensored cells with Gamma noise around 1e-3 x^1.5 (1 + .5 v) thinness."""
    rng = np.random.default_rng(seed)
    size, v, thinness = rng.choice(SIZES, n), rng.uniform(0.3, 2, n), rng.uniform(0.4, 2, n)
    mean = 1e-3 * size**1.5 * (1 + 0.5 * v) * thinness
    return cell(
        n,
        size=size,
        excess=mean * rng.gamma(4, 0.25, n),
        volatility=v,
        thinness=thinness,
        bucket=rng.integers(0, 3, n),
        cluster=rng.integers(0, 30, n),
    ), rng
