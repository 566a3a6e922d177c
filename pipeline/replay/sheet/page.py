"""The sheet's page: one picture and the tables of parts, one text that needs nothing outside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.tca.adverse import Shifts
from pipeline.replay.evidence import LARGE
from pipeline.replay.loop import MARKOUTS
from pipeline.replay.replay_text import PARTS, report_text
from pipeline.replay.sheet.sheet import Sheet
from pipeline.replay.sheet.tables import value_of
from pipeline.replay.study import YARDSTICK, ReplayResult
from pipeline.report.page import page_template
from pipeline.report.tables.digits import MISSING, count
from pipeline.report.tables.table import Table
from pipeline.report.view import Card

Figures = Mapping[str, Any]  # one policy's, as sheet.json has them
PRICES = ("arrival", "twap", "vwap", "close")


def render(result: ReplayResult, sheet: Sheet) -> str:
    """Return the sheet as one self-contained HTML text."""
    from pipeline.replay.sheet.picture import plot_sheet
    from pipeline.report.figures.style import svg_text

    found = sheet.content
    policies = [found, *found["beside"]]
    shown = tuple(dict.fromkeys([result.names[0], YARDSTICK]))
    valued = value_of(shown[0]) in sheet.tables.moments
    value = f", value of waiting to {shown[0]}" if valued else ""
    label = f"Mid, fills, cost over mid{value} and progress of {' and '.join(shown)}"
    return page_template(Path(__file__).parent / "sheet.html").render(
        title=f"{found['side'].capitalize()} {found['shares']:,} {found['symbol']}",
        found=found,
        first=result.names[0],
        shown=shown,
        valued=valued,
        cards=_cards(policies, found),
        svg=svg_text(plot_sheet(result, sheet.tables, shown), label, label),
        tables={
            "parts": _parts(policies),
            "against": _against(policies),
            "slippage": _slippage(policies, found),
            "markouts": _markouts(policies),
            "fills": _fills(policies, result.accountings),
        },
        large=LARGE,
        said=report_text(result, sheet.held),
    )


def _bps(value: float | None, digits: int = 3) -> str:
    """Return a figure in bps; what the JSON has no number for is a dash."""
    return MISSING if value is None else f"{value:,.{digits}f}".replace("-", "−")


def _cards(policies: list[Figures], found: Figures) -> tuple[Card, ...]:
    first, told = policies[0], found["told"]
    error = "no error known" if told["error_bps"] is None else f"± {_bps(told['error_bps'], 2)}"
    against = f"told {_bps(told['walk_bps'], 2)}, {error}"
    parts = first["parts_bps"]
    whole = f"drift {_bps(parts['drift'], 2)}, own impact {_bps(parts['permanent'], 2)}"
    filled = f"of {count(found['shares'])} in {count(first['orders'])} orders"
    return (
        Card(
            f"Cost over mid, {first['policy']}",
            f"{_bps(first['walk_bps'], 2)} bps",
            _beside(policies),
        ),
        Card("Against the told cost", f"{_bps(first['slippage_bps']['told'], 2)} bps", against),
        Card("Shortfall", f"{_bps(first['shortfall_bps'], 2)} bps", whole),
        Card("Filled", count(first["filled"]), filled),
    )


def _beside(policies: list[Figures]) -> str:
    """Say what the first policy cost less or more than TWAP."""
    first = policies[0]
    if first["policy"] == YARDSTICK:
        parts = first["parts_bps"]
        return f"spread {_bps(parts['spread'], 2)}, walk {_bps(parts['walk'], 2)}"
    twap = next(one["walk_bps"] for one in policies if one["policy"] == YARDSTICK)
    less = twap - first["walk_bps"]
    share = f" ({abs(less) / twap:.0%})" if twap > 0 else ""
    verdict = f": {first['against_twap']['verdict']}" if "against_twap" in first else ""
    return f"{_bps(abs(less), 2)} {'less' if less >= 0 else 'more'} than TWAP{share}{verdict}"


def _table(head: tuple[str, ...], policies: list[Figures], rows: list[list[str]]) -> Table:
    named = tuple((one["policy"], *row) for one, row in zip(policies, rows, strict=True))
    return Table(("Policy", *head), named, marked=(0,))


def _parts(policies: list[Figures]) -> Table:
    spread, walk, *others = PARTS
    head = (spread, walk, "over mid", *others, "shortfall")
    rows = []
    for one in policies:
        parts = one["parts_bps"]
        values = [parts[spread], parts[walk], one["walk_bps"], *(parts[name] for name in others)]
        rows.append([_bps(value) for value in (*values, one["shortfall_bps"])])
    return _table(tuple(name.capitalize() for name in head), policies, rows)


def _against(policies: list[Figures]) -> Table:
    """Return what the tape tells of the policies against TWAP, of those that filled something."""
    head = ("Over mid, less TWAP’s", "Error", "95 %", "Verdict")
    head += tuple(f"Adverse {lag:g} s, most" for lag in Shifts.lags)
    told = [one for one in policies if "against_twap" in one]
    rows = []
    for one in told:
        found = one["against_twap"]
        low, high = (_bps(each) for each in found["interval_bps"])
        numbers = (_bps(found["walk_difference_bps"]), _bps(found["error_bps"]))
        most = (_bps(each["bound_bps"]) for each in found["adverse_markouts"].values())
        interval = MISSING if low == MISSING else f"{low} … {high}"
        rows.append([*numbers, interval, found["verdict"], *most])
    return _table(head, told, rows)


def _slippage(policies: list[Figures], found: Figures) -> Table:
    prices, told = found["benchmark_prices"], found["told"]
    head = ("Arrival", "TWAP of the mid", "VWAP of the market", "Close", "Told cost")
    rows = [[_bps(one["slippage_bps"][key]) for key in (*PRICES, "told")] for one in policies]
    made = _table(head, policies, rows)
    own = [MISSING if prices[key] is None else f"{prices[key]:,.4f}" for key in PRICES]
    error = "" if told["error_bps"] is None else f" ± {_bps(told['error_bps'])}"
    benchmark = ("the benchmark itself", *own, f"{_bps(told['walk_bps'])}{error}")
    return Table(made.head, (*made.rows, benchmark), marked=made.marked)


def _markouts(policies: list[Figures]) -> Table:
    """Return the markouts, beside the cost over the mid and over the one that was predicted."""
    costs = ("walk_bps", "walk_over_predicted_mid_bps")
    head = ("Over mid", "Over predicted mid")
    head += tuple(f"{each} s" if each < 60 else f"{each // 60} min" for each in MARKOUTS)
    rows = []
    for one in policies:
        marks = (one["markouts_bps"][str(each)] for each in MARKOUTS)
        rows.append([_bps(value) for value in (*(one[key] for key in costs), *marks)])
    return _table(head, policies, rows)


def _fills(policies: list[Figures], accountings: tuple[str, ...]) -> Table:
    others = [name for name in accountings if name in OTHERS]
    head = ("Orders", "Filled", "Beyond shown", "Missed moments", *(OTHERS[x] for x in others))
    keys = ("orders", "filled", "filled_beyond_shown", "missed_moments")
    rows = [
        [*(count(one[key]) for key in keys), *(_bps(one[name]["walk_bps"]) for name in others)]
        for one in policies
    ]
    return _table(head, policies, rows)


OTHERS = {"shown_depth": "Over mid, in shown depth", "refilled": "Over mid, refilled by time"}
