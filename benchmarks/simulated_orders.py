"""Parent orders under a planted law, as the order route takes them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.impact.orders import PUBLISHED, Almgren, OrderShape, ParentOrders

Floats = NDArray[np.float64]
PAPER_ORDERS, DAYS = 29_509, 400
WAIT = 30 / 390  # days from the last fill to the price that lasting impact is read from
FACTOR = 0.3  # share of the errors' variance that a day's orders have in common
LEAN = 0.25  # standard deviation over days of the share of buys
BOOK_ORDERS, BOOK_DAYS, SLICES = 2_000, 250, 36
EQUAL = 0.2  # days, of orders that all last equally long
BY_SIZE = Almgren.by_size(PUBLISHED.gamma, 0.66, 0.5)  # 5 % of volume costs 31 bps


@dataclass(frozen=True)
class Truth:
    """A planted law; equal: all orders last equally long; cancel: at so many standard deviations
    of the price against the order over its whole time, None for never.
    """

    law: Almgren
    equal: bool = False
    cancel: float | None = None

    def costs(self, shapes: tuple[OrderShape, ...]) -> Floats:
        """Return J at the shapes, bps, (S,)."""
        size, duration, volatility, turnover = np.array(
            [list(vars(one).values()) for one in shapes]
        ).T
        return self.law.impact_bps(size, volatility, duration, turnover)[1]


def simulated(
    seed: int, law: Almgren = PUBLISHED, n: int = PAPER_ORDERS, days: int = DAYS
) -> ParentOrders:
    """Return orders under the law, traded at an even rate while a Brownian price moves.

    Source: Almgren, Thum, Hauptmann, Li 2005: the errors of I and J - I/2 have the variances, and
    the covariance, of that price.
    """
    rng = np.random.default_rng(seed)
    day = rng.integers(days, size=n)
    size = np.clip(rng.lognormal(np.log(0.007), 1.0, n), 0.0025, 0.9)
    buys = np.clip(0.5 + rng.normal(0, LEAN, days), 0.05, 0.95)[day]
    participation = np.where(rng.random(n) < buys, size, -size)
    duration = rng.beta(2, 3, n).clip(0.05)
    horizon = duration + WAIT
    volatility = np.clip(rng.lognormal(np.log(0.019), 0.4, n), 0.005, 0.08)
    inverse_turnover = rng.lognormal(np.log(200), 0.6, n)

    def noise() -> Floats:
        return np.sqrt(FACTOR) * rng.standard_normal(days)[day] + np.sqrt(
            1 - FACTOR
        ) * rng.standard_normal(n)

    xi, chi = noise(), noise()
    permanent = (
        law.permanent(participation, volatility, inverse_turnover)
        + volatility * np.sqrt(horizon) * xi
    )
    bridge = np.sqrt(duration / 12 * (4 - 3 * duration / horizon)) * chi
    paid = (
        permanent / 2
        + law.temporary(participation, volatility, duration)
        + volatility * (bridge - (horizon - duration) / (2 * np.sqrt(horizon)) * xi)
    )
    return ParentOrders(
        participation, duration, horizon, volatility, permanent, paid, day, inverse_turnover
    )


def simulated_book(seed: int, truth: Truth, n: int = BOOK_ORDERS) -> ParentOrders:
    """Return orders worked slice by slice, which end early where the price ran away.

    A slice pays the mean price of its time, half of its own lasting impact among it.
    """
    rng = np.random.default_rng(seed)
    day = rng.integers(BOOK_DAYS, size=n)
    size = np.exp(rng.uniform(np.log(0.002), np.log(0.3), n)) * rng.choice([-1, 1], n)
    duration = np.exp(rng.uniform(np.log(0.03), 0.0, n))
    duration = np.full(n, EQUAL) if truth.equal else duration
    volatility = np.clip(rng.lognormal(np.log(0.02), 0.3, n), 0.005, 0.08)

    def moves(count: int) -> Floats:
        shared = rng.standard_normal((BOOK_DAYS, count))[day]
        return np.sqrt(FACTOR) * shared + np.sqrt(1 - FACTOR) * rng.standard_normal((n, count))

    path = np.cumsum(moves(SLICES) / np.sqrt(SLICES), axis=1)  # over sqrt(duration)
    ends = np.column_stack([np.zeros(n), path])
    done = np.full(n, SLICES)
    if truth.cancel is not None:
        ran = np.sign(size)[:, None] * path > truth.cancel
        done = np.where(ran.any(axis=1), ran.argmax(axis=1) + 1, SLICES)
    filled = done / SLICES
    traded = np.arange(SLICES) < done[:, None]
    mean = ((ends[:, 1:] + ends[:, :-1]) / 2 * traded).sum(axis=1) / done * np.sqrt(duration)
    after = ends[np.arange(n), done] * np.sqrt(duration) + moves(1)[:, 0] * np.sqrt(WAIT)
    one, law = np.ones(n), truth.law
    permanent = law.permanent(size * filled, volatility, one)
    paid = permanent / 2 + law.temporary(size * filled, volatility, duration * filled)
    permanent += volatility * after
    paid = filled * (paid + volatility * mean) + (1 - filled) * permanent
    return ParentOrders(
        participation=size,
        duration=duration,
        horizon=duration + WAIT,
        volatility=volatility,
        permanent=permanent,
        paid=paid,
        day=day,
        filled=filled,
    )


def fills_as_orders(orders: ParentOrders) -> ParentOrders:
    """Return what was filled of every order as if nothing more had been asked for."""
    part = orders.filled
    return replace(
        orders,
        participation=orders.participation * part,
        duration=orders.duration * part,
        horizon=orders.duration * part + WAIT,
        paid=(orders.paid - (1 - part) * orders.permanent) / part,
        filled=None,
    )
