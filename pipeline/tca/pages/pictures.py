"""The pictures of the pages: as narrow as a telephone, side by side where there is room."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from models.tca.orders.groups import Ratio
from models.tca.orders.told import Calibration, CurvePoint
from pipeline.report.figures.style import PALETTE, WIDTH, clock_axis
from pipeline.tca.pages.view import PathView

Floats = NDArray[np.float64]
SHORT = {
    "delay_traded": "delay, filled",
    "delay_opportunity": "delay, rest",
    "spread": "spread",
    "walk": "walk",
    "permanent": "own impact",
    "drift": "drift",
    "unsplit": "not split",
    "opportunity": "opportunity",
    "commission": "commission",
    "fees": "fees",
}
MOST_POINTS = 800
LARGEST_MARK = 60.0  # square points
TICKS = {1: "1 s", 5: "5 s", 30: "30 s", 300: "5 min", 1800: "30 min"}


def plot_waterfall(parts: Mapping[str, float], total: Ratio) -> Figure:
    """Draw how parts (bps) add up to the shortfall; its 95 % interval where it has one."""
    names = [name for name, value in parts.items() if name != "unsplit" or value]
    values = np.array([parts[name] for name in names])
    ends = np.cumsum(values)
    figure = Figure(figsize=(WIDTH, 3.9))
    ax = figure.subplots()
    place = np.arange(len(names))
    colours = np.where(values > 0, PALETTE["orange"], PALETTE["green"])
    ax.barh(place, values, left=ends - values, color=colours, height=0.66)
    ax.barh(len(names), ends[-1], color=PALETTE["blue"], height=0.66)
    if np.isfinite(total.reach):
        ax.errorbar(ends[-1], len(names), xerr=total.reach, color=PALETTE["ink"], capsize=3)
    reach = total.reach if np.isfinite(total.reach) else 0.0
    for at, (end, value) in enumerate(zip((*ends, ends[-1]), (*values, ends[-1]), strict=True)):
        right = max(end, end - value) if at < len(names) else max(end + reach, 0.0)
        ax.annotate(
            f"{value:+.2f}".replace("-", "−"),
            (right, at),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.axvline(0, color=PALETTE["muted"], linewidth=0.7)
    ax.set_yticks(np.arange(len(names) + 1), [*(SHORT[name] for name in names), "shortfall"])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.18)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_title("Shortfall by part, bps of what was ordered")
    return figure


def plot_path(view: PathView) -> Figure:
    """Draw the mid around an order with its fills, marks by shares, and what it is held against."""
    figure = Figure(figsize=(WIDTH, 3.9))
    ax = figure.subplots()
    some = np.unique(np.linspace(0, len(view.hours) - 1, MOST_POINTS).astype(int))
    if len(view.hours):
        ax.step(
            view.hours[some],
            view.mid[some],
            where="post",
            color=PALETTE["muted"],
            linewidth=0.8,
            label="mid",
        )
    ax.axvspan(*view.span, color=PALETTE["blue"], alpha=0.07, linewidth=0)
    for name, price, colour, dashes in (
        ("decision", view.decision, "purple", ":"),
        ("arrival", view.arrival, "ink", "--"),
        ("VWAP", view.vwap, "green", "-."),
    ):
        if np.isfinite(price):
            ax.axhline(price, color=PALETTE[colour], linewidth=1.0, linestyle=dashes, label=name)
    area = LARGEST_MARK * view.shares / max(view.shares.max(initial=0.0), 1.0)
    look = {"color": PALETTE["orange"], "alpha": 0.75, "linewidths": 0, "zorder": 3}
    ax.scatter(view.fill_hours, view.price, s=np.maximum(area, 5.0), label="fills", **look)
    first, last = view.window
    clock_axis(ax, first, last)
    ax.xaxis.set_major_locator(MaxNLocator(4, steps=(1, 2.5, 5, 10)))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ax.set_title("Price and fills, exchange time")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return figure


def plot_around(table: pd.DataFrame) -> Figure:
    """Draw the mid's way around orders in their direction, bps, with 95 % where it has an error.

    table: a row a side, kind and seconds, as `Book.markouts`; the first side is filled in.
    """
    figure = Figure(figsize=(WIDTH, 3.9))
    before, after = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.6))
    sides = list(dict.fromkeys(table["side"]))
    for side, colour in zip(sides, ("blue", "green", "purple"), strict=False):
        mine = table[(table["side"] == side) & np.isfinite(table["seconds"])]
        for kind, dashes, label in (
            ("since arrival", "-", side),
            ("after fills", "--", f"{side}, from each fill"),
        ):
            if side != sides[0] and kind == "after fills":
                continue
            _line(after, mine[mine["kind"] == kind], colour, dashes, label)
        early = mine[mine["kind"] == "before start"].assign(bps=lambda rows: -rows["bps"])
        ends = {"low_bps": -early["high_bps"], "high_bps": -early["low_bps"]}
        _line(before, early.assign(**ends), colour, "-", "")
    for ax, sign in ((before, -1), (after, 1)):
        ax.axhline(0, color=PALETTE["muted"], linewidth=0.7)
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xticks([sign * each for each in TICKS], TICKS.values(), rotation=45)
        ax.minorticks_off()
    before.set_xlim(-2500, -0.7)
    after.set_xlim(0, 2500)
    before.set_title("Before, bps")
    after.set_title("After the end, or each fill")
    figure.legend(*after.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure


def _line(ax: Axes, rows: pd.DataFrame, colour: str, dashes: str, label: str) -> None:
    seconds, value = rows["seconds"].to_numpy(float), rows["bps"].to_numpy()
    ax.plot(seconds, value, dashes, marker=".", color=PALETTE[colour], label=label)
    if dashes == "-" and colour == "blue":
        ax.fill_between(
            seconds,
            rows["low_bps"],
            rows["high_bps"],
            color=PALETTE[colour],
            alpha=0.13,
            linewidth=0,
        )


def plot_told(told: Floats, paid: Floats, curve: list[CurvePoint], found: Calibration) -> Figure:
    """Draw what orders paid against what they were told, means with 95 % over the orders behind."""
    figure = Figure(figsize=(WIDTH, 3.9))
    ax = figure.subplots()
    some = np.isfinite(told) & np.isfinite(paid)
    ax.scatter(
        told[some], paid[some], s=7, color=PALETTE["muted"], alpha=0.35, linewidths=0, label="order"
    )
    ends = np.array([0.0, max((point.told for point in curve), default=1.0) * 1.2])
    ax.plot(ends, ends, color=PALETTE["ink"], linewidth=0.9, linestyle="--", label="as told")
    ax.errorbar(
        [point.told for point in curve],
        [point.paid.value for point in curve],
        yerr=np.nan_to_num([point.paid.reach for point in curve]),
        fmt="o",
        color=PALETTE["blue"],
        markersize=4,
        capsize=2,
        label="mean, 95 %",
    )
    low, high = np.percentile(paid[some], [3, 97]) if some.any() else (0.0, 1.0)
    reach = [point.paid.value + sign * point.paid.reach for point in curve for sign in (-1, 1)]
    reach = [each for each in reach if np.isfinite(each)]
    ax.set_ylim(min([low, *reach]) - 1, max([high, *reach]) + 1)
    ax.set_xlim(0, ends[1])
    ax.set_xlabel("told, bps")
    ax.set_title(f"Paid over arrival against told, bps ({found.orders:,} orders)")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return figure


def plot_groups(groups: pd.DataFrame) -> Figure:
    """Draw the shortfall of groups with its 95 % interval; crosses are medians."""
    figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * len(groups)))
    ax = figure.subplots()
    place = np.arange(len(groups))
    value, low = groups["shortfall_bps"].to_numpy(), groups["low_bps"].to_numpy()
    reach = np.nan_to_num(value - low)
    ax.errorbar(
        value, place, xerr=reach, fmt="o", color=PALETTE["blue"], markersize=4, label="95 %"
    )
    ax.plot(groups["median_bps"], place, "x", color=PALETTE["orange"], label="median")
    span = np.nanmax(np.abs(np.append(value, groups["median_bps"]))) + np.median(reach)
    ax.set_xlim(-2 * span, 2 * span)
    ax.axvline(0, color=PALETTE["muted"], linewidth=0.7)
    ax.set_yticks(place, [name[:26] for name in groups["name"]])
    ax.invert_yaxis()
    ax.set_title("Shortfall by group, bps")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower left", ncols=2)
    return figure
