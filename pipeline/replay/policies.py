"""Policies by the names that the command line gives them."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from pipeline.engine.config import AllocateConfig
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS
from pipeline.parameters.schema import Params
from pipeline.parameters.sections import MidMoveSection
from pipeline.planning.order import stated_problem, stated_tilt
from pipeline.planning.plan import planned_problem, planned_trades
from pipeline.replay.books import Floats, Ints, Stage
from solver import (
    ImpactLaw,
    OrderTerms,
    ProblemError,
    almgren_chriss,
    chosen_law,
    even_quadratic,
    law_of,
    periods_within,
)
from solver.execution import (
    Adaptive,
    Band,
    Coming,
    Learning,
    Participation,
    Policy,
    PooledSupply,
    Scheduled,
    TakeOrWait,
    Threshold,
    WaitingTwap,
)

NAMES = (
    "twap",
    "waiting-twap",
    "vwap",
    "pov",
    "static",
    "ac",
    "adaptive",
    "threshold",
    "rule",
    "moment",
    "foreseen",
)
QUANTILE = ("threshold", "waiting-twap")
MINUTE_NS = 60 * SECOND_NS  # a waiting TWAP works by it, an adaptive plan looks back over it
LESSON_NS = 300 * SECOND_NS  # from one building of the value of waiting to the next


def parse_policy(name: str) -> tuple[str, dict[str, float]]:
    """Return a policy's kind and options: threshold:5 is the threshold at the 5 % quantile.

    Raises: InputError for an unknown name, or a quantile that is none.
    """
    kind, colon, text = name.partition(":")
    if kind not in NAMES or (colon and kind not in QUANTILE):
        raise InputError(
            f"--policy {name}: unknown; choose of {', '.join(NAMES)}, several with commas; "
            f"{' and '.join(QUANTILE)} take a quantile in per cent behind a colon (threshold:5)"
        )
    if not colon:
        return kind, {}
    try:
        value = float(text) / 100
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise InputError(f"--policy {name}: the quantile must be 0 to 100 per cent")
    return kind, {"quantile": value}


def policy_of(name: str, stage: Stage, planned: "Planned", band: Band) -> Policy | Learning:
    """Return the policy of a name for an order's moments, that is kept in the band.

    Raises: InputError for an unknown name, or an order without a plan.
    """
    kind, options = parse_policy(name)
    if kind == "threshold":
        return Threshold(**options)
    if kind == "waiting-twap":
        return WaitingTwap(_minute(stage), **options)
    if kind == "rule":
        return PooledSupply()
    if kind in ("moment", "foreseen"):
        times, child = stage.times[stage.first :], stage.shares / stage.moments
        level = planned.even_cost(times, child) if planned.days_scored else None
        found = take_or_wait(stage, planned, band, level)
        if kind == "moment":
            return found
        interval = stage.clock.interval / SECOND_NS
        return replace(found, coming=planned.coming, interval=interval)
    if kind == "pov":
        return Participation(planned.volume(stage.times[stage.first :]))
    if kind == "adaptive":
        return planned.adaptive(stage.times[stage.first :], _minute(stage))
    if kind == "twap":
        return Scheduled.even(stage.moments)
    return Scheduled.by_weight(planned.weight(kind, stage.times[stage.first :]))


def take_or_wait(
    stage: Stage, planned: "Planned", band: Band, level: Floats | None = None
) -> TakeOrWait:
    """Return the policy `moment`; level: of books to come, None where they are the last hour's."""
    every = max(1, round(LESSON_NS / stage.clock.interval))
    slope = 0.0 if planned.mid_move is None else planned.mid_move.slope
    return TakeOrWait(band, every=every, level=level, mid_move=slope)


def _minute(stage: Stage) -> int:
    """Return how many moments a minute has, at least one."""
    return max(1, round(MINUTE_NS / stage.clock.interval))


class Planned:
    """What the parameter file says of the order's periods: their starts, law, volume and plan."""

    def __init__(self, params: Params, symbol: str, order: AllocateConfig) -> None:
        """Raise InputError when the file does not hold the order's symbol and periods."""
        self._asked = (params, symbol, order)
        self._seconds = params.calendar.period_seconds
        start, end = order.start or None, order.end or None
        terms = OrderTerms(side=order.side, slices=1, start=start, end=end)
        content = params.model_dump(by_alias=True)
        try:
            places = periods_within(content, symbol, terms)
            self._law = chosen_law(content, symbol, order.shares, terms)
            self._curve = law_of(content["symbols"][symbol]).at(places)
        except ProblemError as error:
            raise InputError(str(error)) from error
        self._periods = [params.symbols[symbol].periods[place] for place in places]
        moments = [datetime.fromisoformat(period.start) for period in self._periods]
        self.starts: Ints = np.array([round(each.timestamp()) * SECOND_NS for each in moments])

    @property
    def mid_move(self) -> MidMoveSection | None:
        """Return what the file says of the mid's next seconds."""
        params, symbol, _ = self._asked
        return params.symbols[symbol].mid_move

    @property
    def coming(self) -> Coming | None:
        """Return what the file says of costs to come from the states of the hour."""
        params, symbol, _ = self._asked
        content = params.symbols[symbol].model_dump(include={"coming"})
        return Coming.from_section(content, self._seconds)

    @property
    def days_scored(self) -> int:
        """Return how many past days were forecast from what came before them: 0 of one day."""
        params, symbol, _ = self._asked
        shape = params.symbols[symbol].shape
        return 0 if shape is None else shape.days

    @property
    def end(self) -> int:
        """Return when the last of the periods ends, ns."""
        return int(self.starts[-1]) + self._seconds * SECOND_NS

    def law_at(self, times: Ints) -> ImpactLaw:
        """Return the law of one child order at each time; before the first period its own."""
        return self._law.at(self._place(times).tolist())

    def even_cost(self, times: Ints, shares: float) -> Floats:
        """Return the forecast cost of so many shares at each time, currency / share over mid: by
        the learned curve where the file has one.
        """
        cost = self._curve.cost(np.array([shares]))[:, 0]
        return cost[self._place(times)] / shares

    def volume(self, times: Ints) -> float:
        """Return the volume forecast from the first to the last of the times, shares."""
        volume = np.array([period.volume for period in self._periods])
        ends = np.append(self.starts[1:], self.end)
        inside = np.minimum(ends, times[-1]) - np.maximum(self.starts, times[0])
        return float(volume @ np.clip(inside / (self._seconds * SECOND_NS), 0.0, 1.0))

    def weight(self, kind: str, times: Ints) -> np.ndarray:
        """Return each moment's part of a schedule by period.

        kind: static, the plan; ac, the closed form nearest to it; vwap, the forecast volume.
        """
        if kind == "static":
            amount = planned_trades(*self._asked)
        elif kind == "ac":
            amount = almgren_chriss(even_quadratic(stated_problem(*self._asked)))
        else:
            amount = np.array([period.volume for period in self._periods])
        place = self._place(times)
        number = np.bincount(place, minlength=len(amount))
        return amount[place] / number[place]

    def adaptive(self, times: Ints, minute: int) -> Adaptive:
        """Return the plan made anew at the order's moments, of which a minute has so many."""
        params, symbol, _ = self._asked
        reach = max(params.symbols[symbol].reference.depth_shares, 1.0)
        problem, law = planned_problem(*self._asked), stated_tilt(*self._asked).law
        return Adaptive(problem, law, self._place(times), minute, reach)

    def _place(self, times: Ints) -> Ints:
        return np.maximum(np.searchsorted(self.starts, times, side="right") - 1, 0)
