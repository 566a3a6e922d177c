"""How forecasters within the day did: their losses, tests between them, and their intervals."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.forecast.evaluation.comparison import confidence_set, diebold_mariano, first_alike
from models.forecast.intraday.catalogue import BASELINE_CANDIDATE
from models.forecast.intraday.period_forecast import PeriodForecast
from models.forecast.intraday.sparse.zeros import bears_zeros
from models.losses import tweedie_deviance, variance_losses

Floats = NDArray[np.float64]
Horizon = Literal["next_period", "day_ahead"]
BLOCK = 30  # periods whose losses are averaged before they are compared
LEAST_DAYS = 3  # scored days, below which nothing is tested
LEAST_ERRORS, LEAST_INTERVAL_DAYS = 200, 5  # below either intervals are Gaussian
TINY = 1e-30
SEED = 0  # of the confidence set's bootstrap


@dataclass(frozen=True)
class ContestEntry:
    """The record of one forecaster, or of several whose forecasts never differ.

    names: theirs; loss: mean; dm_p: Diebold-Mariano against the profile; mcs_p: in the model
    confidence set; n periods, in so many blocks of 30.
    """

    names: tuple[str, ...]
    loss: float
    dm_p: float
    mcs_p: float
    n: int
    blocks: int

    @property
    def candidate(self) -> str:
        """Return what the record is listed under: "one = other" where they are the same."""
        return " = ".join(self.names)


def losses(forecast: PeriodForecast, logs: Floats, variance: bool) -> Floats:
    """Return the loss of every period, (D, N), as `loss_name` tells; NaN where either is missing.

    logs: -inf where zero was measured. A variance's and, where there are zeros, every loss is that
    of the forecast's mean.
    Source: Patton 2011, eq. (24); Jorgensen 1997, section 4.2, for the Tweedie deviance.
    """
    if variance:
        return variance_losses(logs, forecast.mean)
    if bears_zeros(logs):
        # an absurd forecast that is 0 in floating point has a loss to be refused by
        return tweedie_deviance(np.exp(logs), np.maximum(forecast.mean, TINY))
    return np.asarray((logs - forecast.log_mean) ** 2)


def loss_name(logs: Floats, variance: bool) -> str:
    """Return how forecasts of these measurements are scored: qlike, mse_log, or with zeros."""
    if bears_zeros(logs):
        return "qlike_zeros" if variance else "tweedie"
    return "qlike" if variance else "mse_log"


def judge(
    forecasts: dict[str, PeriodForecast],
    logs: Floats,
    variance: bool,
    first: int,
    tests: bool = True,
) -> tuple[ContestEntry, ...]:
    """Return every forecaster's record from day `first` on, least loss first.

    Only periods that all of them forecast count; those that always say the same share a record.
    forecasts: one of them the profile's; they and the logs are (D, N). Losses of 30 periods are one
    observation. No test is made of fewer than three days, nor unless `tests`; empty without any.
    Source: Hansen, Lunde, Nason 2011; Diebold, Mariano 1995.
    """
    found = {name: losses(forecast, logs, variance)[first:] for name, forecast in forecasts.items()}
    known = np.all([np.isfinite(loss) for loss in found.values()], axis=0)
    if not known.any():
        return ()
    blocks = {name: _block_means(loss, known) for name, loss in found.items()}
    alike = first_alike(blocks)
    tested = tests and known.any(axis=1).sum() >= LEAST_DAYS
    of_a_day = -(-logs.shape[1] // BLOCK)  # errors are dependent within the day
    p = confidence_set(blocks, SEED, of_a_day) if tested else dict.fromkeys(found, float("nan"))
    entries = []
    for name in dict.fromkeys(alike.values()):
        apart = blocks[name] - blocks[BASELINE_CANDIDATE]
        entries.append(
            ContestEntry(
                tuple(each for each in found if alike[each] == name),
                float(found[name][known].mean()),
                diebold_mariano(apart, of_a_day + 1)[1] if tested else float("nan"),
                p[name],
                int(known.sum()),
                len(blocks[name]),
            )
        )
    return tuple(sorted(entries, key=lambda entry: entry.loss))


def standard_errors(forecast: PeriodForecast, logs: Floats) -> Floats:
    """Return known past errors of logs over the standard deviations they were expected to have.

    None of fewer than five days: errors of a day share its level, and so few levels say nothing of
    their spread.
    """
    errors = (logs - forecast.log_mean) / np.sqrt(forecast.log_variance)
    known = np.isfinite(errors)
    enough = known.any(axis=1).sum() >= LEAST_INTERVAL_DAYS
    return np.asarray(errors[known]) if enough else np.array([])


def interval(forecast: PeriodForecast, errors: Floats, coverage: float) -> tuple[Floats, Floats]:
    """Return the interval that a measurement falls into with probability `coverage`.

    Low and high have the forecast's shape. Where zeros are as likely as the lower tail the interval
    begins at 0 and leaves out the upper tail alone; [0, 0] where they are likelier than `coverage`.
    errors: standardised past ones, whose quantiles replace the Gaussian's once there are 200.
    Source: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, "Distribution-free predictive
    inference for regression", section 5.2 (locally weighted split conformal).
    """
    zero = 1 - forecast.occurrence
    least, most = (1 - coverage) / 2, (1 + coverage) / 2
    held = zero >= least
    ends = []
    for below in (np.where(held, 0.0, least), np.where(held, coverage, most)):
        inside = np.clip((below - zero) / forecast.occurrence, 0.0, 1.0)
        deviation = _deviations(errors, inside)
        end = np.exp(forecast.log_mean + deviation * np.sqrt(forecast.log_variance))
        ends.append(np.where(inside > 0, end, np.where(np.isnan(end), np.nan, 0.0)))
    return ends[0], ends[1]


def _deviations(errors: Floats, below: Floats) -> Floats:
    """Return the quantiles of standardised errors below which the shares `below` lie."""
    from scipy.special import ndtri

    if len(errors) < LEAST_ERRORS:
        return np.asarray(ndtri(np.where(below > 0, below, 0.5)))
    shares, place = np.unique(np.where(np.isnan(below), 0.5, below), return_inverse=True)
    return np.asarray(np.quantile(errors, shares)[place].reshape(below.shape))


def _block_means(loss: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return the mean known loss of every block of periods, days in order, empty ones left out."""
    starts = np.arange(0, loss.shape[1], BLOCK)
    total = np.add.reduceat(np.where(known, loss, 0.0), starts, axis=1).ravel()
    count = np.add.reduceat(known, starts, axis=1, dtype=np.int64).ravel()
    return np.asarray(total[count > 0] / count[count > 0])
