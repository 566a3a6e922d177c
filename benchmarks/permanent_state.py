"""Does permanent impact follow the book's state within the day? Real tapes, out of sample.

    python -m benchmarks.permanent_state AMZN AAPL IBM

The mid's move from a window's start to some time later, told by a constant gamma and by gamma
moving with the logs of spread and depth (the last minute's against the last hour's), each fitted to
the tape before the block of a quarter hour that it is scored on. R2: share of the later half's
squared moves that is told; the difference has its error by those blocks.
"""

import argparse

import numpy as np

from benchmarks.beyond_depth import opened
from benchmarks.policies import TAPES
from models.impact.flow.state_response import FlowWindows, compare_state, flow_windows, joined
from models.impact.flow.trades import TradeTape
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day

SPACINGS = ((10, 60), (10, 300), (60, 300))  # seconds of flow, and until the mid is looked at
DAYS = 5


def windows_of(day: Day, session: Session, spacing: tuple[int, int]) -> FlowWindows:
    """Return the windows of a day's tape."""
    columns = ("bid_px_0", "ask_px_0", "bid_sz_0", "ask_sz_0")
    bid, ask, bid_size, ask_size = (day.quotes[name].to_numpy() for name in columns)
    trades = (day.trades[name].to_numpy() for name in ("ts", "size", "aggressor"))
    tape = TradeTape(day.quotes["ts"].to_numpy(), (bid + ask) / 2, *trades)
    book = np.column_stack([ask - bid, bid_size + ask_size])
    return flow_windows(tape, book, (session.open_ns, session.close_ns), *spacing)


def main() -> None:
    """Print a line a symbol and spacing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("symbols", nargs="*", default=list(TAPES))
    print(
        f"{'':<6}{'flow':>6}{'later':>7}{'scored':>8}{'left out':>10}{'undirected':>12}"
        f"{'gamma':>11}{'b spread':>11}{'b depth':>11}{'R2 const':>10}{'R2 state':>10}"
        f"{'difference':>12}{'+- 95 %':>9}{'blocks':>8}  beats"
    )
    for symbol in parser.parse_args().symbols:
        data = TAPES[symbol]
        days, calendar, _ = opened(data["source"], data["location"], symbol, DAYS)
        for spacing in SPACINGS:
            parts = [windows_of(day, calendar.session(date), spacing) for date, day in days.items()]
            one = compare_state(joined(parts))
            print(
                f"{symbol:<6}{spacing[0]:>4} s{spacing[1]:>5} s{one.n:>8}{one.n_excluded:>10}"
                f"{one.undirected:>12}{one.constant_gamma:>11.2e}{one.gamma[1]:>11.2e}"
                f"{one.gamma[2]:>11.2e}{one.constant:>10.4f}{one.state:>10.4f}"
                f"{one.difference:>12.4f}{one.reach:>9.4f}{one.blocks:>8}  {one.beats}",
                flush=True,
            )


if __name__ == "__main__":
    main()
