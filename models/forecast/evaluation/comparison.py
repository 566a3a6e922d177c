"""Which forecasts are better, and whether the difference could be chance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.evaluation.rolling_origin import DailyTrack
from models.losses import qlike_losses

Floats = NDArray[np.float64]
MCS_SIZE, MCS_REPETITIONS = 0.1, 1000
SAME_LOSS = 1e-12  # a larger difference than rounding leaves
LEAST_SCORED = 30  # days, below which no test is made


@dataclass(frozen=True)
class DailyScore:
    """One model's record; smaller is better.

    bias: mean forecast over mean level, minus 1; coverage: share of levels in the interval; dm,
    dm_p: Diebold-Mariano statistic of the QLIKE loss minus the baseline's (negative: better) and
    its two-sided p; mcs_p: p of the model confidence set; in_mcs: whether the 90 % set holds it;
    replaced: forecasts that the filter replaced. NaN where a test cannot be made.
    """

    model: str
    qlike: float
    mse: float
    mae_log: float
    bias: float
    coverage: float
    dm: float
    dm_p: float
    mcs_p: float
    in_mcs: bool
    replaced: int


def compare(
    tracks: dict[str, DailyTrack], baseline: str, horizon: int, seed: int
) -> list[DailyScore]:
    """Score the models on the days whose level is positive, best QLIKE first.

    Raises: ValueError when the baseline is not among them or no day can be scored.
    """
    if baseline not in tracks:
        raise ValueError(
            f"baseline: {baseline!r} is not among the models compared ({', '.join(tracks)})"
        )
    realized = tracks[baseline].realized
    known = realized > 0
    if not known.any():
        raise ValueError("panel: no day to score has a positive level")
    losses = {
        name: qlike_losses(realized[known], track.mean[known]) for name, track in tracks.items()
    }
    confidence = confidence_set(losses, seed)
    scores = []
    for name, track in tracks.items():
        y, mean = realized[known], track.mean[known]
        statistic, p = diebold_mariano(losses[name] - losses[baseline], horizon)
        inside = (y >= track.low[known]) & (y <= track.high[known])
        scores.append(
            DailyScore(
                name,
                float(losses[name].mean()),
                float(((y - mean) ** 2).mean()),
                float(np.abs(np.log(y / mean)).mean()),
                float(mean.mean() / y.mean() - 1),
                float(inside.mean()),
                statistic,
                p,
                confidence[name],
                not confidence[name] <= MCS_SIZE,
                int(track.replaced.sum()),
            )
        )
    return sorted(scores, key=lambda score: score.qlike)


def diebold_mariano(difference: Floats, horizon: int) -> tuple[float, float]:
    """Return Diebold and Mariano's statistic and two-sided p; NaN for losses that never differ.

    difference: (n,) losses less the baseline's, whose mean is 0 under the null.
    The variance is Newey-West's with max(horizon - 1, n^(1/3)) lags.
    Source: Diebold, Mariano 1995, "Comparing predictive accuracy", section 1.1.
    """
    import statsmodels.api as sm  # seconds to import

    if len(difference) < LEAST_SCORED or np.abs(difference).max() <= SAME_LOSS:
        return float("nan"), float("nan")
    lags = max(horizon - 1, int(len(difference) ** (1 / 3)))
    found = sm.OLS(difference, np.ones(len(difference))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags}
    )
    return float(found.tvalues[0]), float(found.pvalues[0])


def confidence_set(
    losses: dict[str, Floats], seed: int, least_block: int = 1, fewest: int = LEAST_SCORED
) -> dict[str, float]:
    """Return every model's p in the model confidence set.

    NaN for fewer than two models that differ, or fewer than `fewest` losses.
    losses: each (n,), in time order. Models with the same losses count once and share a p.

    Source: Hansen, Lunde, Nason 2011, "The model confidence set", with the range statistic and a
    stationary bootstrap of blocks n^(1/3) long, at least `least_block`.
    """
    from arch.bootstrap import MCS  # seconds to import
    from pandas import DataFrame

    days = len(next(iter(losses.values())))
    if len(losses) < 2 or days < fewest:
        return dict.fromkeys(losses, float("nan"))
    alike = first_alike(losses)
    apart = DataFrame({name: losses[name] for name in dict.fromkeys(alike.values())})
    if apart.shape[1] < 2:
        return dict.fromkeys(losses, float("nan"))
    found = MCS(
        apart,
        MCS_SIZE,
        reps=MCS_REPETITIONS,
        block_size=max(least_block, int(days ** (1 / 3))),
        method="R",
        seed=seed,
    )
    found.compute()
    p = {str(name): float(value) for name, value in found.pvalues["Pvalue"].items()}
    return {name: p[alike[name]] for name in losses}


def first_alike(losses: dict[str, Floats]) -> dict[str, str]:
    """Return for every model the first one with the same losses."""
    return {
        name: next(
            other for other in losses if np.abs(losses[other] - losses[name]).max() <= SAME_LOSS
        )
        for name in losses
    }
