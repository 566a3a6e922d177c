"""Where the mid stood after windows of signed volume, and whether its response follows the book."""

from dataclasses import fields

import numpy as np
import pandas as pd

from models.impact.flow.state_response import (
    FlowWindows,
    StateComparison,
    compare_state,
    flow_windows,
    joined,
)
from models.impact.flow.trades import TradeTape
from pipeline.engine.scope import Scope
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day, Features
from pipeline.stages.measuring.book_walks import book_of
from pipeline.stages.measuring.mid_moves import BEST
from pipeline.stages.measuring.stretches import stretches_of

WINDOW, REACH = 60, 300  # seconds of flow, and from its start to the mid that it is held to
STATE = ("spread", "depth")


def flow_move_table(day: Day, session: Session) -> pd.DataFrame:
    """Return a row a window that all is known of: the columns of `FlowWindows` but its counts, the
    state's two by name, stretch and date; none reaches over a break.
    """
    frames = []
    for place, (part, span) in enumerate(stretches_of(day, session)):
        book = book_of(part.quotes.select(BEST))
        trades = (part.trades[name].to_numpy() for name in ("ts", "size", "aggressor"))
        tape = TradeTape(part.quotes["ts"].to_numpy(), book.mid, *trades)
        shown = np.column_stack(
            [book.ask_px[:, 0] - book.bid_px[:, 0], book.bid_sz[:, 0] + book.ask_sz[:, 0]]
        )
        found = vars(flow_windows(tape, shown, span, WINDOW, REACH)).copy()
        state = found.pop("state")
        columns = {name: found[name] for name in _columns() if name in found}
        columns |= dict(zip(STATE, state.T, strict=True))
        frames.append(pd.DataFrame(columns).assign(stretch=place, date=session.date))
    return pd.concat(frames, ignore_index=True)


def measured_state_response(days: tuple[Features, ...], scope: Scope) -> StateComparison | None:
    """Return gamma by the book's state against a constant one, of windows whose end was known by
    `as_of`; None where too few are left to score.
    """
    table = pd.concat([day.flow_moves for day in days], ignore_index=True)
    table = table[table["known"] <= scope.as_of].sort_values("start", ignore_index=True)
    parts = [_windows(part) for _, part in table.groupby(["date", "stretch"], sort=True)]
    try:
        return compare_state(joined(parts)) if parts else None
    except ValueError:
        return None


def _columns() -> list[str]:
    return [one.name for one in fields(FlowWindows)][:7]


def _windows(part: pd.DataFrame) -> FlowWindows:
    columns = {name: part[name].to_numpy() for name in _columns() if name != "state"}
    return FlowWindows(**columns, state=part[list(STATE)].to_numpy(), n_excluded=0, undirected=0)
