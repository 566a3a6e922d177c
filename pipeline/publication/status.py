"""How the last run on an output folder ended: `status.json`, for who watches over it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.engine.errors import InputError, refusal_of
from pipeline.engine.places import place
from pipeline.engine.run_log import LOG, RunTally, begin_run, current_run
from pipeline.engine.store import check_out, write_file
from pipeline.publication.locks import AtWork
from pipeline.publication.versions import VERSIONS, in_force

STATUS, FORM = "status.json", "impact-status/1"
FAILED = 1  # exit code of what nobody foresaw


@dataclass
class Ending:
    """How a command that is at work will have ended, where nothing refuses it."""

    state: str = "published"
    exit_code: int = 0
    message: str | None = None


@contextmanager
def reported(command: str, out: str) -> Iterator[Ending]:
    """Write how a command ended to `status.json` under `out`, in one step, whatever ended it.

    A command that is refused before there is such a folder makes none; one that is refused while
    another is at work leaves the file to that one.
    """
    begin_run(None)
    started, ending = time.time(), Ending()
    try:
        yield ending
    except AtWork:
        raise
    except BaseException as error:
        refusal = refusal_of(error)
        ending.state = "failed" if refusal is None else "refused"
        ending.exit_code = FAILED if refusal is None else refusal.exit_code
        ending.message = type(error).__name__ if refusal is None else str(refusal)
        with suppress(InputError, OSError):  # what ended the command is told, not this
            _write(command, out, started, ending)
        raise
    try:
        _write(command, out, started, ending)
    except (InputError, OSError) as error:
        LOG.warning("%s cannot be written (%s)", STATUS, error)


def _write(command: str, out: str, started: float, ending: Ending) -> None:
    check_out(out)
    fs, root = place(out.rstrip("/"), "--out")
    if not fs.exists(root):
        return
    try:
        now = in_force(out)
    except InputError:  # a damaged pointer, which is what ended the command
        now = None
    content = {
        "schema": FORM,
        "command": command,
        **asdict(ending),
        **_of_run(current_run(), now),
        "in_force": now,
        "started": _utc(started),
        "ended": _utc(time.time()),
    }
    write_file(f"{out.rstrip('/')}/{STATUS}", (json.dumps(content, indent=1) + "\n").encode())


def _of_run(tally: RunTally | None, now: str | None) -> dict[str, Any]:
    """Return what the run counted, nulls where it did not begin."""
    if tally is None:
        return {"run_id": None, "as_of": None, "version": None, "data": None, "refusals": None}
    version = f"{VERSIONS}/{tally.run_id}" if tally.run_id == now else None
    counted = ("files", "bytes", "symbol_days", "rows_touched")
    return {
        "run_id": tally.run_id,
        "as_of": tally.as_of,
        "version": version,
        "data": {name: getattr(tally, name) for name in counted},
        "refusals": {"symbols": len(tally.left_out), "reasons": tally.left_out},
    }


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
