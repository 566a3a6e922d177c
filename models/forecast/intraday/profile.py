"""The time-of-day profile of a log measurement: smooth where data are few, else sharp."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

Floats = NDArray[np.float64]
BANDWIDTH = 5.0  # periods, standard deviation of the kernel: some 15 periods wide
ROUNDS = 5
MOST_MOVED = 1.5  # standard errors that shrinkage to flat moves one period by
FIRST_DAY_SHARE = 0.5  # share of a single day's shape that is believed
LEAST_WITHIN = 20  # measurements that a kernel over sparse ones is widened to hold
WIDEST = 8  # of it: the day's length over this
SPARSE = 0.9  # share of measured periods below which a period has no mean of its own


def additive_means(history: Floats) -> tuple[Floats, Floats]:
    """Return the day levels, (D,), and period means, (N,), of history ~ level_d + period_i.

    Zero where nothing is known.
    history: (D, N), NaN where missing.
    """
    known = np.isfinite(history)
    filled = np.where(known, history, 0.0)
    days, periods = np.maximum(known.sum(axis=1), 1), np.maximum(known.sum(axis=0), 1)
    level, period = filled.sum(axis=1) / days, np.zeros(history.shape[1])
    for _ in range(ROUNDS):
        period = np.where(known, filled - level[:, None], 0.0).sum(axis=0) / periods
        period -= np.average(period, weights=known.sum(axis=0)) if known.any() else 0.0
        level = np.where(known, filled - period, 0.0).sum(axis=1) / days
    return level, period


def fit_profile(period: Floats, count: Floats, noise: float, slow: float, days: int) -> Floats:
    """Return the profile, (N,), from the period means.

    count: (N,) days behind each mean; noise, slow: variances of one day's deviations, the part that
    is fresh in every period and the part that neighbours share, which smoothing cannot remove.
    Three steps of shrinkage, each by the variance found against the variance that noise would
    leave: to a local line, the local line to flat, and one day by half. Of several days the second
    moves no period by more than 1.5 standard errors of its own: an opening that stands out is not
    drawn to flat because the rest of the day is.
    Source: Fan, Gijbels 1996, "Local Polynomial Modelling", section 2.3; Efron, Morris 1973 for the
    shrinkage, and 1972, "Limiting the risk of Bayes and empirical Bayes estimators, part II", for
    its limit.
    """
    smooth = _local_line(period, count)
    if days < 2:
        return FIRST_DAY_SHARE * smooth
    rough = period - smooth
    sharp = shrinkage(float((rough**2).mean()), noise / days)
    flat = shrinkage(float(smooth.var()), slow / days)
    most = MOST_MOVED * np.sqrt(slow / days)
    return smooth - np.clip((1 - flat) * smooth, -most, most) + sharp * rough


def is_sparse(history: Floats) -> bool:
    """Tell whether a tenth or more of the periods up to each day's last measurement is empty.

    history: (D, N), NaN where nothing was measured; False where nothing ever was.
    """
    known = np.isfinite(history)
    spans = (known * np.arange(1, known.shape[1] + 1)).max(axis=1, initial=0)
    return bool(known.sum() < SPARSE * spans.sum())


def fit_sparse_profile(period: Floats, count: Floats, noise: float, events: float) -> Floats:
    """Return the profile, (N,), from the means of periods that most days leave empty.

    period: means less the overall one; count: (N,) measurements behind each; noise: variance of one
    measurement; events: how many tell anything (the rarer of ones and zeros). The local line is as
    wide as it takes to hold twenty of them, and shrunk to flat by the noise that it leaves.
    """
    within = 2 * np.sqrt(np.pi) * events / len(period)  # of them, a period of bandwidth
    most = max(BANDWIDTH, len(period) / WIDEST)
    width = min(max(BANDWIDTH, LEAST_WITHIN / max(within, 1e-12)), most)
    smooth = _local_line(period, count, width)
    smooth -= np.average(smooth, weights=count)
    kernel = 2 * np.sqrt(np.pi) * width * count.mean()
    return shrinkage(float(np.average(smooth**2, weights=count)), noise / kernel) * smooth


def shrinkage(found: float, noise: float) -> float:
    """Return the weight, 0 to 1, of an estimate whose variance noise alone would make `noise`."""
    return max(0.0, 1 - noise / found) if found > 0 else 0.0


def _local_line(period: Floats, count: Floats, width: float = BANDWIDTH) -> Floats:
    reach = int(4 * width)
    apart = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (apart / width) ** 2)

    def around(value: Floats, power: int) -> Floats:
        return np.asarray(correlate1d(value, kernel * apart**power, mode="constant"))

    s0, s1, s2 = (around(count, power) for power in range(3))
    t0, t1 = (around(count * period, power) for power in range(2))
    spread = s0 * s2 - s1**2
    return np.divide(
        s2 * t0 - s1 * t1, spread, out=np.zeros(len(period)), where=spread > 1e-9 * s0 * s2
    )
