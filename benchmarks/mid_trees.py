"""Does boosting tell the mid's next 30 s better than one slope on the book's pressure?

Run: python -m benchmarks.mid_trees [AMZN AAPL IBM]
Every ten seconds of the tapes of the tests: the book's pressure, imbalance, spread, best sizes,
order-flow imbalance, signed volume and the mid's moves of the last 10, 30 and 60 s. The latest part
(half of a single day, the last days of several) is told from what lies 60 s or more before it.
Printed: the share of the squared moves explained against no move, with its error by 15 minutes, of
the slope that is exported, of a ridge regression and of LightGBM; and what each adds to the slope.
"""

from __future__ import annotations

import argparse
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from benchmarks.policies import TAPES
from models.forecast.book.mid_move import HORIZON, BookMoves, book_moves, fit_mid_move
from models.microstructure.order_flow import order_flow_imbalance
from pipeline.engine.config import load_config
from pipeline.engine.job import open_job
from pipeline.engine.sessions import SECOND_NS
from pipeline.stages.measuring.book_walks import book_of
from pipeline.stages.measuring.mid_moves import BEST, BLOCK_NS, EVERY_NS
from pipeline.tape.opening import find_tape, ingest_files

LOOKS = (10, 30, 60)  # seconds back
SHARE = 0.5  # of the times, that is told


def table_of(quotes: pl.DataFrame, trades: pl.DataFrame, span: tuple[int, int]) -> np.ndarray:
    """Return time, pressure, move and features, a row every ten seconds that all is known of."""
    ts, book = quotes["ts"].to_numpy(), book_of(quotes.select(BEST))
    times = np.arange(span[0] + 60 * SECOND_NS, span[1] - HORIZON * SECOND_NS, EVERY_NS)
    moves = book_moves(ts, book, times)
    row = np.searchsorted(ts, times, side="right") - 1
    spread = (book.ask_px[:, 0] - book.bid_px[:, 0])[row]
    flow = np.nan_to_num(order_flow_imbalance(book)[:, 0])
    signed = (trades["size"] * trades["aggressor"]).to_numpy().astype(float)
    columns = [times, moves.pressure, moves.move, moves.pressure, book.imbalance[row], spread]
    columns += [np.log(each[row, 0] + 1.0) for each in (book.bid_sz, book.ask_sz)]
    for look in LOOKS:
        then = times - look * SECOND_NS
        columns += [
            _between(ts, flow, then, times),
            _between(trades["ts"].to_numpy(), signed, then, times),
        ]
        before = np.maximum(np.searchsorted(ts, then, side="right") - 1, 0)
        columns.append(book.mid[row] - book.mid[before])
    table = np.column_stack(columns)
    return table[np.isfinite(table).all(axis=1)]


def _between(ts: np.ndarray, value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    total = np.append(0.0, np.cumsum(value))
    return total[np.searchsorted(ts, high, "right")] - total[np.searchsorted(ts, low, "right")]


def loaded(symbol: str) -> np.ndarray:
    """Return a symbol's table, all days in order."""
    data = {key: value for key, value in TAPES[symbol].items() if key != "as_of"}
    config = load_config(None, {"data": data | {"symbols": [symbol]}})
    tables = []
    with TemporaryDirectory() as out:
        raw = find_tape(config, out)
        with open_job(config, out, raw.bytes) as job:
            for day in sorted(ingest_files(job, raw)[0], key=lambda one: one.date):
                session = job.calendar.session(day.date)
                quotes, trades = (pl.concat(day.batches(name)) for name in ("quotes", "trades"))
                tables.append(table_of(quotes, trades, session.stretches[0]))
    return np.concatenate(tables)


def told(table: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return by model the squares explained and whole by block of the later part."""
    from lightgbm import LGBMRegressor
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    time, pressure, move, x = table[:, 0], table[:, 1], table[:, 2], table[:, 3:]
    cut = np.quantile(time, 1 - SHARE)
    early, late = time + 60 * SECOND_NS <= cut, time >= cut
    slope = fit_mid_move(BookMoves(pressure[early], move[early]), time[early] // BLOCK_NS).slope
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.geomspace(1, 1e5, 11)))
    trees = LGBMRegressor(
        n_estimators=80, learning_rate=0.03, num_leaves=7, min_child_samples=100, n_jobs=1,
        random_state=0, verbosity=-1,
    )  # fmt: skip
    rest = move[early] - slope * pressure[early]
    models = {
        "slope": slope * pressure[late],
        "ridge": ridge.fit(x[early], move[early]).predict(x[late]),
        "lightgbm": trees.fit(x[early], move[early]).predict(x[late]),
        "slope + lightgbm": slope * pressure[late] + trees.fit(x[early], rest).predict(x[late]),
    }
    _, block = np.unique(time[late] // BLOCK_NS, return_inverse=True)
    whole = np.bincount(block, move[late] ** 2)
    return {
        name: (np.bincount(block, move[late] ** 2 - (move[late] - one) ** 2), whole)
        for name, one in models.items()
    }


def ratio(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Return a ratio of sums by block and its linearised error (Cochran 1977, 6.4)."""
    found = part.sum() / whole.sum()
    apart = (part - found * whole) / whole.sum()
    return float(found), float(np.sqrt(len(whole) / (len(whole) - 1) * (apart**2).sum()))


def main() -> None:
    """Print a table a symbol."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("symbols", nargs="*", default=list(TAPES))
    for symbol in parser.parse_args().symbols:
        table = loaded(symbol)
        found = told(table)
        whole = found["slope"][1]
        print(f"{symbol}: {len(table)} times, told in {len(whole)} blocks of 15 minutes")
        for name, (part, _) in found.items():
            r2, error = ratio(part, whole)
            more, off = ratio(part - found["slope"][0], whole)
            beyond = f"beyond the slope {more:7.4f} +- {off:.4f}"
            print(f"  {name:<18} R2 {r2:7.4f} +- {error:.4f}   {beyond}", flush=True)


if __name__ == "__main__":
    main()
