"""The evaluation's one picture: what each candidate saves against TWAP, by size, with intervals."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from pipeline.evaluation.candidates import KNOWN, YARDSTICK
from pipeline.evaluation.verdicts import ALL_SIZES, Row
from pipeline.report.figures.style import PALETTE, STYLE, settled

COLOUR = {"saves": PALETTE["green"], "costs": PALETTE["orange"], "undecided": PALETTE["muted"]}
ROW, HEAD = 0.24, 1.3  # inches
WIDTH = 10.0


@matplotlib.rc_context(STYLE)
def plot_savings(rows: Sequence[Row]) -> Figure:
    """Draw savings in per cent of TWAP's cost, candidates down, sizes across, 95 % intervals.

    The grey line is what who knew every book would have saved.
    """
    first = [row for row in rows if row.account == rows[0].account]
    sizes = list(dict.fromkeys(row.size for row in first))
    lead = [row for row in first if row.size == sizes[0]]
    names = [
        row.judged.name
        for row in sorted(lead, key=lambda row: -row.judged.cost)
        if row.judged.name not in (YARDSTICK, KNOWN)
    ]
    figure = Figure(figsize=(WIDTH, HEAD + ROW * max(len(names), 4)))
    axes = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for ax, size in zip(axes, sizes, strict=True):
        some = {row.judged.name: row for row in first if row.size == size}
        unit = 100 / some[YARDSTICK].judged.cost
        ax.axvline(0, color=PALETTE["ink"], linewidth=0.8)
        ax.axvline(unit * some[KNOWN].judged.saving, color=PALETTE["muted"], linewidth=3, alpha=0.4)
        for place, name in enumerate(names):
            if name not in some:
                continue
            one, colour = some[name].judged, COLOUR[some[name].verdict]
            if np.isfinite(one.error):
                ax.plot([unit * one.lower, unit * one.upper], [place, place], color=colour)
            ax.plot(unit * one.saving, place, "o", markersize=4.5, color=colour)
        ax.set_title("All sizes" if size == ALL_SIZES else f"{size:.1%} of volume")
        ax.set_xlabel("saves, % of TWAP's cost")
        ax.grid(axis="y", visible=False)
    axes[0].set_yticks(range(len(names)), names)
    return settled(figure)
