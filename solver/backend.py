"""The optional compiled kernels: present when numba is installed and wanted, absent otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_ALONE = ContextVar("_ALONE", default=False)


@cache
def _load(name: str) -> ModuleType | None:
    return import_module(name) if find_spec("numba") is not None else None


def kernels(name: str, wanted: bool) -> ModuleType | None:
    """The module of compiled kernels `name`, imported on first use, or None to take the
    NumPy path.
    """
    return _load(name) if wanted and not _ALONE.get() else None


@contextmanager
def numpy_alone() -> Iterator[None]:
    """Take the NumPy path within: of one order the import of kernels takes longer than it saves."""
    token = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(token)
