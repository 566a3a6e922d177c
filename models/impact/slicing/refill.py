"""How fast displayed depth comes back after trades that took it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.caveat import ONE_SIDED, Caveat
from models.microstructure.book import NS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LAGS = np.geomspace(0.01, 120.0, 12)  # seconds after a trade at which the book is looked at
HALF_LIVES = np.geomspace(0.05, 300.0, 20)  # seconds, the candidates
LARGEST_LOG_ERROR = (
    0.5  # of log half-life: its interval is a factor of e either way; noise alone rarely shows less
)
LEAST_BLOCKS, FEW_BLOCKS = 3, 10
GONE = 40  # half-lives after which nothing is left of a hole in double precision


@dataclass(frozen=True, eq=False)
class DepthTape:
    """Displayed depth of both sides and the trades, of one symbol-day.

    ts: (n,) ns, sorted, and bid, ask: (n,) shares displayed from then on; trade_ts: (m,) ns,
    sorted, trade_size: (m,) shares, aggressor: (m,) +1 buyer, -1 seller, 0 unknown.

    Raises: ValueError naming the field.
    """

    ts: Ints
    bid: Floats
    ask: Floats
    trade_ts: Ints
    trade_size: Floats
    aggressor: Ints

    def __post_init__(self) -> None:
        for names in (("ts", "bid", "ask"), ("trade_ts", "trade_size", "aggressor")):
            for name in names:
                shape, first = np.shape(getattr(self, name)), np.shape(getattr(self, names[0]))
                if shape != first or len(shape) != 1:
                    raise ValueError(
                        f"{name}: shape {shape}, {names[0]} has {first}; both must be one (n,)"
                    )
            if (np.diff(getattr(self, names[0])) < 0).any():
                raise ValueError(f"{names[0]}: must not decrease")


@dataclass(frozen=True, eq=False)
class RefillSums:
    """What the fit needs of a tape, additive over blocks of time; one row a block, lag and
    candidate half-life.

    Shapes: (rows,). lag, half_life: seconds; n: changes of depth looked at; without h their sums of
    squares and products, shares^2: y the change of depth, bid over ask, from just before a trade, q
    the signed volume since then, h the change of the hole that all trades so far have left if it
    closes with that half-life. late: looks left out because the block had ended by then; unseen:
    because no quote came before the trade, or none from it to the look.
    """

    block: Ints
    lag: Floats
    half_life: Floats
    n: Ints
    late: Ints
    unseen: Ints
    yy: Floats
    qq: Floats
    qy: Floats
    hh: Floats
    hq: Floats
    hy: Floats


@dataclass(frozen=True)
class RefillFit:
    """Half of what a trade took is back after half_life seconds, but for the lasting share, which
    does not come back.

    half_life: what to use, infinite where it is not identified; estimate: as found, log_error: of
    its logarithm; lasting: 0 where it cannot be told from zero, and its error; covariance of the
    two errors; depth_taken: shares missing from the display just after a trade, of each share
    traded; r2: of weighted depth changes; n looks at the book, n_excluded by reason; blocks.
    """

    half_life: float
    estimate: float
    log_error: float
    lasting: float
    lasting_error: float
    covariance: float
    depth_taken: float
    r2: float
    n: int
    n_excluded: dict[str, int]
    blocks: int
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the fit as text."""
        excluded = ", ".join(f"{reason} {count}" for reason, count in self.n_excluded.items())
        lines = [
            "Refill of displayed depth after trades (impulse response, errors by jackknife of "
            "blocks)",
            f"half-life {self.half_life:.3g} s  estimate {self.estimate:.3g} s  s.e. of its log "
            f"{self.log_error:.2g}",
            f"lasting share {self.lasting:.3g}  s.e. {self.lasting_error:.2g}  depth taken "
            f"{self.depth_taken:.3g}",
            f"R2 {self.r2:.3f}  n {self.n}  excluded: {excluded}  blocks {self.blocks}",
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def refill_sums(tape: DepthTape, edges: Ints) -> RefillSums:
    """Return the sums of one tape, block by block; a block uses nothing that happened after its
    end.

    edges: (B+1,) ns, the blocks' starts and the end. Trades of one time are one, at their net
    volume; trades of unknown side are no part of it. The opposite side is the control: what moves
    both sides cancels.
    Source: the impulse response of depth, as in Large 2007, "Measuring the resiliency of an
    electronic limit order book", with the exponential kernel of Obizhaeva, Wang 2013, eq. (5).
    """
    times, signed = _events(tape, edges)
    block = np.searchsorted(edges, times, side="right") - 1
    looks = times[:, None] + (LAGS * NS).astype(np.int64)
    skew = tape.bid - tape.ask
    before = np.searchsorted(tape.ts, times, side="left") - 1
    row = np.searchsorted(tape.ts, looks, side="right") - 1
    late = looks >= edges[block + 1][:, None]
    unseen = ~late & (
        (row < np.searchsorted(tape.ts, times, side="left")[:, None]) | (before < 0)[:, None]
    )
    used = ~(unseen | late)
    change = (
        np.where(used, skew[row] - skew[before][:, None], 0.0)
        if len(tape.ts)
        else np.zeros(looks.shape)
    )
    last = np.searchsorted(times, looks, side="right") - 1
    volume = np.cumsum(signed)
    since = np.where(used, volume[last] - (volume - signed)[:, None], 0.0)
    gap = np.where(used, (looks - times[last]) / NS, 0.0)

    def by_block(value: NDArray[np.generic]) -> Floats:
        return np.stack([np.bincount(block, column, len(edges) - 1) for column in value.T], axis=-1)

    counts = [by_block(value) for value in (used, late, unseen)]
    squares = [by_block(value) for value in (change**2, since**2, since * change)]
    holed = np.empty((3, len(HALF_LIVES), len(edges) - 1, len(LAGS)))
    for place, half_life in enumerate(HALF_LIVES):
        hole = _holes((times - edges[0]) / NS, signed, half_life)
        moved = np.where(
            used, hole[last] * np.exp2(-gap / half_life) - (hole - signed)[:, None], 0.0
        )
        holed[:, place] = [by_block(value) for value in (moved**2, moved * since, moved * change)]
    return _table(counts, squares, holed)


def _events(tape: DepthTape, edges: Ints) -> tuple[Ints, Floats]:
    """Return the times of directed trades within the edges and the net volume that each time took,
    > 0 from the bid.
    """
    directed = (tape.aggressor != 0) & (tape.trade_ts >= edges[0]) & (tape.trade_ts < edges[-1])
    times, place = np.unique(tape.trade_ts[directed], return_inverse=True)
    signed = -np.bincount(place, (tape.aggressor * tape.trade_size)[directed], len(times))
    return times[signed != 0], signed[signed != 0]


def _holes(seconds: Floats, signed: Floats, half_life: float) -> Floats:
    """Return what is missing just after each event, each event's volume halving every half_life; by
    doubling.
    """
    hole, step = signed.astype(np.float64), 1
    while step < len(hole):
        passed = (seconds[step:] - seconds[:-step]) / half_life
        if passed.min() > GONE:
            break
        hole[step:] = hole[step:] + np.exp2(-passed) * hole[:-step]
        step *= 2
    return hole


def _table(counts: list[Floats], squares: list[Floats], holed: Floats) -> RefillSums:
    """Lay arrays by (block, lag) and (half-life, block, lag) out as rows by block, lag and
    half-life.
    """
    blocks, candidates = len(counts[0]), len(HALF_LIVES)
    n, late, unseen = (np.repeat(value.ravel(), candidates).astype(np.int64) for value in counts)
    yy, qq, qy = (np.repeat(value.ravel(), candidates) for value in squares)
    hh, hq, hy = (np.moveaxis(value, 0, -1).ravel() for value in holed)
    return RefillSums(
        block=np.repeat(np.arange(blocks), len(LAGS) * candidates),
        lag=np.tile(np.repeat(LAGS, candidates), blocks),
        half_life=np.tile(HALF_LIVES, blocks * len(LAGS)),
        n=n,
        late=late,
        unseen=unseen,
        yy=yy,
        qq=qq,
        qy=qy,
        hh=hh,
        hq=hq,
        hy=hy,
    )


def fit_refill(sums: RefillSums) -> RefillFit:
    """Fit y = -a h - b q by least squares, each lag weighted by the inverse of its variance, and
    find the half-life.

    sums: rows of one or many tapes; blocks of different tapes need different labels. As h holds
    every trade so far, trades that follow each other are not taken for a slow refill. b is left out
    where it cannot be told from zero. Where the half-life is not identified it becomes infinite, as
    if nothing came back, and says so.
    Raises: ValueError when a block lacks a lag or a half-life.
    Source: Efron, Stein 1981, "The jackknife estimate of variance", for the errors, over blocks.
    """
    counts, moments = _arranged(sums)
    blocks = len(moments)
    found = _jackknifed(moments, lasting=True)
    if not found.lasting >= ONE_SIDED * found.error("lasting"):
        found = _jackknifed(moments, lasting=False)
    reason = _unidentified(found, blocks)
    caveats = (
        [Caveat("refill_not_identified", f"{reason}: no depth is taken to come back")]
        if reason
        else []
    )
    if not reason and blocks < FEW_BLOCKS:
        caveats.append(
            Caveat("refill_few_blocks", f"{blocks} blocks are few: the half-life's error is rough")
        )
    return RefillFit(
        half_life=np.inf if reason else found.half_life,
        estimate=found.half_life,
        log_error=found.error("log_half_life"),
        lasting=0.0 if reason else found.lasting,
        lasting_error=found.error("lasting"),
        covariance=float(found.covariance[0, 2]),
        depth_taken=found.taken,
        r2=found.r2,
        n=counts["n"],
        blocks=blocks,
        warnings=tuple(caveats),
        n_excluded={"after the block": counts["late"], "no quote": counts["unseen"]},
    )


def _arranged(sums: RefillSums) -> tuple[dict[str, int], Floats]:
    """Return the counts over all blocks, and the weighted moments of every block with a look, (B,
    T, 6).
    """
    labels = np.unique(sums.block)
    shape = (len(labels), len(LAGS), len(HALF_LIVES))
    order = np.lexsort((sums.half_life, sums.lag, sums.block))
    if len(order) != np.prod(shape):
        raise ValueError(
            f"block: {len(order)} rows in {len(labels)} blocks, not {len(LAGS) * len(HALF_LIVES)} "
            "in each"
        )
    counts = {
        name: getattr(sums, name)[order].reshape(shape)[..., 0] for name in ("n", "late", "unseen")
    }
    names = ("hh", "hq", "qq", "hy", "qy", "yy")
    raw = np.stack([getattr(sums, name)[order].reshape(shape) for name in names], axis=-1)
    looks, square = counts["n"].sum(axis=0), raw[:, :, 0, 5].sum(axis=0)
    weight = np.divide(looks, square, out=np.zeros(len(LAGS)), where=square > 0)
    moments = np.einsum("blts,l->bts", raw, weight)
    return {name: int(value.sum()) for name, value in counts.items()}, moments[
        counts["n"].sum(axis=1) > 0
    ]


@dataclass(frozen=True, eq=False)
class _Found:
    """The minimum and its covariance, both of (log half-life, a, lasting share); NaN where there is
    none.
    """

    point: Floats
    taken: float
    r2: float
    inside: bool
    covariance: Floats

    @property
    def half_life(self) -> float:
        return float(np.exp(self.point[0]))

    @property
    def lasting(self) -> float:
        return float(self.point[2])

    def error(self, name: str) -> float:
        place = ("log_half_life", "back", "lasting").index(name)
        return float(np.sqrt(self.covariance[place, place]))


def _jackknifed(moments: Floats, lasting: bool) -> _Found:
    total, blocks = moments.sum(axis=0), len(moments)
    point, taken, r2, inside = _minimum(total, lasting)
    covariance = np.full((3, 3), np.nan)
    if blocks >= LEAST_BLOCKS:
        without = np.array([_minimum(total - one, lasting)[0] for one in moments])
        away = without - without.mean(axis=0)
        covariance = away.T @ away * (blocks - 1) / blocks
    return _Found(point, taken, r2, inside, covariance)


def _minimum(moments: Floats, lasting: bool) -> tuple[Floats, float, float, bool]:
    """Return the best (log half-life, a, lasting share), a + b, R2, and whether it lies between the
    candidates.

    moments: (T, 6), sums of hh, hq, qq, hy, qy, yy. The minimum is a parabola's through the best
    candidate and its neighbours.
    """
    hh, hq, qq, hy, qy, yy = moments.T
    determinant = hh * qq - hq**2 if lasting else hh
    known = (determinant > 1e-9 * hh * qq) if lasting else hh > 0
    safe = np.where(known, determinant, 1.0)
    back = -np.where(known, (hy * qq - qy * hq) if lasting else hy, 0.0) / safe
    stays = -np.where(known & lasting, qy * hh - hy * hq, 0.0) / safe
    left = yy + back * hy + stays * qy
    place, grid = int(np.argmin(left)), np.log(HALF_LIVES)
    inside = bool(0 < place < len(grid) - 1 and known.all())
    at = grid[place]
    if inside:
        below, here, above = left[place - 1 : place + 2]
        at += (
            (grid[1] - grid[0]) * (below - above) / 2 / max(below - 2 * here + above, 1e-12 * yy[0])
        )
    a, b = float(np.interp(at, grid, back)), float(np.interp(at, grid, stays))
    share = float(np.clip(b / (a + b), 0.0, 1.0)) if a + b > 0 else 0.0
    return (
        np.array([at, a, share]),
        a + b,
        float(1 - left[place] / yy[0]) if yy[0] > 0 else 0.0,
        inside,
    )


def _unidentified(found: _Found, blocks: int) -> str:
    if blocks < LEAST_BLOCKS:
        return (
            f"{blocks} blocks have trades with a book after them, at least {LEAST_BLOCKS} are "
            "needed"
        )
    if not found.inside:
        return f"depth shows no half-life between {HALF_LIVES[0]:g} and {HALF_LIVES[-1]:g} seconds"
    if not found.point[1] >= ONE_SIDED * found.error("back"):
        return "depth after trades that took it cannot be told from depth before"
    error = found.error("log_half_life")
    if not error <= LARGEST_LOG_ERROR:
        return (
            f"the half-life is {found.half_life:.3g} s, its log has a standard error of {error:.2g}"
        )
    return ""
