"""From a tape to parameters: every symbol measured, forecast, fitted, compared and pooled."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from models.impact.book.families import Family
from models.learners import LearnerSettings
from pipeline.engine.code import code_version
from pipeline.engine.data_read import DataRead
from pipeline.engine.digests import digest
from pipeline.engine.findings import as_warnings
from pipeline.engine.job import Job
from pipeline.engine.stage import Output, Task, execute
from pipeline.engine.tables import Selection
from pipeline.parameters.export import FittedSymbol, Provenance, export_params
from pipeline.parameters.schema import Calendar, Params
from pipeline.parameters.taught import Taught
from pipeline.stages.calibration.calibrate import CalibrateSettings, calibrate_symbol
from pipeline.stages.calibration.pool import PooledSymbol, PoolSettings, pool_symbols
from pipeline.stages.forecasting.forecast import forecast_symbol
from pipeline.stages.history import data_read
from pipeline.stages.learning.learn import LearnSettings, learn_costs
from pipeline.stages.measuring.measurement import measure_days
from pipeline.stages.screening.believed import believed_forecasts, believed_tape, joined
from pipeline.stages.selection.select import (
    LAWS,
    SelectSettings,
    decided_by,
    exported_law,
    select_law,
    winner,
)
from pipeline.tape.opening import RawTape, Tape, open_tape


@dataclass(frozen=True)
class Ahead:
    """A tape measured, and what is forecast of the session after it.

    findings: by symbol, of the checks of tape and forecasts; read: by symbol, what of the tape the
    estimates come from; ticks: by symbol, the least step between best prices on any of the days,
    NaN where there is none.
    """

    tape: Tape
    measured: dict[str, tuple[Output, ...]]
    forecasts: dict[str, Output]
    findings: dict[str, pd.DataFrame]
    read: dict[str, DataRead]
    ticks: dict[str, float]


@dataclass(frozen=True)
class Fits:
    """The stored outputs of every symbol; laws: by candidate of `LAWS`, then by symbol."""

    laws: dict[str, dict[str, Output]]
    learned: dict[str, Output]
    selected: dict[str, Output]


@dataclass(frozen=True)
class Chosen:
    """What every symbol exports: its law, what that was chosen by, what learners add; by symbol."""

    laws: Mapping[str, Output]
    selections: Mapping[str, Selection]
    taught: Mapping[str, Taught]


def look_ahead(job: Job, raw: RawTape) -> Ahead:
    """Measure the tape up to the job's `as_of` and forecast the session after it.

    Raises: InputError for a tape, or forecasts, that cannot be used or believed.
    """
    opened = open_tape(job, raw)
    tape, findings = believed_tape(job, opened, opened.scope)
    measured = measure_days(job, tape)
    forecasts = job.per_symbol("forecast", forecast_symbol, tape.scope, measured)
    said = believed_forecasts(job, measured, forecasts, tape.scope)
    findings = {name: joined(table, said[name]) for name, table in findings.items()}
    read, ticks = {}, {}
    for name, outputs in measured.items():
        days = tuple(output.load() for output in outputs)
        read[name] = data_read(days, tape.scope)
        ticks[name] = float(pd.concat([day.periods["tick"] for day in days]).min())
    return Ahead(tape, measured, forecasts, findings, read, ticks)


def fit_symbols(job: Job, ahead: Ahead) -> Fits:
    """Fit every candidate law and regressor, and compare them on held-out periods."""
    asked = job.config.calibrate.family
    wanted = None if asked == "auto" else Family(asked)
    laws = fit_laws(job, ahead, {name: family or wanted for name, family in LAWS.items()})
    learned = fit_learners(job, ahead, laws["law"])
    compared = (ahead.measured, ahead.forecasts, laws["law"], learned)
    selected = job.per_symbol("select", select_law, SelectSettings(ahead.tape.scope), *compared)
    return Fits(laws, learned, selected)


def fit_learners(job: Job, ahead: Ahead, laws: dict[str, Output]) -> dict[str, Output]:
    """Fit every regressor to every symbol, beside the law of its symbol."""
    given = job.config.learn.model_dump(exclude={"export"})
    settings = LearnSettings(ahead.tape.scope, LearnerSettings(**given))
    return job.per_symbol("learn", learn_costs, settings, ahead.measured, ahead.forecasts, laws)


def fit_laws(
    job: Job, ahead: Ahead, families: dict[str, Family | None]
) -> dict[str, dict[str, Output]]:
    """Fit laws to every symbol: by name, then by symbol; a family that is None is selected."""
    tasks = []
    for symbol in ahead.measured:
        for name, family in families.items():
            settings = CalibrateSettings(ahead.tape.scope, family)
            inputs = (ahead.measured[symbol], ahead.forecasts[symbol])
            label = f"{symbol} {name}"
            tasks.append(Task("calibrate", label, calibrate_symbol, inputs, settings, job.store))
    fits = iter(job.stage("calibrate", execute, tasks))
    found: dict[str, dict[str, Output]] = {name: {} for name in families}
    for symbol in ahead.measured:
        for name in families:
            found[name][symbol] = next(fits)
    return found


def selected(job: Job, _: Ahead, fits: Fits) -> Chosen:
    """Return what the comparison of every symbol exports, and the configuration."""
    selections = {symbol: output.load() for symbol, output in fits.selected.items()}
    laws = {symbol: fits.laws[exported_law(one)][symbol] for symbol, one in selections.items()}
    return Chosen(laws, selections, exported_learning(job, fits.learned, selections))


def pool_laws(laws: Mapping[str, Output], ahead: Ahead) -> list[PooledSymbol]:
    """Let the laws that are exported borrow from each other."""
    loaded = tuple((symbol, law.load()) for symbol, law in laws.items())
    return pool_symbols(loaded, PoolSettings(ahead.tape.scope.periods))


def criteria(chosen: Chosen) -> dict[str, str]:
    """Return by what every symbol's law was chosen, or that it was held."""
    return {symbol: decided_by(one) for symbol, one in chosen.selections.items()}


def exported_learning(
    job: Job, learned: Mapping[str, Output], selections: Mapping[str, Selection]
) -> dict[str, Taught]:
    """Return what learners add to every symbol's law.

    The curve is that of the regressor that the configuration asks for, or that the comparison
    selected; without rows where there is none.
    """
    asked = job.config.learn.export
    names = {
        symbol: winner(selection) if asked == "selected" else asked
        for symbol, selection in selections.items()
    }
    return taught_by(learned, names)


def taught_by(learned: Mapping[str, Output], names: Mapping[str, str]) -> dict[str, Taught]:
    """Return what every symbol's learners found, with one regressor's curve; names: by symbol."""
    loaded = {symbol: output.load() for symbol, output in learned.items()}
    return {
        symbol: Taught(one.curves[one.curves["learner"] == names[symbol]], one.coming)
        for symbol, one in loaded.items()
    }


def parameters_of(
    job: Job,
    ahead: Ahead,
    pooled: list[PooledSymbol],
    chosen_by: Mapping[str, str],
    taught: Mapping[str, Taught] | None = None,
) -> Params:
    """Return the parameter file of forecasts and laws.

    chosen_by: by symbol, what its law was chosen by, or that it was held; symbols whose laws were
    not compared are left out. taught: by symbol, what learners add.
    """
    tape, scope, calendar = ahead.tape, ahead.tape.scope, job.calendar
    created = datetime.now(UTC).isoformat(timespec="seconds")
    fitted = tuple(
        FittedSymbol(
            symbol=one.symbol,
            forecast=ahead.forecasts[one.symbol].load(),
            calibration=one.calibration,
            profile=one.profile,
            found=_found(one.symbol, tape, ahead, calendar.timezone),
            chosen_by=chosen_by.get(one.symbol),
            read=ahead.read[one.symbol],
            tick=ahead.ticks[one.symbol],
            taught=(taught or {}).get(one.symbol),
        )
        for one in pooled
    )
    session = Calendar(
        name=calendar.name,
        timezone=calendar.timezone,
        periods=scope.periods,
        period_seconds=scope.period_seconds,
    )
    publish = job.config.publish
    until = calendar.sessions_from(scope.date, publish.expires + 1)[-1].close_ns
    provenance = Provenance(created, code_version(), data_hash(ahead.read), until, publish.currency)
    return export_params(fitted, session, scope.close, provenance)


def data_hash(read: dict[str, DataRead]) -> str:
    """Return the fingerprint of all symbols' data."""
    return digest(*(f"{name} {one.fingerprint}" for name, one in sorted(read.items())))


def _found(symbol: str, tape: Tape, ahead: Ahead, timezone: str) -> pd.DataFrame:
    """Return code and message of what there is to say of a symbol's files and of their content."""
    files = pd.DataFrame(map(vars, tape.caveats[symbol]), columns=["code", "message"])
    return pd.concat([files, as_warnings(ahead.findings[symbol], timezone)], ignore_index=True)
