"""The files of an order at work: moments in, the state, and beside it what a policy learned."""

import hashlib
import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from pipeline.engine.errors import InputError
from pipeline.engine.store import write_file
from pipeline.replay.step import LearnedFile, Moment, State, WorkedOrder
from solver.execution import Cells, Learned, SpreadStates, Waiting

SUFFIX = ".value.npz"
Told = TypeVar("Told", bound=BaseModel)


def read_moments(path: str) -> Iterator[Moment]:
    """Yield the moment of a JSON file, or one a line of standard input where the path is "-".

    Raises: InputError naming the file or line and the first key at fault.
    """
    if path == "-":
        for number, line in enumerate(sys.stdin, start=1):
            if line.strip():
                yield _parsed(Moment, line, f"standard input, line {number}")
    else:
        yield _parsed(Moment, _content(path, "--moment"), path)


class StateFile:
    """A state on file, and beside it the table of what the policy last learned.

    The table is written before the state that names it, so a state never names what is not there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._written: Learned | None = None
        self._named: LearnedFile | None = None

    def open(self, order: WorkedOrder) -> tuple[State, str]:
        """Return the state, a new one where there is none, and why the order must learn anew.

        The latter is empty where the order could resume what it had learned, or had not learned.

        Raises: InputError naming the first key at fault.
        """
        if not Path(self._path).exists():
            return State(), ""
        state = _parsed(State, _content(self._path, "--state"), self._path)
        if state.learned is None:
            return state, ""
        file = Path(self._path).parent / state.learned.file
        try:
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() != state.learned.sha256:
                raise ValueError("not the table of this state")
            order.learned = self._written = _waiting(content, order.digest)
        except OSError as error:
            return state, f"{file}: cannot be read ({error.strerror}); {ANEW}"
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            return state, f"{file}: {error}; {ANEW}"
        self._named = state.learned
        return state, ""

    def write(self, state: State, order: WorkedOrder) -> None:
        """Write the state, the whole file or nothing, and the table before it where it is new.

        Raises: InputError when one cannot be written.
        """
        path = Path(self._path)
        try:
            if order.learned is not self._written:
                self._written, self._named = order.learned, None
                if isinstance(self._written, Waiting):
                    content = _bytes(self._written, order.digest)
                    name = path.name + SUFFIX
                    write_file(str(path.parent / name), content)
                    self._named = LearnedFile(file=name, sha256=hashlib.sha256(content).hexdigest())
            named = state.model_copy(update={"learned": self._named})
            write_file(self._path, named.model_dump_json().encode())
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written ({error.strerror}); check --state"
            ) from None


ANEW = "the value of waiting is learned anew"


def _bytes(waiting: Waiting, digest: str) -> bytes:
    """Return a value of waiting as the content of an .npz file; the slopes stand side by side."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        order=np.array(digest),
        slopes=np.hstack(waiting.slopes),
        low=waiting.cells.low,
        high=waiting.cells.high,
        step=np.array(waiting.cells.step),
        edges=waiting.states.edges,
        transition=waiting.states.transition,
        level=waiting.level,
        first=np.array(waiting.first),
    )
    return buffer.getvalue()


def _waiting(content: bytes, digest: str) -> Waiting:
    """Return the value of waiting of a file's content.

    Raises: ValueError, KeyError, EOFError or BadZipFile where it is not one of the order.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as table:
        if str(table["order"]) != digest:
            raise ValueError("of another order, policy or parameter file")
        cells = Cells(table["low"], table["high"], float(table["step"]))
        first = int(table["first"])
        ends = np.cumsum((cells.high - cells.low)[first:])
        slopes = np.split(table["slopes"], ends[:-1], axis=1)
        states = SpreadStates(table["edges"], table["transition"])
        return Waiting([each.copy() for each in slopes], cells, states, table["level"], first)


def _content(path: str, option: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check {option}") from None


def _parsed(kind: type[Told], text: str, where: str) -> Told:
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the whole"
        raise InputError(f"{where}: {key}: {first['msg']}") from None
