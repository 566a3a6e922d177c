"""The picture of the value function: what one more share left is worth, by time and shares left."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.report.figures.clock import Clock
from pipeline.report.figures.style import PALETTE, STYLE, clock_axis, count_axis, settled

BPS = 1e4
LEVELS = 10  # of colour
SAME = 1e-6  # of marginal values that do not differ
TOP = 0.98  # of the marginal values: the few above it, near the close, share the darkest colour


@matplotlib.rc_context(STYLE)
def plot_value(value: pd.DataFrame, plan: pd.DataFrame, price: float, clock: Clock) -> Figure:
    """Draw the marginal of V(s, t) in bps of the price, and the plan's way through it.

    value: period, left, marginal (currency / share); price: currency / share.
    """
    table = value.pivot(index="left", columns="period", values="marginal") * BPS / price
    periods, left = table.columns.to_numpy(), table.index.to_numpy(dtype=float)
    edges = clock.hours(np.append(periods, periods[-1] + 1))
    figure = Figure(figsize=(9.6, 3.4))
    ax = figure.subplots()
    marginal = table.to_numpy()
    known = marginal[np.isfinite(marginal)]
    low, high = float(known.min()), float(np.quantile(known, TOP))
    filled = ax.contourf(
        clock.hours(periods) + clock.length / 2,
        left,
        np.ma.masked_invalid(marginal),
        levels=np.linspace(low, max(high, low * (1 + SAME) + SAME), LEVELS + 1),
        cmap="Blues",
        extend="max",
    )
    filled.set_rasterized(True)  # hundreds of thin bands as paths would be half of the page
    traded = np.cumsum(plan["optimal"].to_numpy(dtype=float))
    remaining = np.append(traded[-1], traded[-1] - traded)
    way = clock.hours(np.append(plan["period"], plan["period"].iloc[-1] + 1))
    ax.plot(way, remaining, color=PALETTE["orange"], label="The plan")
    ax.set_title("Shares left, and what one more of them will cost, bps of the price")
    ax.set_ylim(0, left[-1])
    count_axis(ax)
    clock_axis(ax, float(edges[0]), float(edges[-1]))
    figure.colorbar(filled, ax=ax, pad=0.01)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left")
    return settled(figure)
