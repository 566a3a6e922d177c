"""Immediate impact: how far the mid moves at once with a trade."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from models.impact.flow.trades import COUNTS, LAGS, MOMENTS, ImmediateSums
from models.inference.caveat import ONE_SIDED, Caveat
from models.inference.covariance import ClusterSums, Influence, jackknifed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_CLUSTERS = 3
# of a longer lag taken for nothing, over all lags: the largest of noisy responses is too large, but
# one missed makes the bound of what stays too low
FALSE_ALARM = 0.05
COLLINEAR = 1e-9  # what is left of later flow beside the trade itself, a share


@dataclass(frozen=True, eq=False)
class ImmediateFit:
    """What a share moves the mid at once, currency / share^2, with later flow partialled out.

    estimate, standard_error, dof (of t): of the response at `lag` seconds; identified: whether it
    can be told from zero; lags, responses, errors: of every lag, (L,). n: trades, n_excluded: looks
    and prints by reason, still: the share of trades with no move; clusters; influence: of each
    cluster on the estimate, (G, 1); r2.
    """

    estimate: float
    standard_error: float
    dof: float
    lag: float
    identified: bool
    lags: Floats
    responses: Floats
    errors: Floats
    n: int
    n_excluded: dict[str, int]
    still: float
    clusters: int
    influence: Influence
    r2: float
    warnings: tuple[Caveat, ...]

    def summary(self) -> str:
        """Return the fit as text."""
        excluded = ", ".join(f"{reason} {count}" for reason, count in self.n_excluded.items())
        lines = ["Immediate impact (mid change on a trade and later flow, errors by jackknife)"]
        lines += [
            f"{lag:>6g} s {response:>12.4g}  s.e. {error:.2g}{'  used' if lag == self.lag else ''}"
            for lag, response, error in zip(self.lags, self.responses, self.errors, strict=True)
        ]
        lines.append(
            f"R2 {self.r2:.3f}  n {self.n}  no move {self.still:.1%}  excluded: {excluded}  "
            f"clusters {self.clusters}"
        )
        return "\n".join(lines + [f"{caveat.code}: {caveat.message}" for caveat in self.warnings])


def fit_immediate(sums: ImmediateSums) -> ImmediateFit:
    """Regress y = response q + c f by lag, through the origin, and take the largest response.

    sums: rows of one or many tapes; rows of one label add up and are a cluster of the errors. A
    trade of no size moves nothing, and trades without a move are data like others. The largest of
    noisy responses is too large: a longer lag is taken only where its response is larger than that
    of the lag so far by more than their errors, at FALSE_ALARM over all lags.
    Source: the response function of Bouchaud, Gefen, Potters, Wyart 2004, "Fluctuations and
    response in financial markets", section 2, with later flow partialled out (Frisch, Waugh 1933);
    Bell, McCaffrey 2002 for errors over few clusters; Bonferroni for the lags.
    """
    lags = np.unique(sums.lag) if len(sums.lag) else LAGS
    labels, counts, moments = _arranged(sums, lags)
    found = _regressions(labels, moments)
    errors = np.sqrt(np.diag(found.influence.covariance))
    place = _largest(found.responses, found.influence)
    estimate, error = float(found.responses[place]), float(errors[place])
    reason = _unidentified(estimate, error, len(moments))
    one = {name: int(value[place]) for name, value in counts.items()}
    return ImmediateFit(
        estimate=estimate,
        standard_error=error,
        dof=float(found.influence.dof[place]),
        lag=float(lags[place]),
        identified=not reason,
        lags=lags,
        responses=found.responses,
        errors=errors,
        n=one["n"],
        n_excluded={
            "after the block": one["late"],
            "no mid": one["unseen"],
            "unknown side": one["undirected"],
        },
        still=one["still"] / max(one["n"], 1),
        clusters=len(moments),
        influence=_column(found.influence, place),
        r2=float(found.r2[place]),
        warnings=(Caveat("immediate_not_identified", reason),) if reason else (),
    )


def _arranged(sums: ImmediateSums, lags: Floats) -> tuple[Ints, dict[str, Ints], Floats]:
    """Return the labels of clusters with trades, (G,), counts by lag, (L,), moments, (G, L, 6)."""
    lag = np.searchsorted(lags, sums.lag)
    labels, cluster = np.unique(sums.block, return_inverse=True)
    moments = np.zeros((len(labels), len(lags), len(MOMENTS)))
    np.add.at(moments, (cluster, lag), np.column_stack([getattr(sums, name) for name in MOMENTS]))
    counts = {
        name: np.bincount(lag, getattr(sums, name), len(lags)).astype(np.int64)
        for name in (*COUNTS, "undirected")
    }
    traded = moments[:, 0, 0] > 0
    return labels[traded], counts, moments[traded]


@dataclass(frozen=True, eq=False)
class _Regressions:
    """Every lag's response and R2, (L,), and the clusters' influence on the responses, (G, L)."""

    responses: Floats
    r2: Floats
    influence: Influence


def _regressions(labels: Ints, moments: Floats) -> _Regressions:
    """Fit every lag; NaN where too few clusters have trades with a mid after them."""
    lags = moments.shape[1]
    qq, qf, ff, qy, fy, yy = moments.sum(axis=0).T
    if len(labels) < LEAST_CLUSTERS or not (qq > 0).all():
        unknown = np.full(lags, np.nan)
        nothing = Influence(labels, np.full((len(labels), lags), np.nan), np.zeros(lags))
        return _Regressions(unknown, unknown, nothing)
    free = qq * ff - qf**2
    apart = free > COLLINEAR * qq * ff
    safe = np.where(apart, free, 1.0)
    response = np.where(apart, (qy * ff - fy * qf) / safe, qy / qq)
    later = np.where(apart, (fy * qq - qy * qf) / safe, 0.0)
    left = yy - response * qy - later * fy
    r2 = 1 - left / np.maximum(yy, np.finfo(np.float64).tiny)
    equations = _equations(labels, moments, np.stack([response, later]), apart)
    return _Regressions(response, r2, jackknifed(equations, np.eye(lags, 2 * lags)))


def _equations(
    labels: Ints, moments: Floats, point: Floats, apart: NDArray[np.bool_]
) -> ClusterSums:
    """Return the normal equations of all lags by cluster: first of the trades, then of later flow.

    point: (2, L), the coefficients. apart: (L,), where later flow is no multiple of the trades;
    elsewhere its equation is replaced by one that holds at 0.
    """
    lags = len(apart)
    qq, qf, ff, qy, fy, _ = np.moveaxis(moments, -1, 0)
    qf, ff, fy = qf * apart, np.where(apart, ff, qq), fy * apart
    own, other = np.arange(lags), np.arange(lags) + lags
    information = np.zeros((len(labels), 2 * lags, 2 * lags))
    information[:, own, own], information[:, other, other] = qq, ff
    information[:, own, other] = information[:, other, own] = qf
    response, later = point
    scores = np.hstack([qy - response * qq - later * qf, fy - response * qf - later * ff])
    return ClusterSums(labels, scores, -information, information)


def _column(influence: Influence, place: int) -> Influence:
    return Influence(influence.labels, influence.values[:, [place]], influence.dof[[place]])


def _largest(responses: Floats, influence: Influence) -> int:
    """Return the lag whose response is the largest as far as it can be told."""
    place, level = 0, FALSE_ALARM / max(len(responses) - 1, 1)
    for longer in range(1, len(responses)):
        apart = influence.values[:, longer] - influence.values[:, place]
        dof = min(influence.dof[longer], influence.dof[place])
        least = stats.t.isf(level, dof) * np.linalg.norm(apart)
        if responses[longer] - responses[place] > least:
            place = longer
    return place


def _unidentified(estimate: float, error: float, clusters: int) -> str:
    if clusters < LEAST_CLUSTERS:
        return (
            f"{clusters} blocks have directed trades with a mid after them, at least "
            f"{LEAST_CLUSTERS} are needed for the immediate response"
        )
    if not estimate > ONE_SIDED * error:
        return (
            f"the immediate response cannot be told from zero: estimate {estimate:.3g}, "
            f"standard error {error:.2g}"
        )
    return ""
