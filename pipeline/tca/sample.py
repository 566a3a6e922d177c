"""A small book of simulated orders with known parts, its market and its parameters, as files."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.simulation.desk import TRUE_PARTS, DeskConfig, DeskDay, Stock, desk_day, stock
from pipeline.engine.sessions import SECOND_NS, Session, SessionCalendar
from pipeline.engine.store import write_folder
from pipeline.parameters.schema import SCHEMA, UNITS, Params, dump_params
from pipeline.tca.settled import iso

START = "2025-01-06"
BROKERS, ALGOS = ("NORTH", "SOUTH"), ("vwap", "is", "pov")
CREATED = "2025-01-06T00:00:00+00:00"
ERRORS = {"log_alpha_0": 0.05, "k": 0.01, "beta": 0.0, "theta": 0.0, "gamma": 0.1}
MINUTES, SEED = 390, 1
SAMPLE_FILES = ("orders.csv", "fills.csv", "bars.csv", "params.json", "parts.csv")


@dataclass(frozen=True, eq=False)
class SampleBook:
    """Tables as a broker's files have them, bars, parameters that know the truth, true parts."""

    orders: pd.DataFrame
    fills: pd.DataFrame
    bars: pd.DataFrame
    params: Params
    parts: pd.DataFrame


def simulate_book(config: DeskConfig, seed: int) -> SampleBook:
    """Return a desk's book over some sessions of XNYS, every figure drawn from one seed."""
    rng = np.random.default_rng(seed)
    sessions = SessionCalendar().sessions_from(START, config.days)
    names = [f"SIM{place}" for place in range(config.symbols)]
    stocks = {name: stock(rng) for name in names}
    orders, fills, bars, parts = [], [], [], []
    for name, one in stocks.items():
        price = one.price
        for session in sessions:
            day = desk_day(one, price, config, rng)
            price = float(day.mid[-1])
            ids = [f"{name}-{session.date}-{place}" for place in range(len(day.sign))]
            algo = rng.choice(ALGOS, len(ids))
            orders.append(_orders(name, ids, day, session, algo))
            fills.append(_fills(ids, day, session))
            bars.append(_bars(name, day, session, config.step))
            parts.append(pd.DataFrame({"order_id": ids, **day.parts}))
    tables = (pd.concat(each, ignore_index=True) for each in (orders, fills, bars))
    made = pd.concat(parts, ignore_index=True)[["order_id", *TRUE_PARTS]]
    return SampleBook(*tables, _params(stocks, sessions[0], config), made)


def write_sample(folder: str, book: SampleBook | None = None) -> None:
    """Write the files of a sample, of a small book without one, all or none.

    Raises: InputError when the folder cannot be written.
    """
    book = book or simulate_book(DeskConfig(), SEED)
    csv = (table.to_csv(index=False).encode() for table in (book.orders, book.fills, book.bars))
    texts = [*csv, dump_params(book.params), book.parts.to_csv(index=False).encode()]
    write_folder(folder, dict(zip(SAMPLE_FILES, texts, strict=True)))


def sample_paths(folder: str) -> dict[str, str]:
    """Return where the files of a sample are, by name without ending."""
    return {Path(name).stem: str(Path(folder) / name) for name in SAMPLE_FILES}


def _ns(session: Session, seconds: np.ndarray) -> np.ndarray:
    return session.open_ns + np.round(seconds * SECOND_NS).astype(np.int64)


def _orders(
    symbol: str, ids: list[str], day: DeskDay, session: Session, algo: np.ndarray
) -> pd.DataFrame:
    moments = {"decision_time": day.decision, "start": day.start, "end": day.end}
    return pd.DataFrame(
        {
            "order_id": ids,
            "symbol": symbol,
            "side": np.where(day.sign > 0, "BUY", "SELL"),
            "quantity": day.shares.astype(np.int64),
            **{name: iso(_ns(session, each)) for name, each in moments.items()},
            "commission": day.commission.round(6),
            "fees": day.fees.round(6),
            "broker": np.array(BROKERS)[day.broker],
            "algo": algo,
            "currency": "USD",
        }
    )


def _fills(ids: list[str], day: DeskDay, session: Session) -> pd.DataFrame:
    made = pd.DataFrame(
        {
            "order_id": np.array(ids, dtype=object)[day.order],
            "time": iso(_ns(session, day.time)),
            "quantity": day.fill_shares.astype(np.int64),
            "price": day.price.round(8),
        }
    )
    number = made.groupby("order_id").cumcount()
    made.insert(1, "fill_id", made["order_id"] + "-" + number.astype(str))
    return made


def _bars(symbol: str, day: DeskDay, session: Session, step: int) -> pd.DataFrame:
    """Return bars that end at each quote but the first, which is the open."""
    mid, half = day.mid, day.half
    return pd.DataFrame(
        {
            "symbol": symbol,
            "time": iso(_ns(session, step * np.arange(len(mid) - 1.0))),
            "open": mid[:-1].round(8),
            "high": np.maximum(mid[:-1], mid[1:]).round(8),
            "low": np.minimum(mid[:-1], mid[1:]).round(8),
            "close": mid[1:].round(8),
            "volume": np.round(day.volume[1:]).astype(np.int64),
            "bid": (mid - half)[1:].round(8),
            "ask": (mid + half)[1:].round(8),
        }
    )


def _params(stocks: dict[str, Stock], session: Session, config: DeskConfig) -> Params:
    """Return parameters that know the truth, with errors that they claim."""
    content = {
        "schema": SCHEMA,
        "created": CREATED,
        "code_version": "simulated",
        "data_hash": "simulated",
        "valid": {
            "from": _moment(session.open_ns),
            "to": _moment(session.close_ns),
        },
        "calendar": {
            "name": "XNYS",
            "timezone": session.timezone,
            "periods": MINUTES,
            "period_seconds": 60,
        },
        "symbols": {name: _section(one, session, config) for name, one in stocks.items()},
    }
    return Params.model_validate_json(json.dumps(content))


def _section(one: Stock, session: Session, config: DeskConfig) -> dict[str, object]:
    volume, sigma = one.adv / MINUTES, one.price * one.sigma / np.sqrt(MINUTES)
    errors = ERRORS | {"gamma": ERRORS["gamma"] * one.gamma}
    return {
        "route": "orders",
        "reference": {
            "price": one.price,
            "volatility": sigma,
            "depth_shares": volume / 10,
            "volume_shares": volume,
        },
        "law": {
            "family": "spread_power",
            "k": 1.5,
            "beta": 0.0,
            "gamma": one.gamma,
            "theta": 0.0,
        },
        "standard_errors": errors,
        "covariance": {
            "names": list(errors),
            "matrix": np.diag(np.square(list(errors.values()))).tolist(),
        },
        "units": UNITS,
        "periods": _periods(one, session, config),
        "slicing": {
            "half_life_seconds": None,
            "half_life_upper_seconds": None,
            "lasting": 0.0,
            "least_child_shares": 1.0,
        },
        "warnings": [],
    }


def _periods(one: Stock, session: Session, config: DeskConfig) -> list[dict[str, object]]:
    every = {
        "alpha": one.walk * (1 - config.better / 2),  # every second order: the better broker
        "volatility": 1.0,
        "liquidity": 1.0,
        "sigma": one.price * one.sigma / np.sqrt(MINUTES),
        "spread": one.half_spread * np.exp(0.25**2 / 2),  # the mean of the half spreads drawn
        "volume": one.adv / MINUTES,
        "volatility_interval": [0.5, 2.0],
        "liquidity_interval": [0.5, 2.0],
    }
    starts = enumerate(session.starts_ns)
    return [{"i": place, "start": _moment(int(start)), **every} for place, start in starts]


def _moment(ts: int) -> str:
    return pd.Timestamp(ts, unit="ns", tz="UTC").isoformat()
