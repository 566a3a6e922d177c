"""The picture of the price of risk: expected cost against the price's risk, by risk aversion."""

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.planning.price_of_risk import RISE
from pipeline.report.figures.style import PALETTE, STYLE, settled


@matplotlib.rc_context(STYLE)
def plot_frontier(frontier: pd.DataFrame, costs: pd.DataFrame, notional: float) -> Figure:
    """Draw the frontier in bps, with TWAP, the plan, and the most urgent plan for little more cost.

    frontier, costs: as `Schedule` has them; notional: currency.
    """
    figure = Figure(figsize=(9.6, 3.4))
    ax = figure.subplots()
    bps = 1e4 / notional
    ax.plot(
        bps * frontier["deviation"],
        bps * frontier["cost"],
        color=PALETTE["muted"],
        linewidth=1.2,
        label="Least cost at each risk",
    )
    known = costs.set_index("method")
    plan, twap = (known.loc[name] for name in ("optimal", "twap"))
    urgent = frontier[frontier["point"] == "urgent"].iloc[0]
    more = f"Most urgent for {RISE:.0%} more over mid, λ = {urgent['risk_aversion']:.2g}"
    _mark(
        ax,
        bps * twap[["cost", "deviation"]],
        "TWAP",
        "orange",
        marker="s",
        markersize=10,
        fillstyle="none",
    )
    _mark(ax, bps * urgent[["cost", "deviation"]], more, "green", marker="D", markersize=7)
    _mark(ax, bps * plan[["cost", "deviation"]], "The plan", "blue", marker="o", markersize=6)
    ax.set_title("Expected cost against the standard deviation of the price’s part, bps")
    ax.set_xlabel("standard deviation, bps")
    ax.set_ylabel("expected cost, bps")
    ax.set_xlim(left=0)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return settled(figure)


def _mark(ax: Axes, point: pd.Series, label: str, colour: str, **look: object) -> None:
    ax.plot(
        [point["deviation"]],
        [point["cost"]],
        linestyle="none",
        color=PALETTE[colour],
        label=label,
        **look,
    )
