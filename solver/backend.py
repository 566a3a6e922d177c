"""The optional compiled kernels: present when numba is installed and wanted, absent otherwise."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from types import ModuleType


@cache
def _load() -> ModuleType | None:
    if find_spec("numba") is None:
        return None
    from . import compiled

    return compiled


def kernels(wanted: bool) -> ModuleType | None:
    """The module of compiled kernels, imported on first use, or None to take the NumPy path."""
    return _load() if wanted else None
