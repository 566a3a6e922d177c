"""The pages' tables, as text."""

import numpy as np
import pandas as pd

from models.tca.orders.parts import PARTS
from pipeline.report.tables.digits import MISSING, count, money, number, percent
from pipeline.report.tables.table import Table
from pipeline.tca.book import Book
from pipeline.tca.content import WORDS
from pipeline.tca.order_columns import BENCHMARKS
from pipeline.tca.settled import GIVEN, NONE

SHOWN = ("book", "side", "broker", "algo", "venue", "share_of_adv", "participation", "hour")
HELD = {
    "decision": "Decision",
    "arrival": "Arrival mid",
    "arrival_bid": "Arrival bid",
    "arrival_ask": "Arrival ask",
    "near_touch": "Near touch",
    "far_touch": "Far touch",
    "exit": "Mid at the end",
    "open": "Open",
    "close": "Close",
    "vwap": "VWAP of its time",
    "vwap_without_own": "VWAP without its own trades",
    "day_vwap": "VWAP of the day",
    "twap": "TWAP of the mid",
    "pwp": "Participation-weighted, 10 %",
    "limit_adjusted": "Arrival within the limit",
    "index_adjusted": "Arrival moved by the index",
}


def bps(value: float) -> str:
    """Return a figure in bps to a hundredth."""
    return MISSING if not np.isfinite(value) else f"{value:,.2f}".replace("-", "−")


def plus_minus(value: float, error: float) -> str:
    """Return a figure with its standard error, or that it has none."""
    return f"{bps(value)} ± {bps(error)}" if np.isfinite(error) else f"{bps(value)} (no error)"


def parts_table(book: Book) -> Table:
    """Return the book's parts."""
    orders, made = book.sheet.orders, []
    for name in PARTS:
        cost = float(orders[f"{name}_cost"].sum())
        if name != "unsplit" or cost:
            one = book.parts[name]
            made.append((WORDS[name].capitalize(), money(cost), plus_minus(one.value, one.error)))
    whole = float(orders["shortfall_cost"].sum())
    made.append(("Shortfall", money(whole), plus_minus(book.total.value, book.total.error)))
    return Table(("Part", "Currency", "Bps"), tuple(made), marked=(len(made) - 1,))


def groups_table(groups: pd.DataFrame) -> Table:
    """Return groups with intervals, medians and sign tests."""
    head = ("Group", "Orders", "Days", "Bps", "95 %", "Median", "p (sign)", "Outliers")
    rows = []
    for row in groups[groups["by"].isin(SHOWN)].itertuples():
        ends = f"{bps(row.low_bps)} … {bps(row.high_bps)}" if np.isfinite(row.low_bps) else "none"
        rows.append(
            (
                group_name(row.by, row.group),
                count(row.orders),
                count(row.days),
                bps(row.shortfall_bps),
                ends,
                bps(row.median_bps),
                number(row.sign_p, 2),
                count(row.outliers),
            )
        )
    return Table(head, tuple(rows), marked=(0,))


def group_name(by: str, group: str) -> str:
    """Return a group as the page calls it."""
    plain = group.partition(". ")[2] if group[:1].isdigit() and ". " in group else group
    if by == "book":
        return "Whole book"
    words = {"share_of_adv": "of ADV", "participation": "of volume"}
    return f"{plain} {words[by]}" if by in words else f"{by} {plain}"


def tests_table(tests: pd.DataFrame) -> Table:
    """Return one broker, algorithm or venue against another on like orders."""
    head = ("On like orders", "Cost", "Difference, bps", "95 %", "p", "p, all", "Orders")
    words = {"paid_bps": "over arrival", "paid_over_mid_bps": "over mid"}
    rows = []
    for row in tests.itertuples():
        known = np.isfinite(row.low_bps)
        rows.append(
            (
                f"{row.first} less {row.second}",
                words[row.measure],
                plus_minus(row.difference_bps, row.error_bps),
                f"{bps(row.low_bps)} … {bps(row.high_bps)}" if known else "none",
                number(row.p, 2),
                number(row.p_all, 2),
                f"{row.first_orders} and {row.second_orders}",
            )
        )
    return Table(head, tuple(rows))


def dear_table(book: Book, links: dict[int, str]) -> list[dict[str, str]]:
    """Return the orders with pages: name, link and figures, in the order of the links."""
    made = []
    for place, link in links.items():
        one = book.sheet.orders.iloc[place]
        made.append(
            {
                "link": link,
                "name": f"{one['side']} {one['symbol']}, {one['id']}",
                "date": one["date"],
                "filled": f"{count(one['filled'])} of {count(one['ordered'])}",
                "shortfall": bps(one["shortfall_bps"]),
                "cost": money(one["shortfall_cost"]),
                "told": bps(one["told_bps"]),
                "z": number(one["z"], 2) + (" outlier" if one["outlier"] else ""),
            }
        )
    return made


def order_parts(one: pd.Series) -> Table:
    """Return an order's parts; a single order's have no error."""
    rows = [
        (WORDS[name].capitalize(), money(one[f"{name}_cost"]), bps(one[f"{name}_bps"]))
        for name in PARTS
        if name != "unsplit" or one[f"{name}_cost"]
    ]
    rows.append(("Shortfall", money(one["shortfall_cost"]), bps(one["shortfall_bps"])))
    return Table(("Part", "Currency", "Bps"), tuple(rows), marked=(len(rows) - 1,))


def order_benchmarks(one: pd.Series) -> Table:
    """Return each benchmark with the mean fill against it."""
    rows = [
        (HELD[name], number(one[f"benchmark_{name}"], 7), bps(one[f"vs_{name}_bps"]))
        for name in BENCHMARKS
        if np.isfinite(one[f"benchmark_{name}"])
    ]
    return Table(("Benchmark", "Price", "Mean fill, bps"), tuple(rows))


def order_facts(one: pd.Series) -> Table:
    """Return an order's size, quality and told cost, each with where it is from."""
    minutes = f"{one['duration_seconds'] / 60:,.1f} min"
    told = MISSING
    if np.isfinite(one["told_bps"]):
        told = plus_minus(one["told_bps"], one["told_error_bps"])
    rows = [
        ("Ordered, filled", f"{count(one['ordered'])}, {count(one['filled'])}", "given"),
        ("Cancelled", count(one["cancelled"]), GIVEN if one["cancelled"] >= 0 else NONE),
        ("Duration", minutes, "start to end"),
        ("Share of the market’s volume", percent(one["participation"]), "market"),
        ("Share of ADV", percent(one["share_of_adv"]), one["adv_from"]),
        ("Daily volatility", percent(one["volatility"]), one["volatility_from"]),
        ("Decision price", number(one["decision_price"], 7), one["decision_from"]),
        ("Arrival price", number(one["arrival_price"], 7), one["arrival_from"]),
        ("Price at the end", number(one["exit_price"], 7), one["exit_from"]),
        ("Effective spread", bps(one["effective_spread_bps"]), "bps"),
        ("Quoted spread", bps(one["quoted_spread_bps"]), "bps"),
        ("Price improvement", bps(one["price_improvement_bps"]), "bps"),
        ("At or inside the touch", percent(one["at_or_inside"]), "of shares"),
        ("Told over arrival, bps", told, one["told_file"] or "no parameters"),
        ("Paid over arrival", bps(one["paid_bps"]), "bps, filled"),
        ("Excess over told in deviations", number(one["z"], 2), "risk and error"),
    ]
    return Table(("What", "Figure", "From"), tuple(rows), words=(0, 2))
