"""Regressors of a daily level on what was measured up to the evening before, one function a model.

Every function returns (D - 21, k): a row for each day from the 22nd on, NaN where a measure is
missing.
"""

import numpy as np
from numpy.typing import NDArray

from models.forecast.daily.har import WINDOWS, lag_means
from models.forecast.daily.measures import Measures, positive_log

Floats = NDArray[np.float64]
START = WINDOWS[-1] - 1  # days before the first row


def har(days: Measures) -> Floats:
    """Return the last day, week and month. Source: Corsi 2009, eq. (8)."""
    return _with_constant(lag_means(days.level))


def harq(days: Measures) -> Floats:
    """Return HAR and the last day times the standard error of its measurement.

    Source: Bollerslev, Patton, Quaedvlieg 2016, "Exploiting the errors", eq. (10).
    """
    error = days.level * np.sqrt(days.needed("quarticity"))
    return np.column_stack([har(days), error[START:]])


def semivariance_har(days: Measures) -> Floats:
    """Return HAR with the last day split into its semivariances.

    Source: Patton, Sheppard 2015, "Good volatility, bad volatility", eq. (13).
    """
    halves = [days.needed(name)[START:] for name in ("negative", "positive")]
    return _with_constant(np.column_stack([*halves, lag_means(days.level)[:, 1:]]))


def jump_har(days: Measures) -> Floats:
    """Return HAR and the last day's jump. Source: Andersen, Bollerslev, Diebold 2007, eq. (11)."""
    return np.column_stack([har(days), days.needed("jump")[START:]])


def log_har(days: Measures) -> Floats:
    """Return the logs of the last day, week and month."""
    return _with_constant(positive_log(lag_means(days.level)))


def log_calendar_har(days: Measures) -> Floats:
    """Return log-HAR and the weekday to be forecast: the most that level and date allow."""
    return np.column_stack([log_har(days), next_weekday(days)])


def log_jump_har(days: Measures) -> Floats:
    """Return log-HAR and the log of one plus the jump's share."""
    share = np.divide(
        days.needed("jump"), days.level, out=np.full(len(days), np.nan), where=days.level > 0
    )
    return np.column_stack([log_har(days), np.log1p(share)[START:]])


def log_semivariance_har(days: Measures) -> Floats:
    """Return log-HAR and the log ratio of negative to positive semivariance, day and week."""
    means = [positive_log(lag_means(days.needed(name))[:, :2]) for name in ("negative", "positive")]
    return np.column_stack([log_har(days), means[0] - means[1]])


def log_harq(days: Measures) -> Floats:
    """Return log-HAR and the log relative standard error, which pulls a noisy day back."""
    return np.column_stack([log_har(days), _noise(days)])


def log_semivariance_harq(days: Measures) -> Floats:
    """Return the regressors of the two before."""
    return np.column_stack([log_semivariance_har(days), _noise(days)])


def log_calendar_harq(days: Measures) -> Floats:
    """Return those and the weekday to be forecast, known in advance."""
    return np.column_stack([log_semivariance_harq(days), next_weekday(days)])


def next_weekday(days: Measures) -> Floats:
    """Return indicators of the weekday after each day, (D - 21, 6): Tuesday to Sunday.

    It follows from the calendar alone: the day after, beyond the weekend unless the market was open
    on one of the last 22 days that fell on a weekend. Holidays are not known here.
    """
    day = days.needed("date").astype("datetime64[D]").astype(np.int64)
    weekday = (day + 3) % 7  # 1970-01-01: a Thursday
    weekends = np.concatenate([[0], (weekday >= 5).cumsum()])
    open_weekends = (weekends[START + 1 :] - weekends[: -START - 1]) > 0
    after = (weekday[START:] + 1) % 7
    after = np.where((after >= 5) & ~open_weekends, 0, after)
    return (after[:, None] == np.arange(1, 7)).astype(np.float64)


def _noise(days: Measures) -> Floats:
    return (positive_log(days.needed("quarticity")) / 2 - positive_log(days.level))[START:]


def _with_constant(columns: Floats) -> Floats:
    return np.column_stack([np.ones(len(columns)), columns])
