"""A day cut at the breaks of its session: each stretch is measured as if nothing came before it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import polars as pl

from models.impact.flow.trades import ImmediateSums
from models.impact.slicing.depth import RefillSums
from pipeline.engine.sessions import SECOND_NS, Session, cut
from pipeline.engine.tables import Day

BLOCK_NS = 1800 * SECOND_NS


def stretches_of(day: Day, session: Session) -> list[tuple[Day, tuple[int, int]]]:
    """Return the day's rows of each stretch between breaks, beside its start and end (ns)."""
    if not session.breaks:
        return [(day, session.stretches[0])]
    edges = np.asarray(session.breaks).ravel()
    quotes, trades = (
        np.searchsorted(edges, table["ts"].to_numpy(), side="right")
        for table in (day.quotes, day.trades)
    )  # 0, 2, ... a stretch, 1, 3, ... a break
    return [
        (
            Day(
                day.quotes.filter(pl.Series(quotes == 2 * place)),
                day.trades.filter(pl.Series(trades == 2 * place)),
            ),
            stretch,
        )
        for place, stretch in enumerate(session.stretches)
    ]


def by_half_hour(
    day: Day,
    session: Session,
    measure: Callable[[Day, np.ndarray], RefillSums] | Callable[[Day, np.ndarray], ImmediateSums],
) -> pd.DataFrame:
    """Return the sums of every half-hour, with date and the block's end (ns).

    measure: of a stretch's rows and the edges of its half-hours (ns); the last may be shorter.
    """
    frames, blocks = [], 0
    for part, stretch in stretches_of(day, session):
        edges = cut(stretch, BLOCK_NS)
        sums = measure(part, edges)
        end = edges[1:][sums.block]
        table = pd.DataFrame(vars(sums)).assign(date=session.date, end=end)
        frames.append(table.assign(block=table["block"] + blocks))
        blocks += len(edges) - 1
    return pd.concat(frames, ignore_index=True)
