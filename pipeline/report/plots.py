"""The report's figures: one style, colours that colour-blind readers tell apart, the same SVG text
every run.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import cycle
from zoneinfo import ZoneInfo

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullLocator,
    PercentFormatter,
)

from pipeline.parameters.schema import Calendar, Period

# Okabe and Ito's colours, slightly darkened for thin marks on white; the report's CSS overrides
# them by name.
PALETTE = {
    "ink": "#1f2a37",
    "muted": "#66717f",
    "grid": "#dde2e8",
    "blue": "#0067a5",
    "orange": "#c85200",
    "green": "#00805e",
    "purple": "#a8558a",
}
STYLE = {
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlecolor": PALETTE["ink"],
    "axes.labelcolor": PALETTE["muted"],
    "axes.edgecolor": PALETTE["muted"],
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALETTE["grid"],
    "grid.linewidth": 0.7,
    "text.color": PALETTE["ink"],
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["muted"],
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.linewidth": 1.5,
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
}
BENCHMARKS = (("vwap", "VWAP", "green", "-"), ("twap", "TWAP", "orange", "--"))
PANELS = (
    ("volatility", "Volatility, bps of price per period", True),
    ("volume", "Volume, shares per period", False),
    ("half_spread", "Half spread, bps of price", True),
    ("depth", "Depth on a side, shares", False),
)
SIDES = ((1, "Buy (walks the ask)"), (-1, "Sell (walks the bid)"))
MODEL_COLOURS = ("blue", "orange", "green", "purple")
BAND = (0.1, 0.9)
DAYS_FOR_BAND = 3
HOURS_OF_TICKS = (0.25, 0.5, 1.0, 2.0, 4.0)
MOST_TICKS = 9


@dataclass(frozen=True)
class Clock:
    """Exchange time of the session's periods: `opening` is period 0's start, `length` a period's,
    both in hours.
    """

    opening: float
    length: float

    @classmethod
    def of(cls, calendar: Calendar, plan: pd.DataFrame) -> "Clock":
        """Read the clock off the plan's first period (`period`, `start` in ISO 8601 with
        offset).
        """
        start = pd.Timestamp(plan["start"].iloc[0]).tz_convert(ZoneInfo(calendar.timezone))
        length = calendar.period_seconds / 3600
        return cls(
            (start - start.normalize()).total_seconds() / 3600 - plan["period"].iloc[0] * length,
            length,
        )

    def hours(self, period: np.ndarray) -> np.ndarray:
        """Return when the periods start, hours after midnight."""
        return self.opening + np.asarray(period) * self.length

    def label(self, period: int) -> str:
        """Return when a period starts as HH:MM."""
        return hour_label(self.opening + period * self.length)


def hour_label(hours: float, _position: int | None = None) -> str:
    """Return hours after midnight as HH:MM; the signature is that of a matplotlib formatter."""
    minutes = round(hours * 60) % (24 * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@matplotlib.rc_context(STYLE)
def plot_schedule(plan: pd.DataFrame, clock: Clock) -> Figure:
    """Draw shares traded in each period by the optimal plan, TWAP and VWAP, over the shares each
    has left.
    """
    figure = Figure(figsize=(9.6, 4.6))
    traded, left = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    edges = clock.hours(np.append(plan["period"], plan["period"].iloc[-1] + 1))
    shares = plan["optimal"].to_numpy(dtype=float)
    traded.stairs(shares, edges, fill=True, color=PALETTE["blue"], alpha=0.18)
    traded.stairs(
        shares, edges, baseline=None, color=PALETTE["blue"], linewidth=1.2, label="Optimal"
    )
    left.plot(edges, _remaining(shares), color=PALETTE["blue"], label="Optimal")
    for name, label, colour, dashes in BENCHMARKS:
        shares = plan[name].to_numpy(dtype=float)
        traded.stairs(
            shares,
            edges,
            baseline=None,
            color=PALETTE[colour],
            linewidth=1.2,
            linestyle=dashes,
            label=label,
        )
        left.plot(edges, _remaining(shares), color=PALETTE[colour], linewidth=1.2, linestyle=dashes)
    traded.set_title("Shares per period")
    left.set_title("Shares left")
    _count_axis(traded)
    _count_axis(left)
    _clock_axis(left, float(edges[0]), float(edges[-1]))
    figure.legend(*traded.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return _settled(figure)


@matplotlib.rc_context(STYLE)
def plot_forecast(backtest: pd.DataFrame, price: float, clock: Clock) -> Figure:
    """Draw forecast, baseline and realized through the day: medians by period over the held-out
    days.

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
        _forecast_panel(ax, table, 1e4 / price if in_bps else 1.0, clock)
        ax.set_title(title)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=5)
    return _settled(figure)


@matplotlib.rc_context(STYLE)
def plot_unfolding(unfolding: pd.DataFrame, clock: Clock) -> Figure:
    """Draw the error of the rest of the day by the time its forecast is made, beside that of the
    morning's forecast.
    """
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
        _clock_axis(ax, float(hours[0]), float(hours[-1]) + clock.length)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return _settled(figure)


@matplotlib.rc_context(STYLE)
def plot_alpha(
    levels: pd.DataFrame, periods: Sequence[Period], session: int, clock: Clock
) -> Figure:
    """Draw each bucket's own level with its interval, over the level of every period that the plan
    uses.

    levels: estimate, low, high, of logs, one row a bucket; session: periods of a full one.
    """
    edges = -(-np.arange(len(levels) + 1) * session // len(levels))  # period * buckets // periods
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
    _clock_axis(ax, float(clock.hours(edges[0])), float(clock.hours(edges[-1])))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return _settled(figure)


def _forecast_panel(ax: Axes, table: pd.DataFrame, scale: float, clock: Clock) -> None:
    known = table.loc[table["realized"].notna(), "period"]
    table = (
        table[table["period"] <= known.max()] if len(known) else table
    )  # later ones have nothing to compare with
    by_period = table.groupby("period")
    middle = by_period[["forecast", "baseline", "realized"]].median() * scale
    hours = clock.hours(middle.index.to_numpy()) + clock.length / 2
    if table["date"].nunique() >= DAYS_FOR_BAND:
        low, high = (by_period["realized"].quantile(share) * scale for share in BAND)
        ax.fill_between(
            hours,
            low,
            high,
            color=PALETTE["muted"],
            alpha=0.16,
            linewidth=0,
            label="Realized, 10–90%",
        )
    bounds = by_period[["low", "high"]].median() * scale
    ax.fill_between(
        hours,
        bounds["low"],
        bounds["high"],
        color=PALETTE["blue"],
        alpha=0.12,
        linewidth=0,
        label="Forecast, 90%",
    )
    ax.plot(
        hours,
        middle["realized"],
        ".",
        color=PALETTE["muted"],
        markersize=2.6,
        alpha=0.8,
        label="Realized",
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
    _count_axis(ax)
    _clock_axis(ax, float(hours[0]) - clock.length / 2, float(hours[-1]) + clock.length / 2)


@matplotlib.rc_context(STYLE)
def plot_cost(curve: pd.DataFrame, price: float) -> Figure:
    """Draw the cost of a market order over mid by size and side, in bps of price, over the censored
    share of time.
    """
    figure = Figure(figsize=(9.6, 4.4))
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
    for column, (side, title) in enumerate(SIDES):
        table = curve[curve["side"] == side].sort_values("size")
        _cost_panel(axes[0, column], table, 1e4 / price)
        axes[0, column].set_title(title)
        axes[1, column].bar(
            table["size"], table["censored"], width=0.22 * table["size"], color=PALETTE["purple"]
        )
        axes[1, column].set_title("Share of time with less depth than the size")
        axes[1, column].set_xlabel("order size, shares")
    axes[0, 0].set_ylabel("cost per share, bps")
    _from_zero(*axes[0])
    axes[1, 0].set_ylim(0, 1)
    axes[1, 0].yaxis.set_major_formatter(PercentFormatter(1))
    _size_axis(axes[1, 0], curve["size"])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return _settled(figure)


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
    ax.plot(
        table["size"],
        spread + per_share * table["corrected"],
        "o",
        color=PALETTE["orange"],
        markersize=5,
        label="Book walk, censored part imputed",
    )
    ax.plot(
        table["size"],
        spread + per_share * table["observed"],
        "o",
        color=PALETTE["muted"],
        markersize=5,
        markerfacecolor="none",
        label="Book walk, uncensored time alone",
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
    return _settled(figure)


def svg_text(figure: Figure, name: str, label: str) -> str:
    """Return the figure as an <svg> element to stand inline in a page.

    name: salts the element's ids, so figures of different names share a page. label: read out by
    screen readers. Colours are CSS variables that default to the palette, so a page restyles them;
    text stays text.
    """
    buffer = StringIO()
    nothing = dict.fromkeys(
        ("Creator", "Date", "Format", "Type")
    )  # a date would change the bytes of equal runs
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata=nothing)
    text = buffer.getvalue()
    text = re.sub(r'<g id="[^"]*"', "<g", text[text.index("<svg") :])
    for colour, value in PALETTE.items():
        text = text.replace(value, f"var(--{colour}, {value})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def _remaining(shares: np.ndarray) -> np.ndarray:
    return shares.sum() - np.append(0.0, np.cumsum(shares))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _settled(figure: Figure) -> Figure:
    """Draw once while the style holds: ticks are made lazily and would take whatever style is
    current later.
    """
    figure.draw_without_rendering()
    return figure


def _count_axis(ax: Axes) -> None:
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    _from_zero(ax)


def _from_zero(*axes: Axes) -> None:
    """Let y run from 0 to a little over the data of all the axes, which share it; last, as it ends
    autoscaling.
    """
    highest = max(ax.dataLim.y1 for ax in axes)
    if np.isfinite(highest) and highest > 0:
        axes[0].set_ylim(0, 1.06 * highest)


def _clock_axis(ax: Axes, first: float, last: float) -> None:
    fitting = [step for step in HOURS_OF_TICKS if (last - first) / step <= MOST_TICKS]
    if fitting and last - first >= fitting[0]:
        ax.xaxis.set_major_locator(MultipleLocator(fitting[0]))
    ax.xaxis.set_major_formatter(FuncFormatter(hour_label))
    ax.set_xlim(first, last)


def _size_axis(ax: Axes, sizes: pd.Series) -> None:
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    ax.set_xlim(float(sizes.min()) / 1.3, float(sizes.max()) * 1.3)
