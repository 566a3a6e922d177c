"""The sheet of a replay: its tables, and its figures by policy as JSON content."""

from dataclasses import asdict, dataclass

from pipeline.engine.json_content import json_ready
from pipeline.parameters.schema import Params
from pipeline.replay.replay_text import content
from pipeline.replay.sheet.benchmarks import ToldCost, prices_of, slippage, told_cost
from pipeline.replay.sheet.tables import SheetTables, sheet_tables
from pipeline.replay.study import ReplayResult


@dataclass(frozen=True, eq=False)
class Sheet:
    """A replay's tables, and its figures by policy beside what they are held against."""

    tables: SheetTables
    told: ToldCost
    content: dict[str, object]


def make_sheet(result: ReplayResult, params: Params) -> Sheet:
    """Return the sheet of a replay; params: the file that the order was planned from."""
    told = told_cost(params, result.request.symbol, result.request.order)
    return Sheet(sheet_tables(result), told, sheet_content(result, told))


def sheet_content(result: ReplayResult, told: ToldCost) -> dict[str, object]:
    """Return the replay's JSON content with benchmark prices, the told cost and slippage.

    The prices, and bps of the told cost, are of the first phase.
    """
    found, played = content(result), result.played[0]
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
