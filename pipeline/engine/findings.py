"""What checks of a tape find: codes, which of them refuse a plan, and how a finding is told."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from models.inference.caveat import Caveat
from pipeline.engine.errors import UnbelievableTape

REFUSING = {  # a run that finds one plans nothing, unless told to accept it
    "two_scales": "prices in two scales: within a day, or a day against its neighbours",
    "two_size_scales": "sizes in two scales: within a day, or a day against its neighbours",
    "implausible_rows": "too many of a day's rows are beyond what the day supports",
    "sides_flipped": "trade sides are the other way round by the quote rule",
    "quotes_not_consolidated": "too many trades lie outside the quotes that stood before them",
    "crossed_quotes": "too many of a day's quotes are crossed or locked",
    "sigma_unbelievable": "mids vary beyond the day's price, or beyond the range of its trades",
    "spread_unbelievable": "the spread is wider than the range of the day's trades",
    "forecast_unbelievable": "forecasts of the session planned are far from the history's mean",
}
TELLING = {  # said with day and time; the rows of the first four are left out
    "implausible_price": "rows left out: a best price beyond what the day supports",
    "implausible_size": "rows left out: a size beyond what the day supports",
    "implausible_depth": "rows left out: books whose sizes are in another scale than the day's",
    "far_level": "deeper levels taken as not displayed: at prices beyond what the day supports",
    "frozen_quote": "rows left out: the book does not change while it should",
    "tape_gap": "no rows while there should be many",
    "quotes_missing": "more trades outside the quotes before them than on the days beside",
    "day_unlike_others": "a measure of the day is far from its neighbours'",
}
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
    Raises: UnbelievableTape naming symbol, day, time, numbers and the code to accept.
    """
    for symbol, table in findings.items():
        for row in table.itertuples(index=False):
            if row.code in REFUSING and row.code not in accepted:
                more = int((table["code"] == row.code).sum()) - 1
                others = f" (and on {more} more day{'s' * (more > 1)})" if more else ""
                raise UnbelievableTape(
                    f"{symbol} {told(row, timezone)}{others}; mend the tape or leave the day out, "
                    f"or plan on it with --accept {row.code}"
                )


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
