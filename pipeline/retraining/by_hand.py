"""What is put in force by hand, and why."""

from datetime import UTC, datetime

from pipeline.engine.errors import InputError
from pipeline.publication.versions import in_force, make_current, runs_of
from pipeline.retraining.nights import Move, write_move


def roll_back(out: str, run_id: str | None, who: str, why: str) -> Move:
    """Put an earlier run in force, the one before where none is named, and note who did and why.

    Raises: InputError when it is not kept, or not as it was published.
    """
    now = in_force(out)
    if run_id is None:
        earlier = [one for one in runs_of(out) if now is not None and one < now]
        if not earlier:
            raise InputError(f"--out {out}: no run before {now or 'the first'} is kept there")
        run_id = earlier[-1]
    make_current(out, run_id)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    move = Move(made=made, who=who, was=now, in_force=run_id, why=why)
    write_move(move, out)
    return move
