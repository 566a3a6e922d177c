"""The one exception that reaches the user as a single line, its exit codes, and how lines are
written.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

LONGEST = 300  # characters of a message
NEXT_STEP = 130  # of them for its end, which says what to do
LONG_WORD = re.compile(r"\S{61,}")  # of a message that is too long: its middle goes first
SHOWN = 60  # characters of a value within a message
# how libraries tell a full disk, in whatever error of theirs
FULL = ("No space left", "disk is full", "Disk quota exceeded", "os error 28", "File too large")
# user and password in a URI; the password may hold what it should not, so that it is the longest
CREDENTIALS = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\s/:@]*:\S*|[^\s/@]*)@")


class InputError(ValueError):
    """Input that cannot be used: the message names the file, row or key, what was found and what to
    do.

    It is one line as of `one_line`; exit_code: of a command that ends with it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str) -> None:
        super().__init__(one_line(str(message)))


class Refused(InputError):
    """What pieces of a stage cannot use; reasons: by their labels, a symbol or one and a date."""

    def __init__(self, message: str, reasons: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reasons = {label: one_line(reason) for label, reason in (reasons or {}).items()}


class UnbelievableTape(Refused):
    """Tape or forecasts that can be read, and that nobody should plan on."""

    exit_code = 3


class StoreUnreachable(InputError):
    """A tracking store that does not answer."""

    exit_code = 4


def one_line(message: str) -> str:
    """Return a message as one line of at most 300 printable characters, of which the middle is
    left out where there are more, without the password of a URI.
    """
    text = printable(" ".join(message.split()))
    if len(text) > LONGEST:
        text = LONG_WORD.sub(lambda word: f"{word[0][:10]}...{word[0][-47:]}", text)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - NEXT_STEP - 5]} ... {text[-NEXT_STEP:]}"
    return text


def printable(text: str) -> str:
    """Return text as it may go to a terminal: what is no character to be seen is written as its
    escape (ends of lines stay), and users and passwords of URIs as ***.
    """
    masked = CREDENTIALS.sub(r"\1***@", text)
    if masked.replace("\n", "").isprintable():
        return masked
    return "".join(
        each if each.isprintable() or each == "\n" else each.encode("unicode_escape").decode()
        for each in masked
    )


def shown(value: object) -> str:
    """Return a value of a file as a message quotes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def first_cause(error: BaseException) -> BaseException:
    """Return the error that an error was raised for, in the end."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def reason_of(error: BaseException) -> str:
    """Return what an error of another library says, in its first line."""
    said = getattr(error, "strerror", None) or str(error).strip()
    return said.splitlines()[0].split(". ")[0] if said else type(error).__name__


def refusal_of(error: BaseException) -> InputError | None:
    """Return a refusal as it is, what the machine lacks in the words of one, None of the rest."""
    if isinstance(error, InputError):
        return error
    if not isinstance(error, Exception):
        return None
    if isinstance(error, MemoryError):
        return InputError("not enough memory; give less of the tape at once, or fewer --workers")
    cause: BaseException | None = error
    while cause is not None:
        full = any(each in str(cause) for each in FULL)
        if full or isinstance(cause, OSError):
            name = getattr(cause, "filename", None)
            at = f"{name}: " if name else ""
            reason = "the disk is full" if full else reason_of(cause)
            advice = "make room there, or choose another --out" if full else "mend that place"
            return InputError(f"{at}{reason}; {advice}. What was not finished is not there.")
        cause = cause.__cause__ or cause.__context__
    return None
