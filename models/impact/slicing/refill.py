"""How fast displayed depth comes back after trades that took it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.slicing.depth import HALF_LIVES, LAGS, RefillSums
from models.inference.caveat import ONE_SIDED, Caveat

Floats = NDArray[np.float64]
# of log half-life: its interval is a factor of e either way; noise alone rarely shows less
LARGEST_LOG_ERROR = 0.5
LEAST_BLOCKS, FEW_BLOCKS = 3, 10


@dataclass(frozen=True)
class RefillFit:
    """Half of what a trade took is back after half_life seconds, all but the lasting share.

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

    @property
    def upper_half_life(self) -> float:
        """Return the upper end of the half-life's 95 % interval, seconds, t over the blocks."""
        if not np.isfinite(self.half_life):
            return float("inf")
        reach = float(stats.t.ppf(0.975, self.blocks - 1)) * self.log_error
        return float(self.half_life * np.exp(reach))

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


def fit_refill(sums: RefillSums) -> RefillFit:
    """Fit y = -a h - b q by weighted least squares and find the half-life.

    Each lag is weighted by the inverse of its variance. sums: rows of one or many tapes; blocks of
    different tapes need different labels. As h holds every trade so far, trades that follow each
    other are not taken for a slow refill. b is left out where it cannot be told from zero. Where
    the half-life is not identified it becomes infinite, as if nothing came back, and says so.
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
    """Return the counts over all blocks, and every looked-at block's moments, (B, T, 6)."""
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
    """The minimum and its covariance, both of (log half-life, a, lasting share).

    NaN where there is none.
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
    """Return the best (log half-life, a, lasting share), a + b, R2, and whether it is inside.

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
