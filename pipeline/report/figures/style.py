"""How the report's figures look: one style, safe colours, the same SVG text every run."""

import html
import re
from collections.abc import Callable
from io import StringIO

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
)

from pipeline.report.figures.clock import hour_label

# Okabe and Ito's colours, which colour-blind readers tell apart, slightly darkened for thin marks
# on white; the report's CSS overrides them by name.
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
# as narrow as a telephone, side by side where there is room
NARROW = STYLE | {"font.size": 10.5, "axes.titlesize": 11.0, "legend.fontsize": 10.0}
WIDTH = 5.0  # inches, of a narrow picture
HOURS_OF_TICKS = (0.25, 0.5, 1.0, 2.0, 4.0)
MOST_TICKS = 9
HEADROOM = 1.06
SIZE_MARGIN = 1.3


def settled(figure: Figure) -> Figure:
    """Draw once while the style holds: lazy ticks would take the style that is current later."""
    figure.draw_without_rendering()
    return figure


def count_axis(ax: Axes) -> None:
    """Let y run from 0 in few round steps."""
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
    ax.yaxis.set_major_formatter(FuncFormatter(_plain))
    from_zero(ax)


def from_zero(*axes: Axes) -> None:
    """Let y run from 0 to a little over the data of all the axes, which share it.

    Comes last, as it ends autoscaling.
    """
    highest = max(ax.dataLim.y1 for ax in axes)
    if np.isfinite(highest) and highest > 0:
        axes[0].set_ylim(0, HEADROOM * highest)


def clock_axis(ax: Axes, first: float, last: float) -> None:
    """Let x run over a part of the day, hours after midnight."""
    fitting = [step for step in HOURS_OF_TICKS if (last - first) / step <= MOST_TICKS]
    if fitting and last - first >= fitting[0]:
        ax.xaxis.set_major_locator(MultipleLocator(fitting[0]))
    ax.xaxis.set_major_formatter(FuncFormatter(hour_label))
    ax.set_xlim(first, last)


def size_axis(ax: Axes, sizes: pd.Series) -> None:
    """Let x run over order sizes, logarithmic."""
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(_plain))
    ax.set_xlim(float(sizes.min()) / SIZE_MARGIN, float(sizes.max()) * SIZE_MARGIN)


def svg_text(figure: Figure, name: str, label: str) -> str:
    """Return the figure as an <svg> element to stand inline in a page.

    name: salts the element's ids, so figures of different names share a page. label: read out by
    screen readers. Colours are CSS variables that default to the palette, so a page restyles them;
    text stays text.
    """
    buffer = StringIO()
    # a date would change the bytes of equal runs
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", facecolor="none", metadata=nothing)
    text = buffer.getvalue()
    text = re.sub(r'<g id="[^"]*"', "<g", text[text.index("<svg") :])
    text = re.sub(r' d="[^"]*"', _shorter, text)
    for colour, value in PALETTE.items():
        text = text.replace(value, f"var(--{colour}, {value})")
    return text.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def drawn(plot: Callable[..., Figure], label: str, *shown: object) -> str:
    """Return a narrow picture as SVG; it is laid out once, as it is written, in its style."""
    with matplotlib.rc_context(NARROW):
        return svg_text(plot(*shown), label, label)


def _shorter(path: re.Match[str]) -> str:
    """Return a path with its points to a tenth of one, which no eye tells apart."""
    return re.sub(r"\d+\.\d{2,}", lambda found: f"{float(found[0]):.1f}", path[0])


def _plain(value: float, _position: int) -> str:
    return f"{value:,.10g}"
