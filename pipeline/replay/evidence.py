"""What one tape tells of a policy against another: its saving, and how adverse its fills may be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.tca.adverse import AdverseMarkouts, Shifts, adverse_markouts
from models.tca.mid_path import MidPath
from models.tca.paired import Blocks, PairedDifference, paired_difference
from models.tca.runs import Run
from pipeline.replay.moments import trading_seconds
from pipeline.replay.study import YARDSTICK, ReplayResult

LARGE = 0.05  # of the interval's volume: a larger order would have moved the tape


@dataclass(frozen=True, eq=False)
class Evidence:
    """A policy's walk less a yardstick's with its error, and its markouts against their null.

    large: the order is so large a part of the volume that nothing is claimed of a saving.
    """

    difference: PairedDifference
    adverse: AdverseMarkouts
    large: bool

    @property
    def verdict(self) -> str:
        """Return "saves", "costs" or "undecided", and "too large" where no saving is claimed."""
        found = self.difference.verdict
        return "too large" if self.large and found == "saves" else found


def evidence(results: Sequence[ReplayResult], yardstick: str = YARDSTICK) -> dict[str, Evidence]:
    """Return what the replays of one order, of one side or of both, tell of each policy.

    yardstick: the policy that the others are held against. Replays of one tape are averaged before
    errors are taken. A policy that filled nothing is left out.
    """
    first = results[0]
    stretches, origin = first.session.stretches, first.span[0]
    end = float(trading_seconds(stretches, np.array(first.span[1]), origin))
    blocks = Blocks.within(0.0, end, first.request.band)
    path = MidPath(
        trading_seconds(stretches, first.path.start, origin),
        trading_seconds(stretches, first.path.until, origin),
        first.path.mid,
    )
    runs = {name: _runs(results, name) for name in first.names}
    found = {}
    for name, own in runs.items():
        if name == yardstick or not own or not runs[yardstick]:
            continue
        rng = np.random.default_rng(first.request.seed)
        found[name] = Evidence(
            paired_difference(own, runs[yardstick], blocks),
            adverse_markouts(own, runs[yardstick], path.at, Shifts(0.0, end), rng),
            first.request.order.shares > LARGE * first.volume,
        )
    return found


def _runs(results: Sequence[ReplayResult], name: str) -> list[Run]:
    """Return a policy's runs, one a side and phase, none of them empty."""
    found = []
    for result in results:
        for played in result.played:
            done = played.done[name, "by_price"]
            if len(done.fill_times):
                times = trading_seconds(result.session.stretches, done.fill_times, result.span[0])
                sign, arrival = result.request.sign, played.books.arrival
                found.append(Run.of(done.fills, times, sign, arrival))
    return found
