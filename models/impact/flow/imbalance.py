"""Impact of order-flow imbalance: of the best level, of all levels, and beside signed volume."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.impact.flow.kyle import (
    LEAST_PERIODS,
    FlowFit,
    fit_permanent,
    newey_west_regression,
    no_window,
)
from models.inference.caveat import Caveat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BEST, INTEGRATED = "best-level order-flow imbalance", "integrated order-flow imbalance"
# squared correlation: errors are more than doubled, and which flow moves the mid is not known
COLLINEAR = 0.8


@dataclass(frozen=True, eq=False)
class ImbalanceFit:
    """Mid change on order-flow imbalance, within windows and over the sample.

    weights: (L,) of the levels, absolute sum 1, and explained: the share of their variance that the
    weighted sum holds, over the sample; slope: over the sample, on the weighted sum in shares
    (currency / share per share of imbalance). window: (W,) labels of the windows fitted; r2: (W,)
    within each; r2_next: (W,) of the window, by the weights and the line of the window labelled one
    less, NaN without it; n_excluded: windows left out.
    """

    weights: Floats
    explained: float
    slope: FlowFit
    window: Ints
    r2: Floats
    r2_next: Floats
    n_excluded: int

    def summary(self) -> str:
        """Return the fit as text."""
        ahead = np.nanmean(self.r2_next) if np.isfinite(self.r2_next).any() else np.nan
        weights = " ".join(f"{weight:.3f}" for weight in self.weights)
        return (
            f"{self.slope.summary()}\nweights {weights}  explained {self.explained:.3f}\n"
            f"R2 by window {self.r2.mean():.3f}, next window {ahead:.3f}  windows "
            f"{len(self.window)}  excluded {self.n_excluded}"
        )


@dataclass(frozen=True)
class JointFit:
    """Mid change on imbalance and signed volume together; currency / share a share.

    Errors are those of Newey and West. correlation: of the two flows.
    """

    imbalance: float
    imbalance_error: float
    volume: float
    volume_error: float
    correlation: float
    r2: float
    n: int
    n_excluded: int
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the fit as text."""
        lines = [
            f"Mid change on imbalance ({self.imbalance:.4g}, s.e. {self.imbalance_error:.2g}) and "
            f"signed volume ({self.volume:.4g}, s.e. {self.volume_error:.2g}): R2 {self.r2:.3f}  n "
            f"{self.n}  excluded {self.n_excluded}  correlation {self.correlation:.3f}"
        ]
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_imbalance(
    mid_change: Floats, imbalance: Floats, depth: Floats, window: Ints
) -> ImbalanceFit:
    """Regress mid changes on the first principal component of the levels' imbalances.

    mid_change: (n,) currency / share, NaN where unknown; imbalance, depth: (n, L) shares, depth the
    mean of both sides; with one level the component is that level's imbalance. window: (n,) labels,
    one apart where one follows the other. Imbalances are scaled by the window's mean depth over all
    levels, which makes windows comparable.
    Raises: ValueError when shapes differ or no window has ten known periods in which mid and flow
    vary.
    Source: Cont, Kukanov, Stoikov 2014, "The price impact of order book events", section 3
    (half-hours, best level); Cont, Cucuringu, Zhang 2023, "Cross-impact of order flow imbalance in
    equity markets", section 2 (integrated imbalance, R2 of the next window).
    """
    _check_levels(mid_change, imbalance, depth)
    known = (
        np.isfinite(mid_change)
        & np.isfinite(imbalance).all(axis=1)
        & np.isfinite(depth).all(axis=1)
    )
    labels = np.unique(window)
    lines: dict[int, _Line] = {}
    r2, following = [], []
    scaled = np.full(np.shape(imbalance), np.nan)
    for label in labels:
        rows = np.flatnonzero((window == label) & known)
        flow, change = imbalance[rows], mid_change[rows]
        if len(rows) < LEAST_PERIODS or np.ptp(change) == 0 or not np.any(np.ptp(flow, axis=0)):
            continue
        scaled[rows] = flow / depth[rows].mean()
        lines[label] = _line(change, scaled[rows])
        r2.append(lines[label].r2(change, scaled[rows]))
        before = lines.get(label - 1)
        following.append(before.r2(change, scaled[rows]) if before else np.nan)
    if not lines:
        raise ValueError(no_window(len(labels)))
    used = np.isfinite(scaled).all(axis=1)
    weights, explained = _component(scaled[used])
    total = np.where(used, imbalance @ weights, np.nan)
    return ImbalanceFit(
        weights=weights,
        explained=explained,
        slope=fit_permanent(mid_change, total, BEST if len(weights) == 1 else INTEGRATED),
        window=np.array(list(lines)),
        r2=np.array(r2),
        r2_next=np.array(following),
        n_excluded=len(labels) - len(lines),
    )


def _check_levels(mid_change: Floats, imbalance: Floats, depth: Floats) -> None:
    rows, shape = len(mid_change), np.shape(imbalance)
    for name, value in (("imbalance", imbalance), ("depth", depth)):
        if np.ndim(value) != 2 or len(value) != rows or np.shape(value) != shape:
            raise ValueError(f"{name}: shape {np.shape(value)}; it must be ({rows}, levels)")


def fit_joint(mid_change: Floats, imbalance: Floats, signed_volume: Floats) -> JointFit:
    """Regress mid changes on best-level imbalance and signed volume together.

    mid_change, imbalance, signed_volume: (n,), NaN where unknown.
    Raises: ValueError when fewer than ten periods are known, or a flow is constant.
    Source: Cont, Kukanov, Stoikov 2014, section 3 (imbalance against trade imbalance); errors as in
    `fit_permanent`.
    """
    flows = np.column_stack([imbalance, signed_volume])
    known = np.isfinite(mid_change) & np.isfinite(flows).all(axis=1)
    n = int(known.sum())
    if n < LEAST_PERIODS:
        raise ValueError(f"mid_change: {n} periods are known, at least {LEAST_PERIODS} are needed")
    if not np.all(np.ptp(flows[known], axis=0)):
        raise ValueError("signed_volume: it or imbalance is the same in every period")
    fit = newey_west_regression(mid_change[known], flows[known])
    correlation = float(np.corrcoef(*flows[known].T)[0, 1])
    message = (
        f"imbalance and signed volume have correlation {correlation:.2f}: their joint slopes have "
        "large errors, compare the single ones"
    )
    warnings = (Caveat("flows_collinear", message),) if correlation**2 > COLLINEAR else ()
    return JointFit(
        imbalance=float(fit.params[1]),
        imbalance_error=float(fit.bse[1]),
        volume=float(fit.params[2]),
        volume_error=float(fit.bse[2]),
        correlation=correlation,
        r2=float(fit.rsquared),
        n=n,
        n_excluded=int((~known).sum()),
        warnings=warnings,
    )


@dataclass(frozen=True, eq=False)
class _Line:
    """The line of one window: mid change = intercept + slope (flow @ weights).

    flow: (n, L), in units of depth.
    """

    weights: Floats
    slope: float
    intercept: float

    def r2(self, change: Floats, flow: Floats) -> float:
        rest = change - self.intercept - self.slope * (flow @ self.weights)
        return float(1 - (rest @ rest) / ((change - change.mean()) ** 2).sum())


def _line(change: Floats, flow: Floats) -> _Line:
    weights, _ = _component(flow)
    slope, intercept = np.polyfit(flow @ weights, change, 1)
    return _Line(weights, float(slope), float(intercept))


def _component(flow: Floats) -> tuple[Floats, float]:
    """Return the first component's weights and its share of the variance.

    flow: (n, L); the weights' absolute sum is 1.
    """
    variances, directions = np.linalg.eigh(np.atleast_2d(np.cov(flow, rowvar=False)))
    first = directions.T[-1]
    sign = 1.0 if first.sum() >= 0 else -1.0
    return sign * first / np.abs(first).sum(), float(variances[-1] / variances.sum())
