"""Shown depth: how long one symbol's day displayed how many shares, what order sizes come from."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.impact.book.size_grid import depth_bins, size_grid
from models.microstructure.standing import segments
from pipeline.engine.sessions import Session
from pipeline.engine.tables import Day, ShownDepth
from pipeline.stages.measuring.stretches import stretches_of

SIDES = ("bid", "ask")


@dataclass(frozen=True)
class DepthSettings:
    """The session, and its end (ns), or the time in it from which on the tape is not known."""

    session: Session
    until: int


def shown_depth(day: Day, settings: DepthSettings) -> ShownDepth:
    """Sum the seconds that each amount of depth stood, at the best price and over all levels."""
    frames = [
        _stood(part, (start, min(end, settings.until)))
        for part, (start, end) in stretches_of(day, settings.session)
        if start < settings.until
    ]
    table = pd.concat(frames).groupby(["part", "bin"], as_index=False)["seconds"].sum()
    return ShownDepth(table)


def _stood(day: Day, stretch: tuple[int, int]) -> pd.DataFrame:
    """Return the seconds by part and bin within a stretch without breaks."""
    quotes = day.quotes
    names = [name for name in quotes.columns if "_sz_" in name]
    parts = segments(quotes["ts"].to_numpy(), np.array(stretch))
    frames = []
    for side in SIDES:
        size = quotes.select(name for name in names if name.startswith(side)).to_numpy()
        for part, shares in (("best", size[:, 0]), ("whole", size.sum(axis=1))):
            stood, seconds = shares[parts.row], parts.seconds
            some = stood > 0
            frame = pd.DataFrame({"bin": depth_bins(stood[some]), "seconds": seconds[some]})
            frames.append(frame.groupby("bin", as_index=False)["seconds"].sum().assign(part=part))
    return pd.concat(frames)


def chosen_sizes(depths: list[ShownDepth], before: tuple[float, ...] = ()) -> tuple[float, ...]:
    """Return the sizes that all the days together can tell the cost of, shares; before: those of an
    earlier time, which stay while they are near.

    Raises: ValueError when there is no time with a book.
    """
    held: dict[str, Counter[int]] = {"best": Counter(), "whole": Counter()}
    for depth in depths:
        for row in depth.seconds.itertuples():
            held[row.part][row.bin] += row.seconds
    return size_grid(held["best"], held["whole"], before)
