"""What commands write to the terminal: nothing in it may steer that, or give a password away."""

import typer

from pipeline.engine.errors import printable


def say(text: str) -> None:
    """Write lines to standard output, whatever is in them as characters that can be seen."""
    typer.echo(printable(text))


def complain(text: str) -> None:
    """Write one line to standard error, with the command's name."""
    typer.echo(f"impact: {printable(text)}", err=True)
