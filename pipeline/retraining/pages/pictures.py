"""The pictures of the page: small panels below each other over the nights."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from pipeline.report.figures.style import PALETTE, WIDTH
from pipeline.report.tables.digits import ten_to
from pipeline.retraining.pages.series import CheckSeries, Floats, Gaps, SymbolSeries

TITLES = {
    "cost": "Cost of {shares} shares over the best price, bps",
    "k": "k",
    "beta": "β",
    "gamma": "γ, {unit}currency / share²",
}
FAILS = {
    "quality": "symbols in doubt; fails above",
    "refresh": "bps; fails above",
    "margin": "bps over what was; fails above",
    "break": "deviations; fails above",
    "drift": "stability index; fails above",
    "admissible": "laws at fault; fails above",
    "distance": "p; fails below",
    "coverage": "share held; fails below",
}
COUNTS = {
    "days": "Days of history (line: most; dashes: fewest)",
    "walks": "Book walks that laws were fitted on",
    "touched": "Rows that cleaning touched",
    "left_out": "Symbols left out",
}
PANEL, ROOM = 1.45, 0.8  # inches of a panel, and of the legend and the dates
NOMINAL = 0.9  # of the intervals whose coverage is told
LEAST_P = 1e-6  # smaller ones are drawn there
MOST_TICKS = 4


def plot_symbol(one: SymbolSeries, dates: Sequence[str], moves: Sequence[float]) -> Figure:
    """Draw a symbol's numbers over nights: estimates with 95 %, and what was in force."""
    figure, axes = _panels(len(one.tracks), dates)
    for ax, (name, track) in zip(axes, one.tracks.items(), strict=True):
        unit, word = _unit(track.value) if name == "gamma" else (1.0, "")
        ax.set_title(TITLES[name].format(shares=f"{one.shares:,.0f}", unit=word))
        x = np.arange(len(dates))
        shown = {"color": PALETTE["muted"], "linewidth": 1.2, "label": "in force"}
        ends = np.append(track.steps_x, len(dates) - 0.5), np.append(track.steps, track.steps[-1])
        ax.step(ends[0], ends[1] / unit, where="post", **shown)
        for held, colour, label in (
            (False, "blue", "came in force, 95 %"),
            (True, "orange", "held back, 95 %"),
        ):
            some = (one.held == held) & np.isfinite(track.value)
            if not some.any():
                continue
            reach = [track.value - track.low, track.high - track.value]
            ax.errorbar(
                x[some],
                track.value[some] / unit,
                np.maximum(np.nan_to_num(np.array(reach)[:, some]), 0) / unit,
                fmt="o",
                color=PALETTE[colour],
                markerfacecolor="none" if held else PALETTE[colour],
                markersize=3.5,
                linewidth=0.9,
                label=label,
            )
        _marks(ax, one.begins, moves)
    _legend(figure, axes)
    return figure


def _marks(ax: Axes, begins: Sequence[float], moves: Sequence[float]) -> None:
    """Draw where a history began anew, and where someone put another run in force."""
    for places, colour, dashes, label in (
        (begins, "purple", "--", "history begins anew"),
        (moves, "green", ":", "by hand"),
    ):
        for place in places:
            ax.axvline(place, color=PALETTE[colour], linewidth=1.2, linestyle=dashes, label=label)


def plot_gaps(
    gaps: Mapping[str, Gaps], dates: Sequence[str], moves: Sequence[float] = ()
) -> Figure:
    """Draw what days charged one over another, with the running mean and its 95 % interval."""
    figure, axes = _panels(len(gaps), dates)
    for ax, (name, one) in zip(axes, gaps.items(), strict=True):
        ax.set_title(f"{name}, bps")
        ax.axhline(0, color=PALETTE["ink"], linewidth=0.7)
        ax.plot(one.x, one.value, "o", color=PALETTE["muted"], markersize=3, label="a day")
        for part in np.split(np.arange(len(one.x)), np.flatnonzero(np.diff(one.counted) < 0) + 1):
            band = {"color": PALETTE["blue"], "alpha": 0.15, "linewidth": 0, "label": "its 95 %"}
            ax.plot(one.x[part], one.mean[part], color=PALETTE["blue"], label="running mean")
            ax.fill_between(one.x[part], one.low[part], one.high[part], **band)
        _between(ax, one)
        _marks(ax, (), moves)
    _legend(figure, axes)
    return figure


def _between(ax: Axes, one: Gaps) -> None:
    """Let y hold all days and the mean; intervals of two or three days may run out of it."""
    all_of = np.append(one.value, 0.0)
    low, high = float(all_of.min()), float(all_of.max())
    room = 0.6 * (high - low) or 1.0
    ax.set_ylim(low - room, high + room)


def plot_checks(checks: Sequence[CheckSeries], dates: Sequence[str]) -> Figure:
    """Draw checks over nights, each against its threshold, what failed marked."""
    figure, axes = _panels(len(checks), dates)
    x = np.arange(len(dates))
    for ax, one in zip(axes, checks, strict=True):
        ax.set_title(f"{one.name}: {FAILS.get(one.name, '')}".removesuffix(": "))
        value, threshold = one.value, one.threshold
        if one.name == "distance":
            value = np.maximum(value, LEAST_P)
            ax.set_yscale("log")
            ax.set_ylim(LEAST_P / 2, 2)
        elif one.name == "coverage":
            ax.axhline(NOMINAL, color=PALETTE["green"], linewidth=1.0, linestyle=":")
            ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.plot(x, value, ".-", color=PALETTE["blue"], label="value")
        ax.plot(x, threshold, "--", color=PALETTE["ink"], linewidth=0.9, label="threshold")
        if one.failed.any():
            at = np.where(np.isfinite(value), value, 0.0)[one.failed]
            mark = {"color": PALETTE["orange"], "markersize": 8, "markeredgewidth": 2}
            ax.plot(x[one.failed], at, "x", label="failed", **mark)
    _legend(figure, axes)
    return figure


def plot_counts(counts: Mapping[str, Floats], dates: Sequence[str]) -> Figure:
    """Draw how much data each night had."""
    figure, axes = _panels(len(COUNTS), dates)
    x = np.arange(len(dates))
    for ax, (name, title) in zip(axes, COUNTS.items(), strict=True):
        ax.set_title(title)
        ax.plot(x, counts[name], ".-", color=PALETTE["blue"])
        if name == "days":
            ax.plot(x, counts["fewest_days"], "--", color=PALETTE["blue"], linewidth=1.0)
        ax.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ax.set_ylim(bottom=0)
    return figure


def _panels(rows: int, dates: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels that share the nights."""
    figure = Figure(figsize=(WIDTH, ROOM + PANEL * rows))
    axes = list(figure.subplots(rows, 1, sharex=True, squeeze=False).ravel())
    same_year = len({date[:4] for date in dates}) == 1

    def label(x: float, _position: int) -> str:
        place = round(x)
        if not 0 <= place < len(dates):
            return ""
        return dates[place][5:] if same_year else dates[place]

    for ax in axes:
        ax.yaxis.set_major_locator(MaxNLocator(4))
    axes[-1].xaxis.set_major_locator(MaxNLocator(MOST_TICKS, integer=True))
    axes[-1].xaxis.set_major_formatter(FuncFormatter(label))
    axes[-1].set_xlim(-0.7, len(dates) - 0.3)
    return figure, axes


def _legend(figure: Figure, axes: Sequence[Axes]) -> None:
    """Let every label of any panel stand once below them."""
    handles = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=2)


def _unit(values: Floats) -> tuple[float, str]:
    """Return the power of ten that values are told in, and its word."""
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(known):
        return 1.0, ""
    power = int(np.floor(np.log10(known.max())))
    return 10.0**power, f"{ten_to(power)} "
