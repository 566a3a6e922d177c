"""What a reader of orders hands over: the rows to be fitted, and the count of all others."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.impact.orders.parent_orders import ParentOrders
from models.inference.caveat import Caveat
from pipeline.engine.errors import InputError
from pipeline.studies.orders.sides import one_side

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
MOST_LEFT_OUT = 0.5  # of the rows, for one reason
LEVELS = ("price", "adv", "volatility", "inverse_turnover")  # currency, shares, 1 / day^(1/2), 1
LOST = 0.1  # of the rows: so many of the other side are no chance


@dataclass(frozen=True, eq=False)
class OrderSample:
    """orders: the rows kept; days: the name of each day label; rows: how many there were.

    dropped: reason -> rows left out, each under the first reason that holds; noted: what was mended
    or is worth knowing -> how many; definition: how every quantity was measured; caveats: of the
    measurement.
    """

    orders: ParentOrders
    days: tuple[str, ...]
    rows: int
    dropped: dict[str, int]
    noted: dict[str, int]
    definition: tuple[str, ...]
    levels: pd.DataFrame
    day_seconds: float
    caveats: tuple[Caveat, ...] = ()


def screen(reasons: dict[str, Mask]) -> tuple[Mask, dict[str, int]]:
    """Return the rows that no reason holds for, and how many each is the first to hold for."""
    kept = np.ones_like(next(iter(reasons.values())))
    dropped = {}
    for reason, mask in reasons.items():
        dropped[reason] = int((kept & mask).sum())
        kept = kept & ~mask
    return kept, dropped


def sample_caveats(
    where: str, sign: Floats, reasons: dict[str, Mask], seen: dict[str, str]
) -> list[Caveat]:
    """Say when the rows kept are of one side, or most rows went for one reason.

    sign: of every row, buys above 0, NaN where it is not known; seen: reason -> what its values
    are, told with it.
    Raises: InputError when a tenth of the rows or more would have been the other side: of those
    whose side is known, or of all where the side of so many is not.
    """
    kept, dropped = screen(reasons)
    caveats = [
        Caveat(
            "mostly_left_out",
            f"{count:,} of {len(kept):,} rows are left out for {reason}{seen.get(reason, '')}",
        )
        for reason, count in dropped.items()
        if count > MOST_LEFT_OUT * len(kept)
    ]
    return caveats + _one_sided(where, sign, reasons, seen)


def _one_sided(
    where: str, sign: Floats, reasons: dict[str, Mask], seen: dict[str, str]
) -> list[Caveat]:
    kept, _ = screen(reasons)
    side = one_side(sign[kept])
    if side is None:
        return []
    known = np.isfinite(sign) & (sign != 0)
    other = known & ((sign < 0) if side == "buys" else (sign > 0))
    _, lost = screen({reason: mask[other] for reason, mask in reasons.items()})
    worst = max(lost, key=lambda reason: lost[reason])
    said = f"the {int(kept.sum()):,} rows kept are all {side}"
    unknown = int((~np.isfinite(sign)).sum())
    if other.sum() >= LOST * known.sum():
        raise InputError(
            f"{where}: {said}: {int(other.sum()):,} of the other side are left out, "
            f"{lost[worst]:,} for {worst}{seen.get(worst, '')}; mend them"
        )
    if unknown >= LOST * len(sign):
        raise InputError(
            f"{where}: {said}: the side of {unknown:,} rows is not known"
            f"{seen.get('unknown_side', '')}; write B and S, 1 and -1, or FIX's 1 and 2"
        )
    message = (
        f"{said}{seen.get('unknown_side', '')}: what is estimated is the impact of {side} alone"
    )
    return [Caveat("one_sided", message)]
