"""How often the gate errs, and how long it takes to let in what is better.

Run: python -m benchmarks.gate [--histories 400] [--nights 30] [--rivals 5]. Nightly differences of
regret are drawn with replacement from those that an evaluation told (--json of `impact evaluate`:
--one less --other, by day, their mean taken off) or, without it, from Student's t of four degrees
of freedom.
Rivals share what a day does to all of them, half of the variance, and the level of one. Printed: in
how many stationary histories any of them passes at some look, how many honest refits are held back
on the last night, and the median night at which a family passes by gain over sd.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from models.gate import FIRST_LOOK, LAST_LOOK, change_of_family, refresh
from pipeline.retraining.families import RIVALS

GAINS = (0.5, 1.0, 1.5, 2.0)  # over the nights' standard deviation
SD = 0.05  # of TWAP's cost, where no evaluation tells it


def told(path: str, one: str, other: str) -> tuple[np.ndarray, float]:
    """Return an evaluation's daily differences, and TWAP's mean cost, bps."""
    orders = json.loads(Path(path).read_text(encoding="utf-8"))["orders"]
    cost: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in orders:
        if each["account"] == "by_price":
            cost[each["candidate"], each["date"]].append(each["walk_bps"])
    dates = sorted({date for _, date in cost})
    gap = [np.mean(cost[one, date]) - np.mean(cost[other, date]) for date in dates]
    twap = float(np.mean([np.mean(cost["twap", date]) for date in dates]))
    return np.array(gap) - np.mean(gap), twap


def passed_at(difference: np.ndarray, rivals: int) -> int:
    """Return the first night at which a family passes among its rivals, 0 for none."""
    for night in range(FIRST_LOOK, min(LAST_LOOK, len(difference)) + 1):
        if change_of_family(difference[:night], rivals).passes:
            return night
    return 0


def any_passes(differences: np.ndarray) -> bool:
    """Tell whether any of the rivals passes at some look; differences: (rivals, nights)."""
    return any(passed_at(each, len(differences)) for each in differences)


def main() -> None:
    """Print three lines and a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=400)
    parser.add_argument("--nights", type=int, default=LAST_LOOK)
    parser.add_argument("--rivals", type=int, default=RIVALS)
    parser.add_argument("--json")
    parser.add_argument("--one", default="moment")
    parser.add_argument("--other", default="static")
    given = parser.parse_args()
    rng = np.random.default_rng(18)
    twap, pool = 1.0, None
    if given.json:
        pool, twap = told(given.json, given.one, given.other)
    sd = SD if pool is None else float(pool.std(ddof=1))

    def history() -> np.ndarray:
        if pool is None:
            return SD / 2**0.5 * rng.standard_t(4, given.nights)
        return rng.choice(pool, given.nights)

    histories = [history() for _ in range(given.histories)]
    sets = [
        np.array([(common + history()) / 2**0.5 for _ in range(given.rivals)])
        if given.rivals > 1
        else common[None]
        for common in histories
    ]
    wrong = sum(map(any_passes, sets))
    held = sum(not refresh(each, twap).passes for each in histories)
    print(f"{given.histories} stationary histories of {given.nights} nights, sd {sd:.3g} bps")
    print(f"  one of {given.rivals} families passes in {wrong} ({wrong / given.histories:.1%})")
    print(f"  a refit is held back on the last night in {held} ({held / given.histories:.1%})")
    for gain in GAINS:
        at = np.array([passed_at(each - gain * sd, given.rivals) for each in histories])
        night = np.median(np.where(at > 0, at, np.inf))
        print(f"  better by {gain:g} sd: passes in {(at > 0).mean():.0%}, median night {night:g}")


if __name__ == "__main__":
    main()
