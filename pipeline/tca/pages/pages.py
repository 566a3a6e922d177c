"""The pages of a book of costs, each one text that needs nothing outside."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from models.tca.orders.groups import Ratio
from models.tca.orders.parts import PARTS
from pipeline.report.page import page_template
from pipeline.report.tables.digits import MISSING, count, money, number, percent
from pipeline.report.view import Card
from pipeline.tca.book import Book
from pipeline.tca.content import feedback, report_text, reversion_text
from pipeline.tca.join import AFTER, BEFORE
from pipeline.tca.market import Market
from pipeline.tca.pages import tables
from pipeline.tca.publish import PAGES

HERE = Path(__file__).parent
PICTURED = ("book", "side", "broker", "algo", "share_of_adv")  # groups that are drawn
MOST_GROUPS = 16


def render_pages(book: Book, market: Market, most: int) -> dict[str, bytes]:
    """Return the pages by name: the book's, and those of the `most` orders that cost most, in
    either direction.
    """
    from pipeline.tca.pages.view import path_views

    orders = book.sheet.orders
    dearest = np.argsort(-orders["shortfall_cost"].abs().to_numpy(), kind="stable")[: max(most, 0)]
    links = _links(orders["id"], dearest)
    made = {"tca.html": _book_page(book, links).encode()}
    views = path_views(book, market, dearest)
    for place in dearest:
        made[links[int(place)]] = _order_page(book, int(place), views[int(place)]).encode()
    return made


def _links(ids: pd.Series, places: np.ndarray) -> dict[int, str]:
    """Return the file of each order's page, told apart where ids are alike as names of files."""
    found: dict[int, str] = {}
    for place in places:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", str(ids.iloc[place]))[:80] or "order"
        link = f"{PAGES}/{name}.html"
        if link.lower() in {each.lower() for each in found.values()}:
            link = f"{PAGES}/{name}-{place}.html"
        found[int(place)] = link
    return found


def _book_page(book: Book, links: dict[int, str]) -> str:
    orders = book.sheet.orders
    first, last = min(orders["date"]), max(orders["date"])
    return page_template(HERE / "book.html").render(
        title=f"What {count(len(orders))} orders cost",
        when=first if first == last else f"{first} to {last}",
        cards=_book_cards(book),
        svg=_book_pictures(book),
        tables={
            "parts": tables.parts_table(book),
            "groups": tables.groups_table(book.groups),
            "tests": tables.tests_table(book.tests),
        },
        dear=tables.dear_table(book, links),
        reversion=reversion_text(book.reversion),
        feedback=_feedback(book),
        caveats=book.caveats,
        dropped=book.sheet.rows.dropped,
        said=report_text(book),
    )


def _book_pictures(book: Book) -> dict[str, str]:
    from pipeline.report.figures.style import drawn
    from pipeline.tca.pages import pictures

    parts = {name: book.parts[name].value for name in PARTS}
    groups = book.groups[book.groups["by"].isin(PICTURED)].head(MOST_GROUPS)
    pairs = zip(groups["by"], groups["group"], strict=True)
    named = groups.assign(name=[tables.group_name(by, group) for by, group in pairs])
    draw = drawn
    label = "How the parts of the shortfall add up"
    made = {"waterfall": draw(pictures.plot_waterfall, label, parts, book.total)}
    label = "The mid’s way before and after orders, in their direction"
    made["around"] = draw(pictures.plot_around, label, book.markouts)
    made["groups"] = draw(pictures.plot_groups, "Shortfall by group with intervals", named)
    if book.calibration:
        orders, one = book.sheet.orders, book.calibration["over_arrival"]
        paid = orders["paid_bps"].where(orders["excess_bps"].notna()).to_numpy()
        told = orders["told_bps"].to_numpy()
        label = "Paid against told cost"
        made["told"] = draw(pictures.plot_told, label, told, paid, book.curve, one)
    return made


def _book_cards(book: Book) -> tuple[Card, ...]:
    orders, total = book.sheet.orders, book.total
    filled = orders["filled"].sum() / orders["ordered"].sum()
    ends = "one day: no error"
    if np.isfinite(total.reach):
        ends = f"95 %: {tables.bps(total.low)} … {tables.bps(total.high)}"
    over = book.calibration.get("over_arrival")
    told = Card("Paid against told", MISSING, "no parameters that told it")
    if over is not None:
        low, high = number(over.ratio.low, 2), number(over.ratio.high, 2)
        value = f"× {number(over.ratio.value, 3)}"
        told = Card("Paid against told", value, f"95 %: {low} … {high}, over arrival")
    return (
        Card("Shortfall", f"{tables.bps(total.value)} bps", ends),
        Card("In currency", money(orders["shortfall_cost"].sum()), "above 0 is a cost"),
        Card("Filled", percent(filled), f"{count(len(book.sheet.fills))} fills"),
        told,
    )


def _feedback(book: Book) -> list[str]:
    """Return what told costs would have to be multiplied by, in words."""
    made = []
    for one in feedback(book):
        ends = f"{number(one['low'], 3)} … {number(one['high'], 3)}"
        what = {"over_arrival": "over arrival", "over_mid": "over the mid"}[str(one["cost"])]
        verdict = "differs from 1" if one["differs"] else "does not differ from 1"
        made.append(
            f"Told costs {what} times {number(one['factor'], 3)} ({ends}) are what was paid: "
            f"{verdict} by {one['orders']:,} orders."
        )
    return made


def _order_page(book: Book, place: int, view: object) -> str:
    from pipeline.report.figures.style import drawn
    from pipeline.tca.pages import pictures

    one = book.sheet.orders.iloc[place]
    title = f"{one['side'].capitalize()} {count(one['ordered'])} {one['symbol']}"
    parts = {name: one[f"{name}_bps"] for name in PARTS}
    whole, draw = Ratio(one["shortfall_bps"], np.nan, 1), drawn
    label = f"{title}: parts of the shortfall"
    svg = {
        "path": draw(pictures.plot_path, f"{title}: the mid and the fills", view),
        "waterfall": draw(pictures.plot_waterfall, label, parts, whole),
        "around": draw(pictures.plot_around, f"{title}: before and after", _around(one)),
    }
    worded = ("broker", "algo", "venue", "account", "order_type", "currency")
    words = [one[name] for name in worded if one[name]]
    return page_template(HERE / "order.html").render(
        title=title,
        one=one,
        words=", ".join(words),
        cards=_order_cards(one),
        svg=svg,
        tables={
            "parts": tables.order_parts(one),
            "benchmarks": tables.order_benchmarks(one),
            "facts": tables.order_facts(one),
        },
    )


def _around(one: pd.Series) -> pd.DataFrame:
    """Return one order's way of the mid as the book's markouts have it, without errors."""
    rows = [("before start", -lag, one[f"before_{lag}s_bps"]) for lag in BEFORE]
    rows += [("after fills", lag, one[f"markout_{lag}s_bps"]) for lag in AFTER]
    rows += [("since arrival", lag, one[f"path_{lag}s_bps"]) for lag in (0, *AFTER)]
    made = pd.DataFrame(rows, columns=["kind", "seconds", "bps"])
    return made.assign(side="since arrival", low_bps=np.nan, high_bps=np.nan)


def _order_cards(one: pd.Series) -> tuple[Card, ...]:
    filled = f"{count(one['filled'])} of {count(one['ordered'])} in {count(one['fills'])} fills"
    told = f"told {tables.bps(one['told_bps'])}, z {number(one['z'], 2)}"
    return (
        Card("Shortfall", f"{tables.bps(one['shortfall_bps'])} bps", money(one["shortfall_cost"])),
        Card("Paid over arrival", f"{tables.bps(one['paid_bps'])} bps", told),
        Card("Against VWAP", f"{tables.bps(one['vs_vwap_bps'])} bps", "of its own time"),
        Card("Filled", percent(one["filled"] / one["ordered"]), filled),
    )
