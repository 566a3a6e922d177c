"""The report's figures: the plan, the forecasts, the cost law, the learned models."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from pipeline.parameters.schema import Period
from pipeline.report.figures.clock import Clock, bucket_edges
from pipeline.report.figures.style import (
    PALETTE,
    STYLE,
    clock_axis,
    count_axis,
    from_zero,
    settled,
    size_axis,
)

BENCHMARKS = (("vwap", "VWAP", "green", "-"), ("twap", "TWAP", "orange", "--"))
PANELS = (
    ("volatility", "Volatility, bps of price per period", True),
    ("volume", "Volume, shares per period", False),
    ("half_spread", "Half spread, bps of price", True),
    ("depth", "Depth on a side, shares", False),
)
SIDES = ((1, "Buy (walks the ask)"), (-1, "Sell (walks the bid)"))
MODEL_COLOURS = ("blue", "orange", "green", "purple")
BPS = 1e4
HELD = 0.8  # of the time that depth held a size: the law is fitted to such sizes
BAND = (0.1, 0.9)
DAYS_FOR_BAND = 3


@matplotlib.rc_context(STYLE)
def plot_schedule(plan: pd.DataFrame, clock: Clock) -> Figure:
    """Draw the shares that the optimal plan, TWAP and VWAP trade in each period and have left."""
    figure = Figure(figsize=(9.6, 4.6))
    traded, left = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    periods = plan["period"].to_numpy()
    times = clock.hours(np.append(periods, periods[-1] + 1))
    shares = plan["optimal"].to_numpy(dtype=float)
    steps, edges = clock.stairs(periods, shares)
    traded.stairs(steps, edges, fill=True, color=PALETTE["blue"], alpha=0.18)
    traded.stairs(
        steps, edges, baseline=None, color=PALETTE["blue"], linewidth=1.2, label="Optimal"
    )
    left.plot(times, _remaining(shares), color=PALETTE["blue"], label="Optimal")
    for name, label, colour, dashes in BENCHMARKS:
        shares = plan[name].to_numpy(dtype=float)
        traded.stairs(
            *clock.stairs(periods, shares),
            baseline=None,
            color=PALETTE[colour],
            linewidth=1.2,
            linestyle=dashes,
            label=label,
        )
        left.plot(times, _remaining(shares), color=PALETTE[colour], linewidth=1.2, linestyle=dashes)
    traded.set_title("Shares per period")
    left.set_title("Shares left")
    count_axis(traded)
    count_axis(left)
    clock_axis(left, float(edges[0]), float(edges[-1]))
    figure.legend(*traded.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return settled(figure)


@matplotlib.rc_context(STYLE)
def plot_forecast(backtest: pd.DataFrame, price: float, clock: Clock) -> Figure:
    """Draw forecast, baseline and realized by period: medians over the held-out days.

    price: turns currency per share into bps. Series without held-out rows are left out; with three
    days or more a band spans the realized 10% to 90%.
    """
    panels = [panel for panel in PANELS if (backtest["series"] == panel[0]).any()]
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(9.6, 0.5 + 2.3 * rows))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (name, title, in_bps) in zip(axes, panels, strict=False):
        table = backtest[backtest["series"] == name]
        _forecast_panel(ax, table, BPS / price if in_bps else 1.0, clock)
        ax.set_title(title)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=5)
    return settled(figure)


def _forecast_panel(ax: Axes, table: pd.DataFrame, scale: float, clock: Clock) -> None:
    known = table.loc[table["realized"].notna(), "period"]
    if len(known):  # later ones have nothing to compare with
        table = table[table["period"] <= known.max()]
    middle = table.groupby("period")[["forecast", "baseline", "realized"]].median() * scale
    hours = clock.hours(middle.index.to_numpy()) + clock.length / 2
    _forecast_bands(ax, table, hours, scale)
    ax.plot(
        hours,
        middle["realized"],
        ".",
        color=PALETTE["muted"],
        markersize=2.6,
        alpha=0.8,
        label="Realized",
        rasterized=True,
    )
    ax.plot(
        hours,
        middle["baseline"],
        color=PALETTE["orange"],
        linewidth=1.0,
        linestyle="--",
        label="Baseline",
    )
    ax.plot(hours, middle["forecast"], color=PALETTE["blue"], label="Forecast")
    count_axis(ax)
    clock_axis(ax, float(hours[0]) - clock.length / 2, float(hours[-1]) + clock.length / 2)


def _forecast_bands(ax: Axes, table: pd.DataFrame, hours: np.ndarray, scale: float) -> None:
    """Draw the forecast's interval, and where most realized values are if the days are enough."""
    by_period = table.groupby("period")
    if table["date"].nunique() >= DAYS_FOR_BAND:
        low, high = (by_period["realized"].quantile(share) * scale for share in BAND)
        label = "Realized, 10–90%"
        ax.fill_between(
            hours, low, high, color=PALETTE["muted"], alpha=0.16, linewidth=0, label=label
        )
    ends = by_period[["low", "high"]].median() * scale
    ax.fill_between(
        hours,
        ends["low"],
        ends["high"],
        color=PALETTE["blue"],
        alpha=0.12,
        linewidth=0,
        label="Forecast, 90%",
    )


@matplotlib.rc_context(STYLE)
def plot_unfolding(unfolding: pd.DataFrame, clock: Clock) -> Figure:
    """Draw the error of the rest of the day by the time of forecast, beside the morning's."""
    names = list(dict.fromkeys(unfolding["series"]))
    figure = Figure(figsize=(9.6, 2.8))
    axes = figure.subplots(1, len(names), squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=True):
        table = unfolding[unfolding["series"] == name]
        hours = clock.hours(table["period"].to_numpy())
        ax.plot(
            hours,
            table["morning"],
            color=PALETTE["orange"],
            linewidth=1.0,
            linestyle="--",
            label="Made before the day",
        )
        ax.plot(hours, table["updated"], ".-", color=PALETTE["blue"], label="Updated")
        ax.set_title(f"{name.capitalize()}: error of the rest of the day, mean |log|")
        ax.set_ylim(bottom=0)
        clock_axis(ax, float(hours[0]), float(hours[-1]) + clock.length)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return settled(figure)


@matplotlib.rc_context(STYLE)
def plot_alpha(
    levels: pd.DataFrame, periods: Sequence[Period], session: int, clock: Clock
) -> Figure:
    """Draw each bucket's own level with its interval, and the level in use in every period.

    levels: estimate, low, high, of logs, one row a bucket; session: periods of a full one.
    """
    edges = bucket_edges(session, len(levels))
    middle = clock.hours((edges[:-1] + edges[1:]) / 2)
    own, low, high = (np.exp(levels[name].to_numpy()) for name in ("estimate", "low", "high"))
    figure = Figure(figsize=(9.6, 2.8))
    ax = figure.subplots()
    ax.errorbar(
        middle,
        own,
        [own - low, high - own],
        fmt="o",
        color=PALETTE["orange"],
        markersize=4,
        linewidth=1.0,
        label="Buckets, 95%",
    )
    ax.plot(
        clock.hours(np.array([period.i for period in periods])) + clock.length / 2,
        [period.alpha for period in periods],
        color=PALETTE["blue"],
        label="In use",
    )
    ax.set_title("α through the day, currency / share^k")
    ax.set_ylim(bottom=0)
    clock_axis(ax, float(clock.hours(edges[0])), float(clock.hours(edges[-1])))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return settled(figure)


@matplotlib.rc_context(STYLE)
def plot_cost(curve: pd.DataFrame, price: float) -> Figure:
    """Draw the cost of a market order by size and side, in bps, over the censored share of time."""
    figure = Figure(figsize=(9.6, 4.4))
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
    for column, (side, title) in enumerate(SIDES):
        table = curve[curve["side"] == side].sort_values("size")
        _cost_panel(axes[0, column], table, BPS / price)
        axes[0, column].set_title(title)
        axes[1, column].bar(
            table["size"], table["censored"], width=0.1 * table["size"], color=PALETTE["purple"]
        )
        axes[1, column].set_title("Share of time with less depth than the size")
        axes[1, column].set_xlabel("order size, shares")
    axes[0, 0].set_ylabel("cost per share, bps")
    from_zero(*axes[0])
    axes[1, 0].set_ylim(0, 1)
    axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1))
    size_axis(axes[1, 0], curve["size"])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return settled(figure)


def _cost_panel(ax: Axes, table: pd.DataFrame, scale: float) -> None:
    spread = scale * table["half_spread"]
    per_share = scale / table["size"]
    whole = spread + per_share * table["fitted"]
    ax.plot(
        table["size"],
        spread,
        color=PALETTE["green"],
        linewidth=1.0,
        linestyle="--",
        label="Half spread",
    )
    ax.plot(table["size"], whole, color=PALETTE["blue"], label="Fitted law")
    walked = spread + per_share * table["observed"]
    shown = table["censored"] <= 1 - HELD
    for kept, face, label in (
        (shown, PALETTE["orange"], "Book walk"),
        (~shown, "none", "Continued behind the last level shown"),
    ):
        ax.plot(
            table["size"][kept],
            walked[kept],
            "o",
            color=PALETTE["orange"],
            markerfacecolor=face,
            markersize=5,
            label=label,
        )


@matplotlib.rc_context(STYLE)
def plot_importance(importance: pd.DataFrame) -> Figure:
    """Draw each feature's importance, one bar a model, the first model's largest on top."""
    table = importance.pivot(index="feature", columns="model", values="importance")
    models = list(dict.fromkeys(importance["model"]))
    table = table.sort_values([models[0], *models[1:]])
    figure = Figure(figsize=(4.8, 0.9 + 0.34 * len(table)))
    ax = figure.subplots()
    height = 0.8 / len(models)
    for place, (name, colour) in enumerate(zip(models, cycle(MODEL_COLOURS), strict=False)):
        offset = ((len(models) - 1) / 2 - place) * height
        ax.barh(
            np.arange(len(table)) + offset,
            table[name],
            height,
            color=PALETTE[colour],
            label=_words(name),
        )
    ax.set_yticks(np.arange(len(table)), [_words(name) for name in table.index])
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.set_title("Importance, share of the model's total")
    ax.legend(loc="lower right")
    return settled(figure)


def _remaining(shares: np.ndarray) -> np.ndarray:
    return shares.sum() - np.append(0.0, np.cumsum(shares))


def _words(name: str) -> str:
    return name.replace("_", " ")
