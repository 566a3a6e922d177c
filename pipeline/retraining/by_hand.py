"""What is put in force by hand, and why."""

from datetime import UTC, datetime

from pipeline.engine.errors import InputError
from pipeline.parameters.schema import read_params
from pipeline.publication.versions import before_current, in_force, make_current, version_of
from pipeline.report.record import registered_name
from pipeline.retraining.nights import Move, write_move
from pipeline.tracking.handover import move_aliases, run_of_model
from pipeline.tracking.record import Moved


def roll_back(out: str, run_id: str | None, who: str, why: str) -> tuple[Move, tuple[str, ...]]:
    """Put an earlier run in force, the one that was before where none is named.

    Returns the move, noted with who did it and why, and what there is to say of the registry.
    Raises: InputError when it is not kept, or not as it was published.
    """
    found = run_id or before_current(out)
    if found is None:
        raise InputError(f"--out {out}: no run before {in_force(out) or 'the first'} is kept there")
    return _put(out, found, who, why)


def promote(
    out: str, version: str, symbol: str | None, who: str, why: str
) -> tuple[Move, tuple[str, ...]]:
    """Put a run in force whatever the gate said of it; version: a run's id, or the number of a
    version of a symbol's registered model.

    Returns, raises: as `roll_back`.
    """
    if not version.isdigit():
        return _put(out, version, who, why)
    now = in_force(out)
    if symbol is None:
        symbols = list(read_params(f"{version_of(out, now)}/params.json").symbols) if now else []
        if len(symbols) != 1:
            raise InputError(
                f"--version {version}: of which of {len(symbols)} symbols; give --symbol, or a run "
                "id as --version"
            )
        symbol = symbols[0]
    return _put(out, run_of_model(registered_name(symbol), int(version)), who, why)


def _put(out: str, run_id: str, who: str, why: str) -> tuple[Move, tuple[str, ...]]:
    try:
        now = in_force(out)
    except InputError:  # what is damaged is replaced
        now = None
    make_current(out, run_id)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    move = Move(made=made, who=who, was=now, in_force=run_id, why=why)
    write_move(move, out)
    return move, move_aliases(out, Moved(run_id, "", who, why, made))
