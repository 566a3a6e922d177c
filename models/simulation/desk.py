"""A desk's book of orders with known parts of cost, and the market that it traded in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHILD = 60  # seconds from child order to child order
LONGEST = 7200  # seconds that an order is worked
WALK = 0.5  # of sigma x (child / volume of its minute)^(1/2): what walking the book costs
PERMANENT = 0.3  # of the daily sigma: what a day's volume would move the mid for good
TRUE_PARTS = (
    "delay_traded",
    "delay_opportunity",
    "spread",
    "walk",
    "permanent",
    "drift",
    "opportunity",
    "commission",
    "fees",
)


@dataclass(frozen=True)
class DeskConfig:
    """How many symbols, days, and orders a symbol-day; step: seconds between quotes.

    better: what share of the walk the second broker saves. Raises: ValueError out of range.
    """

    symbols: int = 3
    days: int = 5
    orders: int = 4
    step: int = 60
    seconds: int = 23_400
    better: float = 0.2

    def __post_init__(self) -> None:
        if min(self.symbols, self.days, self.orders) < 1 or self.seconds % self.step:
            raise ValueError("symbols, days and orders from 1 on, and whole steps in a day")


@dataclass(frozen=True)
class Stock:
    """What is true of a symbol: price, daily sigma (relative), half spread (currency), ADV
    (shares), gamma (currency / share^2), walk (currency / share^(3/2) of a child).
    """

    price: float
    sigma: float
    half_spread: float
    adv: float
    gamma: float
    walk: float


@dataclass(frozen=True, eq=False)
class DeskDay:
    """One symbol-day. Quotes at every step, the open's first: mid, half (currency), volume (of the
    step behind it, shares), (n + 1,).

    Orders, (k,): sign, shares, decision, start, end (seconds after the open), broker (0, 1);
    commission, fees (currency). Fills, (f,): order, time, fill_shares, price. parts: (k,) true
    ones, currency, by name.
    """

    mid: Floats
    half: Floats
    volume: Floats
    sign: Floats
    shares: Floats
    decision: Floats
    start: Floats
    end: Floats
    broker: Ints
    commission: Floats
    fees: Floats
    order: Ints
    time: Floats
    fill_shares: Floats
    price: Floats
    parts: dict[str, Floats]


def stock(rng: np.random.Generator) -> Stock:
    """Return a symbol."""
    price, sigma = rng.uniform(20, 200), rng.uniform(0.008, 0.025)
    adv = float(np.round(rng.lognormal(np.log(3e6), 0.5)))
    money = price * sigma
    minutes = 390
    walk = WALK * money / np.sqrt(minutes) / np.sqrt(adv / minutes)
    half = price * rng.uniform(0.5e-4, 2e-4)
    return Stock(price, sigma, half, adv, PERMANENT * money / adv, walk)


def desk_day(
    one: Stock, open_price: float, config: DeskConfig, rng: np.random.Generator
) -> DeskDay:
    """Return one symbol's day, its orders worked in children every minute.

    Quotes hold what all orders moved before; a fill at half a step meets the quote before it. The
    parts are told by the moves' causes: `permanent` by the order's own fills before each, `drift`
    by the market's own path and by the other orders'.
    """
    steps = config.seconds // config.step
    shock = one.price * one.sigma * np.sqrt(1 / steps)
    path = open_price + np.append(0.0, np.cumsum(shock * rng.standard_normal(steps)))
    half = one.half_spread * rng.lognormal(0, 0.25, steps + 1)
    orders = _orders(one, config, rng)
    order, time, shares = _children(orders, config, rng)
    signed = orders["sign"][order] * shares
    by_time = np.argsort(time, kind="stable")
    moved = one.gamma * np.append(0.0, np.cumsum(signed[by_time]))
    grid = np.arange(steps + 1) * float(config.step)
    mid = path + moved[np.searchsorted(time[by_time], grid)]
    place = np.floor(time / config.step).astype(np.int64)
    better = 1 - config.better * orders["broker"][order]
    walk = better * one.walk * np.sqrt(shares) * rng.lognormal(-0.08, 0.4, len(shares))
    price = mid[place] + orders["sign"][order] * (half[place] + walk)
    fills = {"order": order, "time": time, "fill_shares": shares, "price": price}
    parts = _true_parts(one, orders, fills | {"walk": walk}, (mid, half, config.step))
    volume = rng.gamma(4.0, one.adv / steps / 4.0, steps + 1)
    volume += np.bincount(place + 1, shares, steps + 2)[: steps + 1]
    return DeskDay(mid, half, volume, **orders, **fills, parts=parts)


def _orders(one: Stock, config: DeskConfig, rng: np.random.Generator) -> dict[str, Any]:
    count = config.orders
    start = np.round(rng.uniform(1200, 0.75 * config.seconds, count))
    length = np.round(np.exp(rng.uniform(np.log(900), np.log(LONGEST), count)))
    shares = np.maximum(np.round(one.adv * rng.lognormal(np.log(0.004), 0.8, count), -2), 100.0)
    broker = rng.integers(0, 2, count)
    return {
        "sign": rng.choice([-1.0, 1.0], count),
        "shares": shares,
        "decision": start - np.round(rng.uniform(60, 900, count)),
        "start": start,
        "end": np.minimum(start + length, config.seconds - 1.0),
        "broker": broker,
        "commission": 0.003 * shares,
        "fees": 2e-5 * shares * one.price,
    }


def _children(
    orders: dict[str, Any], config: DeskConfig, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats]:
    """Return order, time and shares of every fill; one order in seven is cancelled on the way."""
    made = []
    for place, (start, end, shares) in enumerate(
        zip(orders["start"], orders["end"], orders["shares"], strict=True)
    ):
        time = np.arange(start + 1, end, CHILD)
        time = np.floor(time / config.step) * config.step + config.step / 2  # within a step
        time = np.unique(time[(time > start) & (time < end)])
        weight = rng.uniform(0.5, 1.5, len(time))
        whole = np.floor(np.cumsum(shares * weight / weight.sum()) + 1e-6)
        size = np.diff(whole, prepend=0.0)
        if rng.random() < 1 / 7:
            size = size[: max(1, len(size) // 2)]
        some = size > 0
        made.append((np.full(int(some.sum()), place), time[: len(size)][some], size[some]))
    order, time, size = (np.concatenate(each) for each in zip(*made, strict=True))
    return order.astype(np.int64), time, size


def _true_parts(
    one: Stock, orders: dict[str, Any], fills: dict[str, Any], quotes: tuple[Floats, Floats, int]
) -> dict[str, Floats]:
    """Return the parts by what made them, currency."""
    mid, half, step = quotes
    order, shares, count = fills["order"], fills["fill_shares"], len(orders["sign"])
    sign = orders["sign"]

    def at(seconds: Floats) -> Floats:
        return mid[np.floor(seconds / step).astype(np.int64)]

    arrival = at(orders["start"] - 1e-6)
    waited = sign * (arrival - at(orders["decision"] - 1e-6))
    by = np.lexsort((fills["time"], order))
    before = np.zeros(len(order))
    run = np.cumsum(shares[by])
    begin = np.searchsorted(order[by], order[by])
    before[by] = run - shares[by] - np.append(0.0, run)[begin]
    own = one.gamma * before
    moved = sign[order] * (at(fills["time"]) - arrival[order])
    place = np.floor(fills["time"] / step).astype(np.int64)
    amounts = {
        "delay_traded": waited[order],
        "spread": half[place],
        "walk": fills["walk"],
        "permanent": own,
        "drift": moved - own,
    }
    parts: dict[str, Floats] = {
        name: np.bincount(order, shares * each, count).astype(np.float64)
        for name, each in amounts.items()
    }
    rest = orders["shares"] - np.bincount(order, shares, count)
    parts["delay_opportunity"] = rest * waited
    parts["opportunity"] = rest * sign * (at(orders["end"]) - arrival)
    parts["commission"], parts["fees"] = orders["commission"], orders["fees"]
    return {name: parts[name] for name in TRUE_PARTS}
