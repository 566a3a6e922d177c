"""How far a cost law reaches: its exponent size by size, and its error beyond what books showed."""

import numpy as np
import pandas as pd

from models.impact.book.cost_law import CostLawFit
from models.impact.book.extrapolation import (
    WalkSizes,
    extrapolation,
    local_exponents,
    walk_ratios,
)
from models.inference.caveat import Caveat
from solver import Extrapolation

CURVED = 2.0  # standard errors between a local exponent and the law's
WORTH_SAYING = 0.1  # of an exponent: less moves no plan


def law_reach(cells: pd.DataFrame, found: CostLawFit) -> tuple[Extrapolation | None, pd.DataFrame]:
    """Return the law's extrapolation error, and the table `sizes` of `Calibration`.

    cells: the rows of `past_cells` at all sizes with states known. What is compared is the part of
    cost that the family models.
    """
    columns = ("size", "half_spread", "bucket", "volatility", "thinness")
    size, half_spread, *state = (cells[name].to_numpy() for name in columns)
    beside = half_spread * size * (not found.family.has_spread)
    cost = cells["excess"].to_numpy() + beside
    spread = np.zeros(len(size))  # the law's own part alone
    fitted = found.cost(size, spread, *state)
    known = np.isfinite(cost) & np.isfinite(fitted)
    frame = cells.assign(observed=cost, fitted=fitted, cut=cells["cut_excess"] + beside)[known]
    names = ["censored", "observed", "fitted", "cut", "cut_censored"]
    means = frame.groupby("size")[names].mean().reset_index()
    columns = {name: means[name].to_numpy() for name in ("size", *names)}
    sizes = WalkSizes(**columns, flat=not (cells["excess"] > 0).any())
    shown = sizes.size[sizes.shown]
    reach = extrapolation(sizes, *walk_ratios(cost[known], fitted[known], size[known], shown))
    exponent, error = local_exponents(
        frame["observed"].to_numpy(), frame["size"].to_numpy(), frame["cluster"].to_numpy()
    )
    table = means[["size", "censored"]].assign(
        local_k=exponent,
        local_k_error=error,
        log_bias=np.log(sizes.observed / sizes.fitted),
        log_error=np.nan if reach is None else reach.error(sizes.size),
    )
    return reach, table


def curvature(sizes: pd.DataFrame, found: CostLawFit) -> list[Caveat]:
    """Return the caveat k_unstable where the exponent at a shown size is not the law's."""
    if found.family.fixed_k is not None:
        return []
    near = sizes[sizes["log_error"] == 0].dropna(subset="local_k")
    apart = (near["local_k"] - found.k).abs()
    off = near[(apart > CURVED * near["local_k_error"]) & (apart > WORTH_SAYING)]
    if off.empty:
        return []
    said = ", ".join(
        f"{row.local_k:.3g} ± {row.local_k_error:.2g} at {row.size:,.10g}"
        for row in off.iloc[[0, -1]].drop_duplicates().itertuples()
    )
    message = (
        f"k is {found.k:.3g} over the sizes that the book shows, and {said} shares: the cost of "
        "much smaller or larger orders is not that of one power law"
    )
    return [Caveat("k_unstable", message)]
