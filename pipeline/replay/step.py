"""One step of an order at work: the moment in, what to send out, by the code that replays run."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.microstructure.book import Book
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SECOND_NS, SessionCalendar
from pipeline.parameters.schema import Params
from pipeline.replay.books import Books
from pipeline.replay.moments import HISTORY_NS, Clock
from pipeline.replay.policies import Planned, policy_of
from pipeline.replay.replay import NO_PRINTS, set_stage
from pipeline.replay.request import ReplayRequest, check_request
from pipeline.replay.side_tape import SideTape
from solver.execution import Band, Child, Decider, Learned, Seen

STATE = "impact-step/1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Level = tuple[Annotated[float, Field(allow_inf_nan=False)], NonNegative]


class Look(BaseModel):
    """A book seen: levels best first, each [price, shares]; an empty side is no level."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    time: AwareDatetime
    bid: tuple[Level, ...]
    ask: tuple[Level, ...]


class Moment(Look):
    """What is known when a decision is due: the book, and where order and market stand.

    filled: shares of the order so far; volume: shares that the market traded today so far, which
    only `pov` needs.
    """

    filled: NonNegative
    volume: NonNegative = 0.0


class LearnedFile(BaseModel):
    """The table of what a policy learned: a file in the state's folder, and its SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    sha256: str


class State(BaseModel):
    """What a caller carries from step to step; nothing else is remembered.

    volume_at_start: the market's volume at the order's first look; past: the books of the last
    hour's looks, one a moment; learned: where what the policy learned is kept, which spares a
    lesson.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal["impact-step/1"] = STATE
    volume_at_start: float | None = None
    past: tuple[Look, ...] = ()
    learned: LearnedFile | None = None


class Answer(BaseModel):
    """What to send now: a marketable limit order.

    shares: whole; of them `must` are sent at any price, the others up to `limit` (currency /
    share, null for none). marginal_value: what a share is worth more than the mid by not having to
    be traded later, currency / share, null where the policy has no price. next_look: null at the
    order's end.
    """

    model_config = ConfigDict(frozen=True)
    shares: int
    must: int
    limit: float | None
    marginal_value: float | None
    next_look: datetime | None
    reason: str


class WorkedOrder:
    """An order that is worked step by step under one policy; it can be opened anew at any time."""

    def __init__(self, request: ReplayRequest, params: Params) -> None:
        """Open the order.

        Raises: InputError when order and parameters do not fit together.
        """
        check_request(request)
        self._request = request
        planned = Planned(params, request.symbol, request.order)
        calendar = SessionCalendar(params.calendar.name, params.calendar.period_seconds)
        start = int(planned.starts[0])
        session = calendar.session(str(calendar.session_of(np.array([start]))[0]))
        interval, latency = (
            round(each * SECOND_NS) for each in (request.interval, request.latency)
        )
        clock = Clock(start, min(planned.end, session.close_ns), interval, latency)
        stage = set_stage(
            request.sign,
            request.order.shares,
            clock,
            session.stretches,
            planned.law_at,
            NO_PRINTS,
        )
        self.stage = stage
        (self._name,) = request.policies
        band = Band(request.band)
        self._params, self._band = params, band
        self._policy = policy_of(self._name, stage, planned, band)
        self._decider = Decider(self._policy, band)

    @property
    def learned(self) -> Learned | None:
        """What the policy last learned; set, it is resumed with it."""
        return self._decider.learned

    @learned.setter
    def learned(self, learned: Learned | None) -> None:
        self._decider = Decider(self._policy, self._band, learned)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the order, how it is worked and its parameters."""
        asked = replace(self._request, params="", out="")
        total = hashlib.sha256(repr(asked).encode())
        total.update(self._params.model_dump_json(by_alias=True).encode())
        return total.hexdigest()

    def step(self, state: State, moment: Moment) -> tuple[Answer, State]:
        """Return what to send at a moment, and the state to come back with.

        Raises: InputError for a moment that is before the last one, or fills that cannot be.
        """
        stage, now = self.stage, _ns(moment.time)
        self._check(state, moment)
        at = int(np.searchsorted(stage.times, now, side="right")) - 1
        upcoming = int(stage.times[at + 1]) if at + 1 < len(stage.times) else None
        left = stage.shares - moment.filled
        if at >= stage.first and state.volume_at_start is None:
            state = state.model_copy(update={"volume_at_start": moment.volume})
        if at < 0 or now >= stage.clock.end:
            return _nothing("no moment of the order is now", _time(upcoming)), state
        state = self._remembered(state, moment, at)
        if not moment.bid or not moment.ask:
            return _nothing("the book has not two sides", _time(upcoming)), state
        if at < stage.first:
            return _nothing(
                "the order has not begun: the book is remembered", _time(upcoming)
            ), state
        if left <= 0:
            return _nothing("all is filled", None), state
        seen = self._seen(state, at, left, moment.volume - float(state.volume_at_start or 0.0))
        child = self._decider.decide(seen)
        return self._answer(child, seen, moment, _time(upcoming)), state

    def _check(self, state: State, moment: Moment) -> None:
        """Raise InputError for a moment that does not follow the state."""
        if state.past and moment.time < state.past[-1].time:
            raise InputError(
                f"time {moment.time.isoformat()}: before the last look at "
                f"{state.past[-1].time.isoformat()}; send moments in their order"
            )
        if moment.filled > self.stage.shares:
            raise InputError(
                f"filled {moment.filled:g}: more than the order's {self.stage.shares:g} shares"
            )

    def _remembered(self, state: State, moment: Moment, at: int) -> State:
        """Return the state with the moment's book, and without those over an hour old."""
        stage = self.stage
        begin, oldest = int(stage.times[at]), int(stage.times[at]) - HISTORY_NS
        look = Look(time=moment.time, bid=moment.bid, ask=moment.ask)
        past = [each for each in state.past if oldest <= _ns(each.time) < begin]
        return state.model_copy(update={"past": (*past, look)})

    def _seen(self, state: State, at: int, left: float, volume: float) -> Seen:
        """Return what replay would show its policy."""
        stage = self.stage
        looks = [look for look in state.past if look.bid and look.ask]
        ts = np.array([_ns(look.time) for look in looks])
        places = np.searchsorted(stage.times, ts, side="right") - 1
        begin = int(places[0])
        rows = np.full(at - begin + 1, -1)
        rows[places - begin] = np.arange(len(looks))
        tape = SideTape.of(ts, _book(looks), stage.sign)
        books = Books(stage, tape.shown)
        books.add(tape, begin, rows)
        return books.seen(at, left, books.size, volume)

    def _answer(
        self, child: Child, seen: Seen, moment: Moment, upcoming: datetime | None
    ) -> Answer:
        mid = (moment.bid[0][0] + moment.ask[0][0]) / 2
        priced = bool(np.isfinite(child.limit))
        return Answer(
            shares=int(child.shares),
            must=int(child.must),
            limit=mid + self.stage.sign * child.limit if priced else None,
            marginal_value=child.limit if priced else None,
            next_look=upcoming,
            reason=self._reason(child, seen),
        )

    def _reason(self, child: Child, seen: Seen) -> str:
        """Return in words why."""
        price = f" up to {child.limit:.4g} over mid" if np.isfinite(child.limit) else ""
        best = f"the best price is {seen.over[0]:.4g} over mid"
        if child.shares == 0:
            return f"{self._name} waits: {best}, it pays{price or ' nothing now'}"
        if child.must >= child.shares:
            return f"{child.must:.0f} are behind the band and sent at any price; {best}"
        behind = f", {child.must:.0f} of them behind the band at any price" if child.must else ""
        return f"{self._name} takes {child.shares:.0f}{price}{behind}; {best}"


def _nothing(reason: str, upcoming: datetime | None) -> Answer:
    return Answer(
        shares=0, must=0, limit=None, marginal_value=None, next_look=upcoming, reason=reason
    )


def _ns(time: datetime) -> int:
    return (time - EPOCH) // timedelta(microseconds=1) * 1000


def _time(ns: int | None) -> datetime | None:
    return None if ns is None else EPOCH + timedelta(microseconds=ns // 1000)


def _book(looks: list[Look]) -> Book:
    """Return the looks' books; those with fewer levels end in empty ones."""
    sides = {}
    for side in ("bid", "ask"):
        levels = [getattr(look, side) for look in looks]
        table = np.full((len(looks), max(map(len, levels)), 2), [np.nan, 0.0])
        for row, each in zip(table, levels, strict=True):
            row[: len(each)] = each
        sides[f"{side}_px"], sides[f"{side}_sz"] = table[:, :, 0], table[:, :, 1]
    return Book(**sides)
