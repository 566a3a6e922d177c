"""The mid's move after moments of the book, and what the book's pressure says of it."""

import numpy as np
import pandas as pd

from models.forecast.book.mid_move import HORIZON, BookMoves, MidMoveFit, book_moves, fit_mid_move
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import SECOND_NS, Session
from pipeline.engine.tables import Day, Features
from pipeline.stages.history import MANY_DAYS
from pipeline.stages.measuring.book_walks import book_of
from pipeline.stages.measuring.stretches import stretches_of

EVERY_NS = 10 * SECOND_NS
BLOCK_NS = 900 * SECOND_NS
BEST = ("ts", "bid_px_0", "bid_sz_0", "ask_px_0", "ask_sz_0")


def mid_move_table(day: Day, session: Session) -> pd.DataFrame:
    """Return the book's pressure every ten seconds and the mid's move after it, with date, start
    and end of the move (ns); none reaches over a break.
    """
    frames = []
    for part, (opens, closes) in stretches_of(day, session):
        times = np.arange(opens, closes - HORIZON * SECOND_NS + 1, EVERY_NS, dtype=np.int64)
        found = book_moves(part.quotes["ts"].to_numpy(), book_of(part.quotes.select(BEST)), times)
        frames.append(pd.DataFrame(vars(found) | {"start": times}))
    table = pd.concat(frames, ignore_index=True)
    return table.assign(date=session.date, end=table["start"] + HORIZON * SECOND_NS)


def measured_mid_move(days: tuple[Features, ...], scope: Scope) -> MidMoveFit:
    """Return what pressure says of the mid's move, from moves that ended by `as_of`."""
    table = pd.concat([day.mid_moves for day in days], ignore_index=True)
    table = table[table["end"] <= scope.as_of]
    block = table["start"] // BLOCK_NS
    if table["date"].nunique() >= MANY_DAYS:
        block = table["start"].groupby(table["date"]).transform("min")
    columns = (table[name].to_numpy() for name in ("pressure", "move"))
    return fit_mid_move(BookMoves(*columns), block.to_numpy())
