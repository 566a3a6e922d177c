"""One process at a time: a lock that its owner's end releases, whatever ends it."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pipeline.engine.errors import InputError

EVERY = 0.05  # seconds from try to try


class AtWork(InputError):
    """Another process does what was asked: how that ends is its to tell."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file of a whole command meanwhile, or refuse it at once.

    Raises: AtWork naming the owner and since when it holds the lock.
    """
    with ExitStack() as lock:
        try:
            lock.enter_context(held(path, 0.0))
        except InputError as error:
            raise AtWork(str(error)) from None
        yield


@contextmanager
def held(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock file meanwhile, waiting for `seconds` at most; the file stays.

    The kernel releases it with the process, so that none is ever stale.
    Raises: InputError naming the owner and since when it holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _take(file, path, seconds)
        file.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
        file.flush()
        yield


def _take(file: IO[str], path: Path, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until:
                raise InputError(f"{path}: {_owner(file)}; wait for it, or stop it") from None
            time.sleep(EVERY)


def _owner(file: IO[str]) -> str:
    file.seek(0)
    try:
        owner = json.loads(file.read())
        age = datetime.now(UTC) - datetime.fromisoformat(owner["since"])
        return f"held by process {owner['pid']} on {owner['host']} for {age.seconds} s"
    except (ValueError, KeyError, TypeError):
        return "held by another process"
