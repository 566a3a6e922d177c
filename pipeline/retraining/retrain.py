"""The command `impact retrain`: one night, from what is new to what is in force."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from fsspec.implementations.local import LocalFileSystem

from pipeline.engine.config import Config
from pipeline.engine.digests import digest
from pipeline.engine.errors import InputError
from pipeline.engine.job import Job, open_job
from pipeline.engine.places import place
from pipeline.engine.sessions import SECOND_NS
from pipeline.engine.store import check_out
from pipeline.parameters.schema import Params, read_params
from pipeline.publication.locks import held
from pipeline.publication.versions import in_force, runs_of, version_of
from pipeline.report.publish import Results
from pipeline.retraining.breaks import shifts_of
from pipeline.retraining.charging import charged
from pipeline.retraining.gate import Judged, breaks_at, checks_of
from pipeline.retraining.nights import (
    LOCK,
    Charged,
    Check,
    Night,
    Outcome,
    candidate_of,
    keep_candidate,
    nights_of,
    write_night,
)
from pipeline.run import published, results_of
from pipeline.tape.opening import RawTape, find_tape
from pipeline.tracking.connection import check_store


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
    return held(Path(root) / LOCK, 0.0) if isinstance(fs, LocalFileSystem) else nullcontext()


def _night(job: Job, raw: RawTape, out: str, date: str) -> Retrained:
    every = nights_of(out)
    nights = [one for one in every if one.date < date]
    since = nights[-1].since if nights else None
    job = _until_close(job, date, since)
    results, left_out = results_of(job, raw)
    done = next((one for one in every if one.date == date), None)
    inputs = _inputs(results)
    if done is not None and done.inputs == inputs:
        return Retrained(done, anew=False, said=(f"{date} is done: nothing is new",))
    _check_order(every, date)
    before = done.before if done else _before(results, nights, out)
    on = Judged(
        champion=None if before is None else _params(out, before),
        last=candidate_of(nights[-1].date, out) if nights else None,
        nights=nights,
        today=_charged(job, raw, out, nights, date),
        shifts=shifts_of(results),
    )
    begins = breaks_at(nights, on.shifts)
    if begins is not None:
        since, job, on = begins, _until_close(job, date, begins), replace(on, anew=True)
        results, left_out = results_of(job, raw)
    checks = checks_of(results.params, on)
    keep_candidate(results.params, date, out)
    outcome, why = _decided(checks, on.champion)
    said = () if outcome == "kept" else published(job, results, out).summary
    night = Night(
        date=date,
        session=results.params.valid.start[:10],
        since=since,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=inputs,
        run_id=results.params.run_id,
        before=before,
        in_force=str(in_force(out)),
        outcome=outcome,
        why=why,
        checks=checks,
        charged=on.today,
    )
    write_night(night, out)
    return Retrained(night, anew=True, said=(*left_out, *said))


def _check_order(every: Sequence[Night], date: str) -> None:
    """Raise InputError where a later night is done."""
    later = [one.date for one in every if one.date > date]
    if later:
        raise InputError(
            f"--as-of {date}: {later[-1]} is done already, and nights follow each other; give a "
            "later date, or another --out"
        )


def _before(results: Results, nights: Sequence[Night], out: str) -> str | None:
    """Return the run that was in force before this night: not one for the same session, which the
    night itself published before it was ended.
    """
    now = in_force(out)
    if now is None or not nights:
        return now
    own = _params(out, now).valid.start == results.params.valid.start
    return nights[-1].in_force if own else now


def _params(out: str, run_id: str) -> Params:
    return read_params(f"{version_of(out, run_id)}/params.json")


def _until_close(job: Job, date: str, since: str | None) -> Job:
    """Return the job of what is known at a session's close, from a day on."""
    session = job.calendar.session(date)
    close = datetime.fromtimestamp(session.close_ns // SECOND_NS, ZoneInfo(session.timezone))
    known = {"as_of": close.replace(tzinfo=None).isoformat()}
    known |= {"since": since} if since else {}
    data = job.config.data.model_copy(update=known)
    return replace(job, config=job.config.model_copy(update={"data": data}))


def _inputs(results: Results) -> str:
    """Return a digest of all that the candidate follows from."""
    params = results.params
    text = results.config.model_dump_json()
    return digest("\n".join((params.data_hash, params.code_version, text)))


def _charged(
    job: Job, raw: RawTape, out: str, nights: Sequence[Night], date: str
) -> Charged | None:
    """Return what the day charged last night's candidate and what had been in force before it."""
    if not nights or nights[-1].session != date or nights[-1].before is None:
        return None
    if nights[-1].before not in runs_of(out):  # too old to be kept
        return None
    champion = _params(out, nights[-1].before)
    return charged(job, raw, date, candidate_of(nights[-1].date, out), champion)


def _decided(checks: Sequence[Check], champion: Params | None) -> tuple[Outcome, str]:
    failed = [check for check in checks if not check.passes]
    if champion is None:
        return "first", "nothing was in force"
    if failed:
        return "kept", "; ".join(f"{check.name}: {check.words}" for check in failed)
    return "promoted", "; ".join(check.words for check in checks if check.name == "refresh")
