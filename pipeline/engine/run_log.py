"""What a run says as it goes on, to people or as JSON lines, under an id of its own."""

import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

LOG = logging.getLogger("impact")


@dataclass
class RunTally:
    """A run's id, and what it counts: raw files and bytes, symbol-days used, rows that cleaning
    touched by rule, why symbols are left out; as_of: the last moment known to it. None: not known
    before its results are.
    """

    run_id: str
    as_of: str | None = None
    files: int = 0
    bytes: int = 0
    symbol_days: int | None = None
    rows_touched: dict[str, int] | None = None
    left_out: dict[str, str] = field(default_factory=dict)


_TALLY: ContextVar[RunTally | None] = ContextVar("run_tally", default=None)


def new_run_id() -> str:
    """Return a name for a run that sorts by when it was made, and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"


def begin_run(tally: RunTally | None) -> None:
    """Let what is logged and counted from now on be of a run, or of none."""
    _TALLY.set(tally)


def current_run() -> RunTally | None:
    """Return the run that was begun last, None before the first."""
    return _TALLY.get()


class JsonLines(logging.Formatter):
    """A line of JSON a record: time (UTC), level, run_id (null outside a run), message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        tally = current_run()
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        content = {
            "time": moment,
            "level": record.levelname.lower(),
            "run_id": tally.run_id if tally else None,
            "message": record.getMessage(),
        }
        return json.dumps(content)


def as_json() -> bool:
    """Tell whether the log is read by machines, which want no progress bars."""
    return any(isinstance(one.formatter, JsonLines) for one in LOG.handlers)
