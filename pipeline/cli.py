"""The command line `impact`; each command imports what it needs when called."""

import os
import socket
import sys
from typing import Annotated

import typer

from pipeline.commands import (
    comparison,
    evaluation,
    execution,
    orders,
    retraining,
    studies,
    tape,
)
from pipeline.commands.terminal import complain, say
from pipeline.engine.errors import InputError, reason_of

# how libraries tell a full disk, in whatever error of theirs
FULL = ("No space left", "disk is full", "Disk quota exceeded", "os error 28", "File too large")

app = typer.Typer(
    name="impact",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Market-impact calibration and optimal execution: from order-book tape to an execution "
    "schedule.",
)
for command in (
    tape.run,
    tape.simulate,
    tape.ingest,
    orders.allocate,
    execution.replay,
    execution.step,
    studies.backtest_forecasts,
    studies.calibrate,
    studies.placebo,
    evaluation.evaluate,
    comparison.compare,
    retraining.retrain,
    retraining.history,
    retraining.promote,
    retraining.rollback,
    retraining.verify,
):
    app.command()(command)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000) -> None:
    """Open the MLflow UI on 127.0.0.1: this checkout's runs, or those of MLFLOW_TRACKING_URI."""
    check_port(port)
    from pipeline.tracking.connection import MODE, tracking_uri

    uri = tracking_uri()
    say(f"MLflow UI of {uri} on http://127.0.0.1:{port}/#/experiments?{MODE} (Ctrl-C stops it)")
    say("It opens each experiment on its runs once `Model training` is chosen at the top left.")
    environment = os.environ | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    options = ["--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port)]
    options += ["--workers", "1"]  # several are supervised, and killed where they start slowly
    command = [sys.executable, "-m", "mlflow", "server", *options]
    os.execvpe(command[0], command, environment)


def check_port(port: int) -> None:
    """Raise InputError for a port that is none or that another program listens on."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        said = getattr(error, "strerror", None) or "ports are 0 to 65535"
        raise InputError(
            f"--port {port}: cannot be listened on ({said}); choose a free one, as --port 5001"
        ) from None


def main() -> None:
    """Run a command; input that cannot be used ends in one line and exit code 2, and so does what
    the machine lacks: a place to write, memory.
    """
    try:
        app()
    except InputError as error:
        complain(str(error))
        sys.exit(2)
    except Exception as error:
        lacking = _lacking(error)
        if lacking is None:
            raise
        complain(str(lacking))
        sys.exit(2)


def _lacking(error: BaseException) -> InputError | None:
    """Return what the machine lacks in the words of a refusal, None where it lacks nothing."""
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
