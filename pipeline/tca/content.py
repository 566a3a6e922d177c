"""A book of costs as JSON and as lines of text."""

from collections import Counter
from dataclasses import asdict

import numpy as np
import pandas as pd

from models.tca.orders.groups import Ratio
from models.tca.orders.parts import PARTS
from models.tca.orders.reversion import Reversion
from pipeline.engine.json_content import json_ready
from pipeline.report.tables.digits import count, money, number
from pipeline.tca.book import Book

DERIVED = ("decision_from", "arrival_from", "exit_from", "adv_from", "volatility_from")
SCHEMA = "impact-tca/1"
WORDS = {
    "delay_traded": "delay, of what was filled",
    "delay_opportunity": "delay, of the rest",
    "spread": "spread",
    "walk": "walk beyond the best price",
    "permanent": "own permanent impact",
    "drift": "the market's drift",
    "unsplit": "execution, not split",
    "opportunity": "opportunity of the rest",
    "commission": "commission",
    "fees": "fees",
}
TOP = ("book", "side", "broker", "algo", "share_of_adv")  # groups that the console lists


def content(book: Book) -> dict[str, object]:
    """Return the book's figures, null where there is no number."""
    orders, fills = book.sheet.orders, book.sheet.fills
    return json_ready(
        {
            "schema": SCHEMA,
            "orders": len(orders),
            "fills": len(fills),
            "days": int(orders["date"].nunique()),
            "first": min(orders["date"]),
            "last": max(orders["date"]),
            "notional": float(orders["notional"].sum()),
            "dropped": dict(Counter(book.sheet.rows.dropped["reason"])),
            "noted": book.sheet.rows.noted,
            "from": {name: dict(Counter(orders[name])) for name in DERIVED},
            "quotes_from": dict(Counter(fills["quote_from"])),
            "shortfall": ratio_json(book.total) | {"cost": float(orders["shortfall_cost"].sum())},
            "parts": {
                name: ratio_json(book.parts[name]) | {"cost": float(orders[f"{name}_cost"].sum())}
                for name in PARTS
            },
            "groups": _records(book.groups),
            "venues": _records(book.venues),
            "tests": _records(book.tests),
            "markouts": _records(book.markouts),
            "reversion": asdict(book.reversion) | _path_json(book),
            "told": _told_json(book),
            "told_curve": [
                {"told_bps": point.told, "orders": point.orders} | ratio_json(point.paid, "paid_")
                for point in book.curve
            ],
            "feedback": feedback(book),
            "warnings": [vars(each) for each in book.caveats],
        }
    )


def _path_json(book: Book) -> dict[str, object]:
    path = book.path
    columns = {"seconds": path.lags, "mean_bps": path.mean, "error_bps": path.error}
    return {name: column.tolist() for name, column in columns.items()}


def _told_json(book: Book) -> dict[str, object]:
    return {
        name: asdict(one) | {"ratio": ratio_json(one.ratio)}
        for name, one in book.calibration.items()
    }


def ratio_json(ratio: Ratio, name: str = "") -> dict[str, float]:
    """Return a ratio with its error and interval."""
    ends = {"value": ratio.value, "error": ratio.error, "low": ratio.low, "high": ratio.high}
    return {f"{name}{key}": value for key, value in ends.items()} | {"days": ratio.days}


def feedback(book: Book) -> list[dict[str, object]]:
    """Return what goes back into retraining: where paid differs from told by more than its error.

    A row for cost over mid (of alpha and the spread) and over arrival (gamma too): the factor that
    would have made told costs true on average, with its interval, and whether it leaves out 1.
    """
    return [
        {
            "cost": name,
            "factor": one.ratio.value,
            "low": one.ratio.low,
            "high": one.ratio.high,
            "orders": one.orders,
            "differs": bool(one.ratio.low > 1 or one.ratio.high < 1),
        }
        for name, one in book.calibration.items()
    ]


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return table.to_dict(orient="records")


def report_text(book: Book) -> str:
    """Return the book as the console says it."""
    orders, rows = book.sheet.orders, book.sheet.rows
    lines = [
        f"{len(orders):,} orders, {len(book.sheet.fills):,} fills, {orders['date'].nunique()} days "
        f"from {min(orders['date'])} to {max(orders['date'])}; {money(orders['notional'].sum())} "
        "ordered",
        "",
        f"{'part of the shortfall':<28}{'currency':>16}{'bps':>10}{'error':>16}",
    ]
    for name in PARTS:
        part, cost = book.parts[name], float(orders[f"{name}_cost"].sum())
        if name == "unsplit" and not cost:
            continue
        lines.append(_part(WORDS[name], cost, part))
    lines += [_part("shortfall", float(orders["shortfall_cost"].sum()), book.total), ""]
    lines += _groups(book) + _tests(book) + _told(book) + [reversion_text(book.reversion)]
    lines += [f"{each.code}: {each.message}" for each in book.caveats]
    if len(rows.dropped):
        reasons = Counter(rows.dropped["reason"]).most_common()
        listed = ", ".join(f"{reason} {number:,}" for reason, number in reasons)
        lines.append(f"left out: {listed} (dropped.csv has file, line and id)")
    return "\n".join(lines)


def _part(name: str, cost: float, part: Ratio) -> str:
    error = number(part.error, 2) if np.isfinite(part.error) else "none"
    return f"{name:<28}{money(cost):>16}{part.value:>10.3f}{error:>16}"


def _groups(book: Book) -> list[str]:
    head = f"{'group':<34}{'orders':>8}{'bps':>10}{'95 %':>20}{'median':>10}{'p(sign)':>9}"
    lines = [head]
    for row in book.groups[book.groups["by"].isin(TOP)].itertuples():
        ends = "none"
        if np.isfinite(row.low_bps):
            ends = f"{row.low_bps:.2f} … {row.high_bps:.2f}"
        name = row.group if row.by == "book" else f"{row.by} {row.group}"
        lines.append(
            f"{name[:33]:<34}{count(row.orders):>8}{row.shortfall_bps:>10.2f}{ends:>20}"
            f"{row.median_bps:>10.2f}{row.sign_p:>9.3f}"
        )
    return [*lines, ""]


def _tests(book: Book) -> list[str]:
    lines = []
    for row in book.tests.itertuples():
        if np.isfinite(row.p):
            lines.append(
                f"{row.by} {row.first} less {row.second} on like orders, {row.measure}: "
                f"{row.difference_bps:.2f} ± {row.error_bps:.2f} (p {row.p:.3f}, of all tests "
                f"{row.p_all:.3f}; {row.without_like} without a like one)"
            )
    return [*lines, ""] if lines else []


def _told(book: Book) -> list[str]:
    lines = []
    for name, one in book.calibration.items():
        ends = f"[{number(one.ratio.low, 3)}, {number(one.ratio.high, 3)}]"
        more = f", {one.covered:.0%} within 1.96 deviations" if np.isfinite(one.covered) else ""
        lines.append(
            f"paid {name.replace('_', ' ')} / told: {number(one.ratio.value, 3)} {ends}, "
            f"{one.orders:,} orders{more}"
        )
    return lines


def reversion_text(found: Reversion) -> str:
    """Return what stays and what decays after orders, in words."""
    if not np.isfinite(found.permanent):
        return "after orders: too few days to tell what stays"
    stays = f"{found.permanent:.2f} ± {found.permanent_error:.2f} bps"
    if not found.identified:
        return f"after orders: no part of the move is told to decay; it is {stays}"
    return (
        f"after orders: {stays} stay, {found.decaying:.2f} ± {found.decaying_error:.2f} decay with "
        f"a half-life of {number(found.half_life, 3)} ± {number(found.half_life_error, 2)} s"
    )
