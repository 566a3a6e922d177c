"""Where files are: every path or URL is opened here, and what cannot be opened is one line."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from os.path import expanduser
from typing import TYPE_CHECKING, Any

from pipeline.engine.errors import InputError, reason_of

if TYPE_CHECKING:
    import fsspec

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)  # no fault of a file


def place(url: str, option: str) -> tuple["fsspec.AbstractFileSystem", str]:
    """Return the file system of a path or URL, and its path there.

    Raises: InputError naming the option when there is no such kind of URL, its package is not
    installed, or it does not answer.
    """
    import fsspec  # it takes long to import, and local files are read without it

    try:
        return fsspec.url_to_fs(url)
    except ImportError as error:
        raise InputError(
            f"{url}: this kind of URL needs a package that is not installed ({reason_of(error)}); "
            f"install it, or give {option} a local path"
        ) from None
    except Exception as error:  # each kind of file system has errors of its own
        raise InputError(f"{url}: cannot be opened ({reason_of(error)}); check {option}") from None


@contextmanager
def reading(where: str, what: str, advice: str) -> Iterator[None]:
    """Turn whatever a library raises while it decodes a file into one line.

    Nothing but such calls belongs inside: damaged bytes make libraries raise errors of every kind.
    Raises: InputError saying where, what it looks to be, why, and the advice.
    """
    try:
        yield
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{where}: {what} (not enough memory); {advice}") from None
    except Exception as error:
        if getattr(error, "errno", None) in FULL:
            raise
        raise InputError(f"{where}: {what} ({reason_of(error)}); {advice}") from None


@contextmanager
def open_file(url: str, option: str) -> Iterator[Any]:
    """Open a file of a path or URL to read its bytes.

    Raises: InputError naming the option that gave it when it cannot be opened or read.
    """
    local = "://" not in url and "::" not in url
    fs, path = (None, expanduser(url)) if local else place(url, option)
    try:
        file = open(path, "rb") if fs is None else fs.open(path, "rb")  # noqa: SIM115
    except Exception as error:
        raise InputError(f"{url}: cannot read ({reason_of(error)}); check {option}") from None
    with file:
        yield file
