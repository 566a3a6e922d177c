"""The sheet of a replay: its tables, and its figures by policy as JSON content."""

from dataclasses import asdict, dataclass

from pipeline.engine.json_content import json_ready
from pipeline.replay.evidence import Evidence
from pipeline.replay.replay_text import content
from pipeline.replay.sheet.benchmarks import ToldCost, prices_of, slippage
from pipeline.replay.sheet.tables import SheetTables, sheet_tables
from pipeline.replay.study import ReplayResult


@dataclass(frozen=True, eq=False)
class Sheet:
    """A replay's tables, and its figures by policy beside what they are held against.

    held: what the tape tells of the policies against TWAP.
    """

    tables: SheetTables
    told: ToldCost
    held: dict[str, Evidence]
    content: dict[str, object]


def make_sheet(result: ReplayResult, held: dict[str, Evidence], told: ToldCost) -> Sheet:
    """Return the sheet of a replay."""
    return Sheet(sheet_tables(result), told, held, sheet_content(result, held, told))


def sheet_content(
    result: ReplayResult, held: dict[str, Evidence], told: ToldCost
) -> dict[str, object]:
    """Return the replay's JSON content with benchmark prices, the told cost and slippage.

    The prices, and bps of the told cost, are of the first phase.
    """
    found, played = content(result, held), result.played[0]
    against = json_ready(slippage(result, told))
    found["slippage_bps"] = against[found["policy"]]
    for one in found["beside"]:
        one["slippage_bps"] = against[one["policy"]]
    prices = asdict(prices_of(result, played))
    said = {
        "walk_bps": told.in_bps(told.cost, played),
        "error_bps": told.in_bps(told.error, played),
        "note": told.note,
    }
    return found | json_ready({"benchmark_prices": prices, "told": said})
