"""What checks of a tape find: codes, which of them refuse a plan, and how a finding is told."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from models.inference.caveat import Caveat
from pipeline.engine.codes import REFUSING
from pipeline.engine.errors import UnbelievableTape

SCREENED = ("implausible_price", "implausible_size", "implausible_depth", "far_level")
COLUMNS = ("code", "date", "first", "last", "rows", "message")
MOST_SAID = 3  # of the days of one code in a warning


@dataclass(frozen=True)
class Finding:
    """What one check found on one day.

    first, last: ns, of the rows or of the stretch; rows: how many it is about; message: for people.
    """

    code: str
    date: str
    first: int
    last: int
    rows: int
    message: str


def finding_table(found: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table, one row each, in the order of time."""
    table = pd.DataFrame([asdict(one) for one in found], columns=list(COLUMNS))
    whole = table.astype({"first": "int64", "last": "int64", "rows": "int64"})
    return whole.sort_values(["date", "first"], kind="stable", ignore_index=True)


def when(row: Any, timezone: str) -> str:
    """Return the day and the times of a finding on the exchange's clock."""
    zone = ZoneInfo(timezone)
    first, last = (
        f"{pd.Timestamp(ns, tz='UTC').tz_convert(zone):%H:%M:%S}" for ns in (row.first, row.last)
    )
    return f"{row.date} {first}" if first == last else f"{row.date} {first}–{last}"


def told(row: Any, timezone: str) -> str:
    """Return a finding with its day and times, as one text."""
    return f"{when(row, timezone)}: {row.message}"


def refuse(findings: dict[str, pd.DataFrame], accepted: tuple[str, ...], timezone: str) -> None:
    """Refuse what nobody should plan on.

    findings: of `finding_table`, by symbol.
    Raises: UnbelievableTape with every symbol's reason: day, time, numbers and the code to accept.
    """
    reasons: dict[str, str] = {}
    for symbol, table in findings.items():
        for row in table.itertuples(index=False):
            if row.code in REFUSING and row.code not in accepted and symbol not in reasons:
                more = int((table["code"] == row.code).sum()) - 1
                others = f" (and on {more} more day{'s' * (more > 1)})" if more else ""
                reasons[symbol] = (
                    f"{symbol} {told(row, timezone)}{others}; mend the tape or leave the day out, "
                    f"or plan on it with --accept {row.code}"
                )
    if reasons:
        raise UnbelievableTape(next(iter(reasons.values())), reasons)


def caveats(findings: pd.DataFrame, timezone: str) -> list[Caveat]:
    """Return one warning a code, with the first days of each and their times."""
    found = []
    for code, table in findings.groupby("code", sort=False):
        said = [told(row, timezone) for row in table.head(MOST_SAID).itertuples(index=False)]
        left = len(table) - len(said)
        found.append(Caveat(str(code), "; ".join(said) + (f"; and {left} more" if left else "")))
    return found


def as_warnings(findings: pd.DataFrame, timezone: str) -> pd.DataFrame:
    """Return the warnings as a table: code, message."""
    rows = [asdict(one) for one in caveats(findings, timezone)]
    return pd.DataFrame(rows, columns=["code", "message"])
