"""From orders worked to verdicts: quantiles chosen on the past, means by day, errors, p's."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.forecast.evaluation.comparison import confidence_set
from models.tca.paired import FEWEST, Blocks
from models.tca.regret import Costs, Judged, holm, judge
from pipeline.evaluation.candidates import FIRST_QUANTILE, KNOWN, NESTED, YARDSTICK
from pipeline.evaluation.replayed import Worked

ALL_SIZES = 0.0  # in place of a size: the mean over all
DAYS_OF_A_SET = 10


@dataclass(frozen=True)
class Row:
    """A candidate at a size under an accounting, judged; size 0: the mean over all.

    holm: its p among all that are told together; set_p: its p in the model confidence set, NaN
    below `DAYS_OF_A_SET` days; orders: that were worked; unfilled: share of their shares.
    """

    account: str
    size: float
    judged: Judged
    holm: float
    set_p: float
    orders: int
    unfilled: float

    @property
    def verdict(self) -> str:
        """Return saves, costs or undecided."""
        return self.judged.verdict(self.holm)


def nested_quantile(worked: Sequence[Worked]) -> tuple[list[Worked], dict[tuple[float, str], str]]:
    """Return the orders with one spread threshold, its quantile that of least cost on earlier days,
    and what was chosen by size and date; without an earlier day it is `FIRST_QUANTILE`.
    """
    tried = {each.name for each in worked if each.name.startswith(f"{NESTED}:")}
    if not tried:
        return list(worked), {}
    cost: dict[tuple[str, float, str, str], list[float]] = defaultdict(list)
    for each in worked:
        if each.name in tried and each.run:
            cost[each.account, each.size, each.name, each.date].append(each.run.cost)
    first = f"{NESTED}:{FIRST_QUANTILE}"
    start = first if first in tried else sorted(tried)[0]
    dates = sorted({each.date for each in worked})
    chosen = {}
    for account, size in {(each.account, each.size) for each in worked}:
        for date in dates:
            past = {
                name: [c for day in dates if day < date for c in cost[account, size, name, day]]
                for name in sorted(tried)
            }
            known = {name: float(np.mean(each)) for name, each in past.items() if each}
            best = min(known, key=lambda name: known[name]) if known else start
            chosen[account, size, date] = best
    kept = [each for each in worked if each.name not in tried]
    kept += [
        replace(each, name=NESTED)
        for each in worked
        if each.name in tried and each.name == chosen[each.account, each.size, each.date]
    ]
    accounts = {account for account, _, _ in chosen}
    account = "by_price" if "by_price" in accounts else sorted(accounts)[0]
    return kept, {(size, date): name for (a, size, date), name in chosen.items() if a == account}


def rows_of(worked: Sequence[Worked], blocks: Blocks) -> list[Row]:
    """Return every candidate's row, the mean over all sizes first.

    Clusters are days, or the blocks of a single one. An order that some candidate filled nothing of
    is left out for all.
    """
    found = []
    for account in dict.fromkeys(each.account for each in worked):
        some = [each for each in worked if each.account == account]
        sizes = sorted({each.size for each in some})
        for size in [ALL_SIZES, *sizes] if len(sizes) > 1 else sizes:
            found += _judged(
                account, size, [o for o in some if size in (ALL_SIZES, o.size)], blocks
            )
    adjusted = holm([row.judged.p for row in found if row.size != ALL_SIZES])
    by_size = iter(adjusted)
    whole = iter(holm([row.judged.p for row in found if row.size == ALL_SIZES]))
    return [replace(row, holm=next(whole if row.size == ALL_SIZES else by_size)) for row in found]


def _judged(account: str, size: float, worked: list[Worked], blocks: Blocks) -> list[Row]:
    empty = {_order(each) for each in worked if each.run is None}
    kept = [each for each in worked if _order(each) not in empty]
    if not kept:
        return []
    dates = sorted({each.date for each in kept})
    if len(dates) > 1:
        by_day = _by_day(kept, dates)
        costs, fewest = Costs.by_day(by_day), 2
        by_day.pop(KNOWN)
        in_set = confidence_set(by_day, seed=0, fewest=DAYS_OF_A_SET)
    else:
        in_set = {}
        runs = defaultdict(list)
        for each in kept:
            runs[each.name].append(each.run)
        costs, fewest = Costs.by_block(runs, blocks), FEWEST
    asked, left, orders = defaultdict(float), defaultdict(float), len({_order(o) for o in kept})
    for each in kept:
        asked[each.name] += each.shares
        left[each.name] += each.unfilled
    return [
        Row(
            account,
            size,
            one,
            np.nan,
            in_set.get(one.name, np.nan),
            orders,
            left[one.name] / asked[one.name],
        )
        for one in judge(costs, YARDSTICK, KNOWN, fewest)
    ]


def _by_day(worked: list[Worked], dates: list[str]) -> dict[str, np.ndarray]:
    """Return each candidate's mean cost by day."""
    cost: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in worked:
        if each.run:
            cost[each.name, each.date].append(each.run.cost)
    return {
        name: np.array([np.mean(cost[name, date]) for date in dates])
        for name in dict.fromkeys(each.name for each in worked)
    }


def _order(worked: Worked) -> tuple[str, str, float, str]:
    return worked.symbol, worked.date, worked.size, worked.side
