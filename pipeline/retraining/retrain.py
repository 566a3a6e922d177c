"""The command `impact retrain`: one night, from what is new to what is in force."""

import getpass
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from pipeline.engine.config import Config
from pipeline.engine.digests import digest
from pipeline.engine.job import Job, open_job
from pipeline.engine.places import place
from pipeline.engine.scope import until_close
from pipeline.engine.store import check_out
from pipeline.parameters.export import iso
from pipeline.parameters.schema import Params, read_params
from pipeline.publication.locks import alone
from pipeline.publication.versions import in_force, runs_of, version_of
from pipeline.report.publish import Results
from pipeline.retraining.breaks import shifts_of
from pipeline.retraining.charging import charged
from pipeline.retraining.deciding import Decision, decided, gate_table
from pipeline.retraining.families import (
    Forms,
    Rival,
    forms_in,
    forms_of,
    holding,
    looks_of,
    rivals_of,
)
from pipeline.retraining.gate import Judged, breaks_at, checks_of
from pipeline.retraining.guards import coverage_of, doubts_of, drifts_of
from pipeline.retraining.nights import (
    CANDIDATE,
    LOCK,
    Charged,
    Check,
    Form,
    Night,
    check_order,
    keep_made,
    made_on,
    nights_of,
    write_night,
)
from pipeline.retraining.told import told_of
from pipeline.run import Made, made_of, published, results_by
from pipeline.tape.opening import RawTape, find_tape
from pipeline.tracking.connection import check_store
from pipeline.tracking.handover import move_aliases
from pipeline.tracking.record import Moved


@dataclass(frozen=True)
class Retrained:
    """What a night came to; anew: whether it was done now, or found done."""

    night: Night
    anew: bool
    said: tuple[str, ...]


def retrain(config: Config, out: str, date: str) -> Retrained:
    """Make parameters of all that was known at a session's close, judge them, and let them in force
    or not. The same date twice does nothing the second time.

    Raises: InputError for what cannot be used, UnbelievableTape for a tape that fails its checks,
    StoreUnreachable for a store that does not answer; what is in force then stays.
    """
    check_out(out)
    check_store(config.track.experiment)
    with _alone(out):
        raw = find_tape(config, out)
        with open_job(config, out, raw.bytes) as job:
            return _night(job, raw, out, date)


def _alone(out: str) -> AbstractContextManager[None]:
    """Keep other retrainers away, where the file system can."""
    fs, root = place(out.rstrip("/"), "--out")
    return alone(Path(root) / LOCK) if isinstance(fs, LocalFileSystem) else nullcontext()


@dataclass(frozen=True)
class _Before:
    """What a night begins with: earlier nights, the run in force before it, its parameters and the
    family of every symbol in them.
    """

    nights: Sequence[Night]
    run_id: str | None
    params: Params | None
    forms: Forms

    @property
    def since(self) -> dict[str, str]:
        """Return the first day of the history of symbols that do not have all of it."""
        return self.nights[-1].since if self.nights else {}

    @property
    def sizes(self) -> dict[str, tuple[float, ...]]:
        """Return the order sizes that each symbol's days were measured at the night before."""
        told = self.nights[-1].symbols if self.nights else {}
        return {symbol: one.sizes for symbol, one in told.items() if one.sizes}


@dataclass(frozen=True)
class _Known:
    """A night's date, the digest of all that it follows from, since when symbols are known, and why
    others are left out.
    """

    date: str
    inputs: str
    since: Mapping[str, str]
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class _Tonight:
    """What a night made, what that was judged on, by and as."""

    made: Made
    rivals: Mapping[str, Rival]
    on: Judged
    checks: tuple[Check, ...]
    looks: tuple[Check, ...]
    found: Decision

    def results(self, job: Job, raw: RawTape) -> Results:
        """Return what comes in force, or the refit that is held back, with its checks."""
        results = self.made.results
        if self.found.rival:
            results = results_by(job, raw, self.made.ahead, self.rivals[self.found.rival].fitted)
        return replace(results, gate=gate_table(self.checks, self.looks))

    def to_charge(self, results: Results) -> dict[str, Params]:
        """Return what the next day is to charge, by name: the refit, or the family that takes its
        place, and the challengers.
        """
        rivals = {} if self.found.rival else self.rivals
        return {CANDIDATE: results.params} | {
            name: one.fitted.params for name, one in rivals.items()
        }

    def forms(self, began: _Before) -> dict[str, Form]:
        """Return the family of every symbol in what is in force after the night."""
        if self.found.outcome == "kept":
            return dict(began.forms)
        if self.found.rival:
            return dict(self.rivals[self.found.rival].forms)
        own = forms_in(self.made.results.params)
        return own | {name: form for name, form in began.forms.items() if name in own}


def _night(job: Job, raw: RawTape, out: str, date: str) -> Retrained:
    every = nights_of(out)
    done = next((one for one in every if one.date == date), None)
    began = _began(job, out, date, every)
    job = replace(_until_close(job, date, began.since), sizes=began.sizes)
    made, left_out = made_of(job, raw, holding(began.forms))
    inputs = _inputs(made.results)
    if done is not None and done.inputs == inputs:
        return Retrained(done, anew=False, said=(f"{date} is done: nothing is new",))
    check_order(every, date)
    on = _judged(job, raw, out, made, began, date)
    begins = breaks_at(began.nights, on.shifts, on.doubts)
    if begins:
        job, on = _until_close(job, date, {**began.since, **begins}), replace(on, anew=begins)
        job.sizes = {name: sizes for name, sizes in began.sizes.items() if name not in begins}
        made, left_out = made_of(job, raw, holding(began.forms))
    tonight = _tonight(job, made, began, on)
    results = tonight.results(job, raw)
    keep_made(tonight.to_charge(results), date, out)
    in_force_now = tonight.found.outcome != "kept"
    said = published(job, results, out, in_force=in_force_now).summary
    known = _Known(date, inputs, job.since, job.refused)
    night = _record(known, began, tonight, results, str(in_force(out)))
    write_night(night, out)
    who = f"impact retrain, {getpass.getuser()}"
    moved = Moved(night.in_force, night.run_id, who, night.why, night.made)
    return Retrained(night, anew=True, said=(*left_out, *said, *move_aliases(out, moved)))


def _began(job: Job, out: str, date: str, every: Sequence[Night]) -> _Before:
    nights = [one for one in every if one.date < date]
    done = next((one for one in every if one.date == date), None)
    run_id = done.before if done else _before(job, date, nights, out)
    params = None if run_id is None else _params(out, run_id)
    return _Before(nights, run_id, params, {} if params is None else forms_of(params, nights))


def _judged(job: Job, raw: RawTape, out: str, made: Made, began: _Before, date: str) -> Judged:
    nights = began.nights
    return Judged(
        champion=began.params,
        last=made_on(nights[-1].date, out).get(CANDIDATE) if nights else None,
        nights=nights,
        today=_charged(job, raw, out, nights, date),
        shifts=shifts_of(made.results),
        drifts=drifts_of(made.ahead.measured),
        coverage=coverage_of(made.results.symbols),
        doubts=doubts_of(made.results.symbols, date),
    )


def _tonight(job: Job, made: Made, began: _Before, on: Judged) -> _Tonight:
    rivals = rivals_of(job, made, began.forms) if began.params else {}
    checks = checks_of(made.results.params, on)
    looks = looks_of(began.nights, on.today, began.forms)
    return _Tonight(made, rivals, on, checks, looks, decided(checks, looks, rivals, on))


def _record(known: _Known, began: _Before, tonight: _Tonight, results: Results, now: str) -> Night:
    """Return the night as it is written; now: the run that is in force after it."""
    params = results.params
    return Night(
        date=known.date,
        session=params.valid.start[:10],
        since=dict(known.since),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=known.inputs,
        run_id=params.run_id,
        before=began.run_id,
        in_force=now,
        outcome=tonight.found.outcome,
        why=tonight.found.why,
        forms=tonight.forms(began),
        checks=tonight.checks,
        looks=tonight.looks,
        charged=tonight.on.today,
        symbols=told_of(results, began.nights),
        left_out=dict(known.left_out),
    )


def _before(job: Job, date: str, nights: Sequence[Night], out: str) -> str | None:
    """Return the run that was in force before this night: not one for the same session, which the
    night itself published before it was ended.
    """
    now = in_force(out)
    if now is None or not nights:
        return now
    session = job.calendar.next_session(date)
    own = _params(out, now).valid.start == iso(int(session.starts_ns[0]))
    return nights[-1].in_force if own else now


def _params(out: str, run_id: str) -> Params:
    return read_params(f"{version_of(out, run_id)}/params.json")


def _until_close(job: Job, date: str, since: Mapping[str, str]) -> Job:
    """Return the job of what is known at a session's close, of some symbols from a day on."""
    config = until_close(job.config, job.calendar.session(date))
    return replace(job, config=config, since=since)


def _inputs(results: Results) -> str:
    """Return a digest of all that the candidate follows from."""
    params = results.params
    text = results.config.model_dump_json()
    return digest("\n".join((params.data_hash, params.code_version, text)))


def _charged(
    job: Job, raw: RawTape, out: str, nights: Sequence[Night], date: str
) -> Charged | None:
    """Return what the day charged what last night made for it, what was in force on it, and what
    had been before that night.
    """
    if not nights or nights[-1].session != date or nights[-1].before is None:
        return None
    last, there = nights[-1], runs_of(out)
    if not {last.before, last.in_force} <= set(there):  # too old to be kept
        return None
    made = made_on(last.date, out)
    if CANDIDATE not in made:
        return None
    first = {CANDIDATE: made.pop(CANDIDATE)}
    fixed = {"champion": _params(out, str(last.before)), "in force": _params(out, last.in_force)}
    cost = charged(job, raw, date, {**first, **made}, fixed)
    if cost is None:
        return None
    return Charged(
        date=date,
        twap=cost["twap"],
        candidate=cost[CANDIDATE],
        champion=cost["champion"],
        in_force=cost["in force"],
        rivals={name: cost[name] for name in made},
    )
