"""The book: sums by part, groups with intervals, tests of brokers, markouts, told against paid."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.inference.caveat import Caveat
from models.tca.orders.groups import Ratio, middle, ratio_of_sums
from models.tca.orders.like_orders import compare_like, strata
from models.tca.orders.parts import PARTS
from models.tca.orders.reversion import Path, Reversion, mean_path, reversion
from models.tca.orders.told import Calibration, CurvePoint, Told, calibrate_told, curve
from models.tca.regret import holm
from models.tca.shortfall import BPS
from pipeline.tca.caveats import sheet_caveats
from pipeline.tca.join import AFTER, BEFORE
from pipeline.tca.order_rows import WORDS
from pipeline.tca.sheet import Sheet

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SIZES = (0.001, 0.01, 0.05, 0.1)  # of ADV
SHARES = (0.01, 0.05, 0.1, 0.2)  # of the market's volume
COMPARED = ("broker", "algo", "venue")
MOST_KINDS = 6  # of brokers: more are compared by those with most orders
MEASURES = ("paid_bps", "paid_over_mid_bps")


@dataclass(frozen=True, eq=False)
class Book:
    """What a book of orders cost and what tells of it.

    total: the shortfall, parts: by name, bps of the book's notional with errors by day; groups,
    venues, tests, markouts: as README's tables tell their columns; path: the mid after the orders'
    ends; told: of orders that were told and filled, None without parameter files.
    """

    sheet: Sheet
    total: Ratio
    parts: dict[str, Ratio]
    groups: pd.DataFrame
    venues: pd.DataFrame
    tests: pd.DataFrame
    markouts: pd.DataFrame
    path: Path
    reversion: Reversion
    calibration: dict[str, Calibration]
    curve: list[CurvePoint]
    caveats: list[Caveat]


def make_book(sheet: Sheet, timezone: str) -> Book:
    """Return the book of a sheet; timezone: of the hours that orders are grouped by."""
    orders = sheet.orders
    day = day_codes(orders)
    notional = orders["notional"].to_numpy()

    def of_book(name: str) -> Ratio:
        return ratio_of_sums(orders[f"{name}_cost"].to_numpy(), notional, day)

    path = _path(orders, day)
    told = told_orders(orders, day)
    return Book(
        sheet=sheet,
        total=of_book("shortfall"),
        parts={name: of_book(name) for name in PARTS},
        groups=_groups(orders, timezone, day, sheet.rows.own),
        venues=_venues(sheet, day),
        tests=_tests(orders, day),
        markouts=_markouts(orders, day),
        path=path,
        reversion=reversion(path),
        calibration={name: calibrate_told(each) for name, each in told.items()},
        curve=curve(told["over_arrival"]) if told else [],
        caveats=sheet_caveats(sheet),
    )


def day_codes(orders: pd.DataFrame) -> Ints:
    """Return the day of each order, as numbers."""
    return np.unique(orders["date"].to_numpy(dtype=str), return_inverse=True)[1]


def told_orders(orders: pd.DataFrame, day: Ints) -> dict[str, Told]:
    """Return told and paid costs, over arrival and over mid; none where nothing was told."""
    if not orders["told_bps"].notna().any():
        return {}
    whole = orders["excess_bps"].notna().to_numpy()
    weight = (orders["filled"] * orders["arrival_price"].abs()).to_numpy()
    risk = orders["told_risk_bps"].to_numpy()
    made = {}
    for name, paid, told, spread in (
        ("over_arrival", "paid_bps", "told", risk),
        ("over_mid", "paid_over_mid_bps", "told_over_mid", np.zeros(len(orders))),
    ):
        made[name] = Told(
            told=orders[f"{told}_bps"].to_numpy(),
            paid=np.where(whole, orders[paid].to_numpy(), np.nan),
            error=orders[f"{told}_error_bps"].to_numpy(),
            risk=spread,
            weight=weight,
            day=day,
        )
    return made


def _columns(
    orders: pd.DataFrame, timezone: str, own: tuple[str, ...]
) -> Iterator[tuple[str, NDArray[np.object_]]]:
    """Yield what orders are grouped by: names, sizes, hours, the file's own columns."""
    for name in ("symbol", "side", *WORDS, *own):
        values = orders[name].astype(str).to_numpy(dtype=object)
        if name not in WORDS or (values != "").any():
            yield name, np.where(values == "", "(blank)", values)
    for name, cuts in (("share_of_adv", SIZES), ("participation", SHARES)):
        values = orders[name].to_numpy()
        if np.isfinite(values).any():
            yield name, _cut(values, cuts)
    local = pd.to_datetime(orders["start"]).dt.tz_convert(timezone)
    yield "hour", (local.dt.strftime("%H") + ":00").to_numpy(dtype=object)
    yield "date", orders["date"].to_numpy(dtype=object)


def _cut(values: Floats, cuts: tuple[float, ...]) -> NDArray[np.object_]:
    """Return between which per cents values lie, as text that sorts."""
    ends = [f"{100 * cut:g}" for cut in cuts]
    names = [f"1. up to {ends[0]} %"]
    names += [f"{at + 2}. {a} to {b} %" for at, (a, b) in enumerate(pairwise(ends))]
    names += [f"{len(cuts) + 1}. over {ends[-1]} %", "(not known)"]
    place = np.where(np.isfinite(values), np.searchsorted(cuts, values), len(cuts) + 1)
    return np.array(names, dtype=object)[place]


def _groups(orders: pd.DataFrame, timezone: str, day: Ints, own: tuple[str, ...]) -> pd.DataFrame:
    """Return a row a group: by, group, orders, days, notional, shortfall and parts."""
    made = [_group("book", "all", orders, day)]
    for name, values in _columns(orders, timezone, own):
        for value in sorted(set(values)):
            some = values == value
            made.append(_group(name, value, orders[some], day[some]))
    return pd.DataFrame(made)


def _group(by: str, value: str, orders: pd.DataFrame, day: Ints) -> dict[str, object]:
    notional = orders["notional"].to_numpy()
    whole = ratio_of_sums(orders["shortfall_cost"].to_numpy(), notional, day)
    half = middle(orders["shortfall_bps"].to_numpy(), day)
    paid = ratio_of_sums(
        (orders["paid_bps"] * orders["filled"] * orders["arrival_price"].abs()).to_numpy(),
        (orders["filled"] * orders["arrival_price"].abs()).to_numpy(),
        day,
        unit=1.0,
    )
    return {
        "by": by,
        "group": value,
        "orders": len(orders),
        "days": whole.days,
        "notional": float(notional.sum()),
        "shortfall_cost": float(orders["shortfall_cost"].sum()),
        "shortfall_bps": whole.value,
        "error_bps": whole.error,
        "low_bps": whole.low,
        "high_bps": whole.high,
        "median_bps": half.median,
        "median_low_bps": half.low,
        "median_high_bps": half.high,
        "sign_p": half.p,
        "paid_bps": paid.value,
        "paid_error_bps": paid.error,
        "outliers": int(orders["outlier"].sum()),
        **{f"{name}_bps": BPS * orders[f"{name}_cost"].sum() / notional.sum() for name in PARTS},
    }


def _venues(sheet: Sheet, day: Ints) -> pd.DataFrame:
    """Return a row a venue of fills: shares, parts of fills and quality, with errors by day."""
    fills, order = sheet.fills, sheet.rows.fills["order"].to_numpy()
    if not (fills["venue"] != "").any():
        return pd.DataFrame()
    arrival = sheet.orders["arrival_price"].abs().to_numpy()[order]
    made = []
    for venue in sorted(set(fills["venue"])):
        some = (fills["venue"] == venue).to_numpy()
        mine, days = fills[some], day[order[some]]
        worth = (mine["shares"] * arrival[some]).to_numpy()
        over = ratio_of_sums((mine["spread_cost"] + mine["walk_cost"]).to_numpy(), worth, days)
        made.append(
            {
                "venue": venue or "(blank)",
                "fills": len(mine),
                "shares": float(mine["shares"].sum()),
                "over_mid_bps": over.value,
                "error_bps": over.error,
                **{f"{name}_cost": float(mine[f"{name}_cost"].sum()) for name in sheet.parts.fills},
                **{
                    name: ratio_of_sums(
                        (mine[name] * mine["shares"]).to_numpy(),
                        mine["shares"].where(mine[name].notna()).to_numpy(),
                        days,
                        unit=1.0,
                    ).value
                    for name in ("effective_spread_bps", "price_improvement_bps", "at_or_inside")
                },
            }
        )
    return pd.DataFrame(made)


def _tests(orders: pd.DataFrame, day: Ints) -> pd.DataFrame:
    """Return one broker, algorithm or venue against another on like orders.

    Like are orders of one side, of about the same share of ADV, duration and volatility.
    """
    side = (orders["side"] == "buy").to_numpy().astype(np.int64)
    like = (orders[name].to_numpy() for name in ("share_of_adv", "duration_seconds", "volatility"))
    cell, made = strata([side, *like]), []
    for by in COMPARED:
        counts = orders.loc[orders[by] != "", by].value_counts().head(MOST_KINDS)
        for one, other in combinations(sorted(counts.index), 2):
            first, second = ((orders[by] == name).to_numpy() for name in (one, other))
            for measure in MEASURES:
                found = compare_like(orders[measure].to_numpy(), first, second, cell, day)
                made.append(
                    {"by": by, "first": one, "second": other, "measure": measure}
                    | {
                        "difference_bps": found.difference,
                        "error_bps": found.error,
                        "low_bps": found.difference - found.reach,
                        "high_bps": found.difference + found.reach,
                        "p": found.p,
                        "first_orders": found.first,
                        "second_orders": found.second,
                        "without_like": found.alone,
                        "days": found.days,
                    }
                )
    table = pd.DataFrame(made)
    return table.assign(p_all=holm(table["p"].to_list())) if len(table) else table


def _markouts(orders: pd.DataFrame, day: Ints) -> pd.DataFrame:
    """Return the mid's way around orders by side: kind, seconds, orders, bps with error."""
    worth = (orders["filled"] * orders["arrival_price"].abs()).to_numpy()
    rows = [("before start", -lag, f"before_{lag}s_bps") for lag in BEFORE]
    rows += [("after fills", lag, f"markout_{lag}s_bps") for lag in AFTER]
    rows += [("after fills", np.inf, "markout_close_bps")]
    rows += [("since arrival", lag, f"path_{lag}s_bps") for lag in (0, *AFTER)]
    made = []
    for side in ("both", "buy", "sell"):
        some = np.ones(len(orders), bool) if side == "both" else (orders["side"] == side).to_numpy()
        for kind, seconds, name in rows:
            moved = orders[name].to_numpy()[some]
            weight = np.where(np.isfinite(moved), worth[some], 0.0)
            found = ratio_of_sums(np.nan_to_num(moved) * weight, weight, day[some], unit=1.0)
            made.append(
                {"side": side, "kind": kind, "seconds": seconds}
                | {"orders": int((weight > 0).sum()), "bps": found.value}
                | {"error_bps": found.error, "low_bps": found.low, "high_bps": found.high}
            )
    return pd.DataFrame(made)


def _path(orders: pd.DataFrame, day: Ints) -> Path:
    lags = np.array([0, *AFTER], dtype=np.float64)
    moved = orders[[f"path_{lag:.0f}s_bps" for lag in lags]].to_numpy() / BPS
    worth = (orders["filled"] * orders["arrival_price"].abs()).to_numpy()
    return mean_path(lags, moved, worth, day)
