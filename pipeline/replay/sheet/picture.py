"""The sheet's one picture: price and fills, cost and what waiting was worth, progress."""

from dataclasses import dataclass, replace

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from pipeline.engine.sessions import SECOND_NS
from pipeline.replay.sheet.tables import (
    ACCOUNTING,
    SheetTables,
    filled_by,
    order_times,
    value_of,
)
from pipeline.replay.study import ReplayResult
from pipeline.report.figures.style import PALETTE, STYLE, clock_axis, count_axis, settled

Floats = NDArray[np.float64]
COLOURS = ("blue", "orange")
MOST_POINTS = 1_500  # of a line: as many as the page has pixels
LARGEST_MARK, LEAST_MARK, LEGEND_MARK = 90.0, 8.0, 22.0  # square points
FEW_MARKS = 30  # beyond it marks become smaller
DOT_ALPHA = (0.9, 0.4)
STROKE = 1e-4  # hours
TOP = 99.0  # per cent of the costs that the axis shows
HEADROOM = 1.15
OVER_LINE = 2.0  # what is seen of dearer books


@dataclass(frozen=True, eq=False)
class _Shown:
    """A policy that is drawn: its fills, their hours after midnight, its progress.

    place: 0 for the first, which is drawn above the second; area: how large the fills' marks are,
    square points; forced: whether a fill was at any price, as the band demanded; paid: its mean
    cost over mid, bps.
    """

    name: str
    place: int
    fills: pd.DataFrame
    hours: Floats
    area: Floats
    forced: NDArray[np.bool_]
    filled: Floats
    paid: float

    @property
    def colour(self) -> str:
        """Return the colour of its marks and lines."""
        return PALETTE[COLOURS[self.place]]

    @property
    def above(self) -> int:
        """Return what it is drawn over."""
        return 4 - self.place

    def only(self, some: NDArray[np.bool_]) -> "_Shown":
        """Return it with some of its fills."""
        kept = {name: getattr(self, name)[some] for name in ("fills", "hours", "area", "forced")}
        return replace(self, **kept)


@matplotlib.rc_context(STYLE | {"path.simplify": False})
def plot_sheet(result: ReplayResult, tables: SheetTables, shown: tuple[str, ...]) -> Figure:
    """Draw the first phase of some policies, two at most, over exchange time.

    What waiting was worth is drawn where the first one told it.
    """
    told = value_of(shown[0]) in tables.moments
    heights = (3.0, 3.0, *([3.0] if told else []), 2.4)
    figure = Figure(figsize=(9.6, 0.98 * sum(heights)))
    price, cost, *value, done = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    hours = _hours(result, order_times(result.played[0]))
    policies = [_shown(result, tables, name, place) for place, name in enumerate(shown)]
    _draw_price(price, result, policies)
    _draw_cost(cost, tables.moments, hours, policies)
    for ax in value:
        _draw_value(ax, tables.moments, hours, policies[0])
    _draw_progress(done, tables.moments, hours, policies)
    first, last = _hours(result, np.array(result.span))
    clock_axis(done, float(first), float(last))
    return settled(figure)


def _shown(result: ReplayResult, tables: SheetTables, name: str, place: int) -> _Shown:
    played, fills = result.played[0], tables.fills[tables.fills["policy"] == name]
    run = played.done[name, ACCOUNTING]
    hours = _hours(result, run.fill_times)
    filled = tables.moments[filled_by(name)].to_numpy()
    total = fills["shares"].sum()
    paid = float(fills["shares"] @ fills["over_mid_bps"]) / total if total > 0 else np.nan
    met, area = run.sent.filled > 0, _areas(run.fills.shares)
    forced = run.sent.must[met] >= run.sent.filled[met]
    return _Shown(name, place, fills, hours, area, forced, filled, paid)


def _draw_price(ax: Axes, result: ReplayResult, policies: list[_Shown]) -> None:
    path, span = result.path, result.span
    times = np.linspace(*span, MOST_POINTS, endpoint=False).astype(np.int64)
    ax.plot(
        _hours(result, times), path.at(times), color=PALETTE["muted"], linewidth=0.8, label="Mid"
    )
    arrival = result.played[0].books.arrival
    ax.axhline(arrival, color=PALETTE["muted"], linewidth=0.8, linestyle=":", label="Arrival")
    for one in policies:
        _marks(ax, one, one.fills["price"].to_numpy(), f"Filled, {one.name}")
    ax.set_title("Price, currency a share")
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    _legend(ax)


def _draw_cost(ax: Axes, moments: pd.DataFrame, hours: Floats, policies: list[_Shown]) -> None:
    book, some = moments["even_child_bps"].to_numpy(), _thinned(len(hours))
    ax.fill_between(
        hours[some],
        book[some],
        step="post",
        color=PALETTE["muted"],
        alpha=0.22,
        linewidth=0,
        label="An even child at the book",
    )
    paying = [one for one in policies if np.isfinite(one.paid)]
    for place, one in enumerate(sorted(paying, key=lambda one: -one.paid)):
        ax.axhline(one.paid, color=one.colour, linewidth=1.2, linestyle="--")
        ax.annotate(
            f"{one.name} {one.paid:.2f}",
            (1.0, one.paid),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="top" if place else "bottom",  # two labels never meet
            color=one.colour,
        )
    costs = [one.fills["over_mid_bps"].to_numpy() for one in policies]
    for one, paid in zip(policies, costs, strict=True):
        _marks(ax, one, paid, f"Paid, {one.name}")
    count_axis(ax)
    tops = [np.percentile(each, TOP) for each in (book[np.isfinite(book)], *costs) if len(each)]
    ax.set_ylim(0, HEADROOM * max(tops) or 1.0)
    for one, paid in zip(policies, costs, strict=True):
        _beyond(ax, one, paid)
    ax.set_title("Cost over mid, bps")
    _legend(ax)


def _draw_value(ax: Axes, moments: pd.DataFrame, hours: Floats, one: _Shown) -> None:
    """Draw what waiting was worth over the book's cost, and what was taken at which cost."""
    some = _thinned(len(hours))
    best, even = moments["spread_bps"].to_numpy() / 2, moments["even_child_bps"].to_numpy()
    value = moments[value_of(one.name)].to_numpy()
    book = {"step": "post", "color": PALETTE["muted"], "linewidth": 0}
    ax.fill_between(hours[some], best[some], alpha=0.32, label="Best price", **book)
    ax.fill_between(hours[some], best[some], even[some], alpha=0.14, label="Even child", **book)
    ax.step(
        hours[some],
        value[some],
        where="post",
        color=PALETTE["ink"],
        linewidth=1.1,
        zorder=one.above,
        label="Value",
    )
    paid = one.fills["over_mid_bps"].to_numpy()
    _marks(ax, one.only(~one.forced), paid[~one.forced], "Taken")
    if one.forced.any():
        forced = one.only(one.forced)
        _marks(ax, forced, paid[one.forced], "At any price", PALETTE["orange"])
    count_axis(ax)
    line, book = (np.percentile(each[np.isfinite(each)], TOP) for each in (value, best))
    top = min(OVER_LINE * line, HEADROOM * book)
    ax.set_ylim(0, top if top > 0 else 1.0)
    _beyond(ax, one, paid)
    ax.set_title("Value of waiting, bps over mid")
    _legend(ax)


def _draw_progress(ax: Axes, moments: pd.DataFrame, hours: Floats, policies: list[_Shown]) -> None:
    some = _thinned(len(hours))
    low, high = (moments[name].to_numpy()[some] for name in ("band_low", "band_high"))
    ax.fill_between(
        hours[some],
        low,
        high,
        step="post",
        color=PALETTE["muted"],
        alpha=0.18,
        linewidth=0,
        label="Band",
    )
    for one in policies:
        ax.step(
            hours[some],
            one.filled[some],
            where="post",
            color=one.colour,
            linewidth=1.3,
            zorder=one.above,
            label=one.name,
        )
    count_axis(ax)
    ax.set_title("Shares filled")
    _legend(ax)


def _thinned(number: int) -> NDArray[np.int64]:
    """Return which of a line's points are drawn, the last one always."""
    every = max(-(-number // MOST_POINTS), 1)
    return np.unique(np.append(np.arange(0, number, every), number - 1))


def _marks(ax: Axes, one: _Shown, height: Floats, label: str, colour: str = "") -> None:
    """Draw fills as marks by their shares; small ones, or those of a crowd, as dots.

    colour: the policy's without it.
    """
    colour, area = colour or one.colour, one.area
    small = area < LEAST_MARK
    # one path of tiny strokes: a thousand marks of their own would make a page of megabytes
    at, y = one.hours[small], height[small]
    ax.plot(
        np.column_stack([at, at + STROKE, at]).ravel(),
        np.column_stack([y, y, np.full(len(y), np.nan)]).ravel(),
        color=colour,
        alpha=DOT_ALPHA[one.place],
        linewidth=1.8,
        solid_capstyle="round",
        zorder=one.above,
    )
    large = {"color": colour, "alpha": 0.85, "linewidths": 0, "zorder": one.above}
    ax.scatter(one.hours[~small], height[~small], s=area[~small], **large)
    ax.scatter([], [], s=LEGEND_MARK, label=label, **large)


def _beyond(ax: Axes, one: _Shown, height: Floats) -> None:
    """Draw the fills above an axis at its edge, and say how high the one that cost most is."""
    top = ax.get_ylim()[1]
    above = np.flatnonzero(height > top)
    if not len(above):
        return
    shares = one.fills["shares"].to_numpy(dtype=float)
    area = np.maximum(one.area[above], LEGEND_MARK)
    ax.scatter(
        one.hours[above],
        np.full(len(above), top),
        s=area,
        marker="^",
        color=one.colour,
        alpha=0.85,
        linewidths=0,
        clip_on=False,
        zorder=one.above,
    )
    if one.place == 0:
        largest = above[np.argmax((shares * height)[above])]
        ax.annotate(
            f"{shares[largest]:,.0f} at {height[largest]:.1f} bps",
            (one.hours[largest], top),
            xytext=(6, -6),
            textcoords="offset points",
            va="top",
            color=one.colour,
        )


def _areas(shares: Floats) -> Floats:
    """Return how large the marks of fills are, square points."""
    if not len(shares):
        return shares
    crowd = shares.sum() ** 2 / (shares**2).sum()  # as many fills of one size
    return LARGEST_MARK * shares / shares.max() * min(1.0, FEW_MARKS / crowd)


def _legend(ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(labels))


def _hours(result: ReplayResult, ts: NDArray[np.int64]) -> Floats:
    """Return times, ns, as hours after the midnight before the order's start, exchange time."""
    start = result.span[0]
    local = pd.Timestamp(start, unit="ns", tz="UTC").tz_convert(result.session.timezone)
    clock = (local.hour * 60 + local.minute) * 60 + local.second
    return (clock + (np.asarray(ts) - start) / SECOND_NS) / 3600
