"""A small trades-and-quotes tape of one venue or several, and the column map that reads it."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from pipeline.engine.sessions import SessionCalendar
from pipeline.tape.sources import taq
from pipeline.tape.sources.source import TapeBatch

XNYS = SessionCalendar("XNYS")
MAP = """
since = "epoch"
unit = "ns"
[trades]
files = 'trades.*'
symbol = "sym"
time = "t"
price = "px"
size = "qty"
[quotes]
files = 'quotes.*'
symbol = "sym"
time = "t"
bid_price = "bid"
bid_size = "bsz"
ask_price = "ask"
ask_size = "asz"
"""


def at(date: str, clock: str) -> int:
    """Return ns since epoch of a UTC time of day."""
    return int(datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=UTC).timestamp()) * 10**9


def tape(
    date: str = "2025-01-06", start: str = "14:30:00", rows: int = 200
) -> dict[str, pl.DataFrame]:
    """Return quotes that move a cent every tenth second, and a trade half a second after.

    The quotes begin at 100.00/100.04. Trades take the ask, then the bid, in turn.
    """
    begin, seconds = at(date, start), range(rows)
    mid = [10_002 + step // 10 % 5 for step in seconds]
    quotes = pl.DataFrame(
        {
            "sym": "ABC",
            "t": [begin + step * 10**9 for step in seconds],
            "bid": [(cents - 2) / 100 for cents in mid],
            "bsz": 300,
            "ask": [(cents + 2) / 100 for cents in mid],
            "asz": 500,
        }
    )
    trades = pl.DataFrame(
        {
            "sym": "ABC",
            "t": [begin + step * 10**9 + 5 * 10**8 for step in seconds],
            "px": [(cents + (-2 if step % 2 else 2)) / 100 for step, cents in enumerate(mid)],
            "qty": [100 + step for step in seconds],
        }
    )
    return {"quotes": quotes, "trades": trades}


def write(folder: Path, tables: dict[str, pl.DataFrame], text: str = MAP) -> str:
    """Write the tables as CSV and the map beside the folder, and return the map's path."""
    (folder / "tape").mkdir(exist_ok=True)
    for name, table in tables.items():
        table.write_csv(folder / "tape" / f"{name}.csv")
    (folder / "map.toml").write_text(text)
    return str(folder / "map.toml")


def read(folder: Path, tables: dict[str, pl.DataFrame], text: str = MAP) -> list[TapeBatch]:
    """Write the tape and return what the reader makes of it."""
    columns = write(folder, tables, text)
    return [
        batch
        for raw in taq.discover(str(folder / "tape"), columns)
        for batch in taq.read(raw, XNYS)
    ]


def touched(batch: TapeBatch) -> dict[str, int]:
    """Return the rules that touched a row, with how many."""
    return {rule: rows for rule, rows in batch.counts.iter_rows() if rows}
