"""What commands write to the terminal: nothing in it may steer that, or give a password away."""

import logging

import typer

from pipeline.engine.errors import InputError, printable
from pipeline.engine.run_log import LOG, JsonLines


class Words(logging.Formatter):
    """A line a record, with the command's name where it is a warning or worse."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = record.getMessage()
        return f"impact: {said}" if record.levelno >= logging.WARNING else said


class ToStandardError(logging.Handler):
    """Writes to what standard error is at the time, whatever is in a line as characters that can
    be seen.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        record.msg, record.args = printable(record.getMessage()), ()
        typer.echo(self.format(record), err=True)


def log_as(form: str) -> None:
    """Let progress and complaints go to standard error as text, or as a line of JSON each.

    Raises: InputError for another form.
    """
    forms = {"text": Words, "json": JsonLines}
    if form not in forms:
        raise InputError(f"--log-format {form}: unknown; choose text or json")
    handler = ToStandardError()
    handler.setFormatter(forms[form]())
    LOG.handlers[:] = [handler]
    LOG.propagate = False
    LOG.setLevel(logging.INFO)


def say(text: str) -> None:
    """Write lines to standard output, whatever is in them as characters that can be seen."""
    typer.echo(printable(text))


def complain(text: str) -> None:
    """Write one line to standard error, with the command's name."""
    LOG.error("%s", text)
