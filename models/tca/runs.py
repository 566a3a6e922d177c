"""One run of an order on a tape: its fills by trading time, and what they cost over mid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.tca.shortfall import BPS, Fills

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Run:
    """The fills of an order that was worked once: on one side, with its moments at one phase.

    Shapes: (n,). time: trading seconds, any origin, breaks not counted; shares; over_mid: what each
    fill cost over the mid, currency. sign: +1 buys, -1 sells; arrival: the mid at its first moment.

    Raises: ValueError when it has no shares, or arrays of different lengths.
    """

    time: Floats
    shares: Floats
    over_mid: Floats
    sign: int
    arrival: float

    def __post_init__(self) -> None:
        if not len(self.time) == len(self.shares) == len(self.over_mid):
            raise ValueError("time, shares and over_mid must have one entry a fill each")
        if not self.shares.sum() > 0:
            raise ValueError("a run without fills has no cost a share")

    @classmethod
    def of(cls, fills: Fills, time: Floats, sign: int, arrival: float) -> Run:
        """Return the run of fills at their times."""
        over_mid = sign * fills.shares * (fills.price - fills.mid)
        return cls(time, fills.shares, over_mid, sign, arrival)

    @property
    def cost(self) -> float:
        """What the fills cost over mid, bps of shares filled x arrival."""
        return BPS * float(self.over_mid.sum() / self.shares.sum()) / abs(self.arrival)
