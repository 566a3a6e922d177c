"""Whether permanent impact follows the book's state: gamma(state) against a constant gamma."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.flow.trades import TradeTape
from models.microstructure.standing import SECOND_NS, standing_before

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NOW, USUAL, LEAST = 60, 3600, 600  # seconds: the state's mean, its level's, and the least known
STILL = 1e-6  # of a log: less is rounding of a state that did not move
BLOCK = 900  # seconds: of the errors, and between fits
FIRST = 0.5  # of the blocks only fitted to
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class FlowWindows:
    """Windows of flow in time order, and how far the mid was moved some time later.

    Shapes: (n,), state (n, 2). start: ns, and known: when the move is; block: of BLOCK seconds,
    never falling; flow: signed shares of the window, later: of the time from its end to `known`;
    move: of the mid from start to known, currency / share; state: logs of spread and depth, the
    last minute's mean less the last hour's, both from before the window. n_excluded: windows
    without mid or state; undirected: prints of unknown side, in no flow.
    """

    start: Ints
    known: Ints
    block: Ints
    flow: Floats
    later: Floats
    move: Floats
    state: Floats
    n_excluded: int
    undirected: int


def flow_windows(
    tape: TradeTape, book: Floats, span: tuple[int, int], window: int, reach: int
) -> FlowWindows:
    """Return the windows of one session.

    book: (n, 2) spread (currency / share) and depth (shares) beside `tape.ts`; span: ns, the
    session's start and end; window, reach: seconds of flow, and from its start to the later mid.
    """
    start = np.arange(span[0], span[1] - reach * SECOND_NS + 1, window * SECOND_NS)
    end, known = start + window * SECOND_NS, start + reach * SECOND_NS
    directed = tape.aggressor != 0
    ts = tape.trade_ts[directed]
    signed = (tape.aggressor * tape.trade_size)[directed]
    total = np.append(0.0, np.cumsum(signed))
    to_start, to_end, to_known = (total[np.searchsorted(ts, each)] for each in (start, end, known))
    before, after = (standing_before(tape.ts, tape.mid, each) for each in (start, known))
    logs = np.log(np.where(book > 0, book, np.nan))
    state = np.column_stack(
        [_over_usual(standing_before(tape.ts, each, start), window) for each in logs.T]
    )
    inside = (tape.trade_ts >= span[0]) & (tape.trade_ts < span[1])
    used = np.isfinite(after - before) & np.isfinite(state).all(axis=1)
    return FlowWindows(
        start[used],
        known[used],
        ((start - span[0]) // (BLOCK * SECOND_NS))[used],
        (to_end - to_start)[used],
        (to_known - to_end)[used],
        (after - before)[used],
        state[used],
        int((~used).sum()),
        int((inside & ~directed).sum()),
    )


def joined(days: list[FlowWindows]) -> FlowWindows:
    """Return the windows of consecutive sessions as one sample; no block reaches over a night."""
    columns = {
        field.name: np.concatenate([getattr(day, field.name) for day in days])
        for field in fields(FlowWindows)[:7]
    }
    session = np.repeat(np.arange(len(days)), [len(day.start) for day in days])
    _, block = np.unique(np.column_stack([session, columns["block"]]), axis=0, return_inverse=True)
    columns["block"] = np.asarray(block, dtype=np.int64).ravel()
    excluded, undirected = (
        sum(getattr(day, name) for day in days) for name in ("n_excluded", "undirected")
    )
    return FlowWindows(**columns, n_excluded=excluded, undirected=undirected)


def _over_usual(logs: Floats, window: int) -> Floats:
    """Return the last minute's mean less the last hour's, NaN below LEAST seconds known."""
    now = _trailing_mean(logs, max(NOW // window, 1), 1)
    found = now - _trailing_mean(logs, USUAL // window, LEAST // window)
    return np.where(np.abs(found) < STILL, 0.0, found)


def _trailing_mean(value: Floats, count: int, least: int) -> Floats:
    """Return the mean of the known ones of the last `count`, each one's own included."""
    known = np.isfinite(value)
    total = np.append(0.0, np.cumsum(np.where(known, value, 0.0)))
    number = np.append(0, np.cumsum(known))
    last = np.arange(1, len(value) + 1)
    first = np.maximum(last - count, 0)
    some = number[last] - number[first]
    return np.where(some >= least, (total[last] - total[first]) / np.maximum(some, 1), np.nan)


@dataclass(frozen=True, eq=False)
class StateComparison:
    """Moves told by gamma(state) and by a constant gamma, fitted to what was known before.

    constant, state: share of the scored moves' squares that is told; error: of their difference,
    by blocks; gamma: (a, b of spread, b of depth) of the last fit, currency / share^2, and the
    constant one; n: windows scored, n_excluded and undirected as in `FlowWindows`.
    """

    constant: float
    state: float
    error: float
    blocks: int
    gamma: tuple[float, float, float]
    constant_gamma: float
    n: int
    n_excluded: int
    undirected: int

    @property
    def difference(self) -> float:
        """Return what the state tells beyond the constant; above 0 it is better."""
        return self.state - self.constant

    @property
    def reach(self) -> float:
        """Return half the width of the 95 % interval, by Student's t."""
        return float(stats.t.ppf((1 + LEVEL) / 2, self.blocks - 1)) * self.error

    @property
    def beats(self) -> bool:
        """Tell whether the whole interval speaks for the state."""
        return self.difference - self.reach > 0


def compare_state(windows: FlowWindows) -> StateComparison:
    """Score both on the later half of the blocks, each fitted to what was known before its block.

    move = (a + b z) flow + (c + d z) later + e by least squares through the origin, z the state;
    b = 0 for the constant. Later flow is partialled out of both, its own impact moving with the
    state, so that they differ by the window's flow alone.
    Raises: ValueError when fewer than two blocks are left to score.
    Source: Diebold, Mariano 1995, "Comparing predictive accuracy", with squared errors; Ibragimov,
    Mueller 2010, "t-statistic based correlation and heterogeneity robust inference", for blocks.
    """
    constant, state = told_from_before(windows)
    scored = np.isfinite(constant)
    moves, blocks = windows.move[scored], np.unique(windows.block[scored])
    if len(blocks) < 2:
        raise ValueError(f"{len(blocks)} blocks of {BLOCK} s are left to score, 2 are needed")
    squares = float(moves @ moves)
    errors = [(moves - each[scored]) ** 2 for each in (constant, state)]
    gains = np.bincount(windows.block[scored], errors[0] - errors[1])[blocks] / squares
    count = len(blocks)
    gamma = _fitted(_design(windows, True), windows.move)
    return StateComparison(
        constant=1 - float(errors[0].sum()) / squares,
        state=1 - float(errors[1].sum()) / squares,
        error=float(np.sqrt(count * gains.var(ddof=1))),
        blocks=count,
        gamma=(float(gamma[0]), float(gamma[1]), float(gamma[2])),
        constant_gamma=float(_fitted(_design(windows, False), windows.move)[0]),
        n=int(scored.sum()),
        n_excluded=windows.n_excluded,
        undirected=windows.undirected,
    )


def told_from_before(windows: FlowWindows) -> tuple[Floats, Floats]:
    """Return the moves told by a constant gamma and by gamma(state), (n,), NaN in early blocks.

    A block's fit is to the windows whose moves were known when it began.
    """
    blocks, first = np.unique(windows.block, return_index=True)
    found = np.full((2, len(windows.move)), np.nan)
    for label, row in list(zip(blocks, first, strict=True))[int(np.ceil(FIRST * len(blocks))) :]:
        past, own = windows.known <= windows.start[row], windows.block == label
        for place, moving in enumerate((False, True)):
            design = _design(windows, moving)
            found[place, own] = design[own] @ _fitted(design[past], windows.move[past])
    return found[0], found[1]


def _design(windows: FlowWindows, moving: bool) -> Floats:
    """Return flow, where gamma moves flow times each state, and later flow's, (n, 4 or 6)."""
    flow, later = windows.flow[:, None], windows.later[:, None]
    own = (flow, flow * windows.state) if moving else (flow,)
    return np.hstack([*own, later, later * windows.state])


def _fitted(design: Floats, move: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(design, move, rcond=None)[0])
