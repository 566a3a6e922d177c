"""Figures that are given or derived, and which; how times are written."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.tca.order_rows import NO_TIME

Floats = NDArray[np.float64]
GIVEN, NONE = "given", "none"


@dataclass(frozen=True, eq=False)
class Settled:
    """A figure by order with where each is from: given, tape, bars, fills or none."""

    value: Floats
    source: NDArray[np.str_]


def settle(*known: tuple[Floats, str]) -> Settled:
    """Return the first known of several, with where it is from."""
    value = np.full(len(known[0][0]), np.nan)
    source = np.full(len(value), NONE, dtype="<U24")
    for each, name in known:
        some = np.isnan(value) & np.isfinite(each)
        value[some], source[some] = each[some], name
    return Settled(value, source)


def iso(ts: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return times, ns, as ISO 8601 in UTC, empty for none."""
    text = np.char.add(np.datetime_as_string(ts.astype("datetime64[ns]")), "Z").astype(object)
    text[ts == NO_TIME] = ""
    return text
