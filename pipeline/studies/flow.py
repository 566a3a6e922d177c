"""The flow route on its own: impact from trades and quotes, by every estimator and time of day."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.impact.flow.imbalance import ImbalanceFit, JointFit, fit_imbalance, fit_joint
from models.impact.flow.kyle import Shrunk, fit_windows, shrink
from models.impact.flow.permanent import PermanentImpact, permanent_impact
from models.inference.caveat import Caveat
from pipeline.engine.config import Config
from pipeline.engine.data_read import DataRead
from pipeline.engine.errors import InputError, Refused
from pipeline.engine.findings import caveats
from pipeline.engine.job import Job, open_job
from pipeline.engine.scope import Scope
from pipeline.engine.stage import Output
from pipeline.stages.history import data_read, past_periods
from pipeline.stages.measuring.measurement import measure_days
from pipeline.stages.screening.believed import believed_tape
from pipeline.tape.opening import RawTape, find_tape, open_tape

LEAST_PERIODS = 10  # a window


@dataclass(frozen=True)
class FlowRequest:
    """What was asked of the flow route: where the cache is, and the day's windows (seconds)."""

    out: str
    window_seconds: int = 1800


@dataclass(frozen=True)
class SymbolTask:
    """One symbol's measured days, what of them may be used, and how they are divided."""

    symbol: str
    days: tuple[Output, ...]
    scope: Scope
    window_seconds: int
    timezone: str


@dataclass(frozen=True, eq=False)
class SymbolFlow:
    """One symbol's estimates.

    best, integrated: imbalance of the best level, and of all (None with one level); joint: None
    where one of the two flows does not vary; shrunk: gamma by time of day, None without signed
    volume. times: by bucket: time (at the exchange), days, r2_imbalance, r2_integrated, r2_volume
    (within each day's window, averaged), gamma and standard_error (Kyle's slope, unshrunk), shrunk,
    shrunk_error, weight, permanent (shrunk, scaled to the gamma to plan with: the share that stays
    is taken as the same all day; NaN where the common slope is not positive); no column where there
    is no such fit. n_windows, n_windows_excluded: of signed volume, over all days.
    """

    symbol: str
    days: int
    periods: int
    permanent: PermanentImpact
    best: ImbalanceFit
    integrated: ImbalanceFit | None
    joint: JointFit | None
    shrunk: Shrunk | None
    times: pd.DataFrame
    n_windows: int
    n_windows_excluded: int
    warnings: tuple[Caveat, ...]
    read: DataRead


@dataclass(frozen=True, eq=False)
class FlowCalibration:
    """The flow route's result over a tape; left_out: symbols that could not be used, as lines."""

    source: str
    period_seconds: int
    window_seconds: int
    symbols: tuple[SymbolFlow, ...]
    left_out: tuple[str, ...] = ()


def calibrate_flow(request: FlowRequest, config: Config) -> FlowCalibration:
    """Fit every estimator of the flow route to every symbol of the tape, up to `as_of` or its end.

    A symbol that cannot be used is left out. Raises: InputError when none can.
    """
    period = config.data.period_seconds
    if request.window_seconds < LEAST_PERIODS * period:
        raise InputError(
            f"period_seconds = {period}: a window of {request.window_seconds} s holds fewer than "
            f"{LEAST_PERIODS} periods; take a shorter period"
        )
    raw = find_tape(config, request.out)
    with open_job(config, request.out, raw.bytes) as job:
        whole = job.without_refused(lambda: _fit_tape(job, raw, request.window_seconds))
        return FlowCalibration(
            config.data.source, period, request.window_seconds, whole, job.left_out()
        )


def _fit_tape(job: Job, raw: RawTape, window_seconds: int) -> tuple[SymbolFlow, ...]:
    opened, zone = open_tape(job, raw), job.calendar.timezone
    scope = opened.scope if job.config.data.as_of else opened.scope.to_the_close()
    tape, findings = believed_tape(job, opened, scope)
    tasks = [
        SymbolTask(name, days, scope, window_seconds, zone)
        for name, days in measure_days(job, tape).items()
    ]
    found = job.executor.map(_fit_symbol, tasks, "flow")
    said = {name: tuple(caveats(table, zone)) for name, table in findings.items()}
    return tuple(replace(one, warnings=one.warnings + said[one.symbol]) for one in found)


def _fit_symbol(task: SymbolTask) -> SymbolFlow:
    days = tuple(day.load() for day in task.days)
    periods, read = past_periods(days, task.scope), data_read(days, task.scope)
    try:
        return fit_symbol(read, periods, task)
    except ValueError as error:
        message = f"flow {task.symbol}: {error}"
        raise Refused(message, {task.symbol: message}) from error


def fit_symbol(read: DataRead, periods: pd.DataFrame, task: SymbolTask) -> SymbolFlow:
    """Fit every estimator to one symbol's periods (as of `past_periods`); read: what they are of.

    Raises: ValueError when there are too few.
    """
    change = (periods["mid_close"] - periods["mid_open"]).to_numpy()
    flow = periods["flow"].to_numpy()
    day = periods["date"].astype("category").cat.codes.to_numpy(dtype=np.int64)
    bucket = (
        periods["period"].to_numpy(dtype=np.int64)
        * task.scope.period_seconds
        // task.window_seconds
    )
    # the day's first window does not follow the last one's
    window = day * (bucket.max() + 2) + bucket
    imbalance, depth = _levels(periods)
    best = fit_imbalance(change, imbalance[:, :1], depth[:, :1], window)
    integrated = fit_imbalance(change, imbalance, depth, window) if imbalance.shape[1] > 1 else None
    permanent = permanent_impact(change, flow, periods["stretch"].to_numpy(dtype=np.int64))
    varies = bool(np.ptp(flow) > 0)
    joint = (
        fit_joint(change, imbalance[:, 0], flow) if varies and np.ptp(imbalance[:, 0]) > 0 else None
    )
    by_window = fit_windows(change, flow, window) if varies else None
    r2 = {"imbalance": pd.Series(best.r2, best.window)}
    if integrated:
        r2["integrated"] = pd.Series(integrated.r2, integrated.window)
    if by_window:
        r2["volume"] = pd.Series(by_window.values("r2"), by_window.window)
    shrunk, slopes = (
        _by_time(change, flow, bucket, permanent.gamma) if varies else (None, pd.DataFrame())
    )
    times = (
        _times(periods, bucket, window, task.timezone)
        .join(_mean_r2(r2, window, bucket))
        .join(slopes)
    )
    return SymbolFlow(
        symbol=task.symbol,
        read=read,
        days=int(day.max()) + 1,
        periods=len(periods),
        permanent=permanent,
        best=best,
        integrated=integrated,
        joint=joint,
        shrunk=shrunk,
        times=times,
        n_windows=len(by_window.fits) if by_window else 0,
        n_windows_excluded=by_window.n_excluded if by_window else len(np.unique(window)),
        warnings=permanent.warnings
        + (integrated or best).slope.warnings
        + (joint.warnings if joint else ()),
    )


def _levels(periods: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return imbalance and depth (mean of both sides) of every level, each (n, L)."""
    levels = range(sum(name.startswith("ofi_") for name in periods))
    imbalance = periods[[f"ofi_{level}" for level in levels]].to_numpy(dtype=np.float64)
    bid, ask = (
        periods[[f"depth_{side}_{level}" for level in levels]].to_numpy() for side in ("bid", "ask")
    )
    return imbalance, (bid + ask) / 2


def _times(
    periods: pd.DataFrame, bucket: np.ndarray, window: np.ndarray, timezone: str
) -> pd.DataFrame:
    """Return when each time of day begins and on how many days it is on tape, by bucket."""
    starts = pd.to_datetime(periods["start"], utc=True).dt.tz_convert(timezone).dt.strftime("%H:%M")
    rows = pd.DataFrame({"bucket": bucket, "time": starts, "window": window})
    return rows.groupby("bucket").agg(time=("time", "min"), days=("window", "nunique"))


def _mean_r2(r2: dict[str, pd.Series], window: np.ndarray, bucket: np.ndarray) -> pd.DataFrame:
    """Return the mean over the days of every R2, by bucket."""
    bucket_of = pd.Series(bucket, window).groupby(level=0).first()
    return pd.DataFrame(
        {f"r2_{name}": values.groupby(bucket_of).mean() for name, values in r2.items()}
    )


def _by_time(
    change: np.ndarray, flow: np.ndarray, bucket: np.ndarray, gamma: float
) -> tuple[Shrunk, pd.DataFrame]:
    """Return gamma by time of day, every day together, and its table by bucket.

    gamma: what its level is to be.
    """
    fits = fit_windows(change, flow, bucket)
    estimate, error = fits.values("estimate"), fits.values("standard_error")
    shrunk = shrink(estimate, error)
    table = {
        "gamma": estimate,
        "standard_error": error,
        "shrunk": shrunk.value,
        "shrunk_error": shrunk.standard_error,
        "weight": shrunk.weight,
        "permanent": shrunk.value * (gamma / shrunk.common if shrunk.common > 0 else np.nan),
    }
    return shrunk, pd.DataFrame(table, index=fits.window)
