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
    tca,
)
from pipeline.commands.terminal import complain, log_as, say
from pipeline.engine.errors import InputError, refusal_of

app = typer.Typer(
    name="impact",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def root(
    log_format: Annotated[
        str, typer.Option(help="Progress on standard error: text, or json (a line each, run ids).")
    ] = "text",
) -> None:
    """Market-impact calibration and optimal execution: from order-book tape to an execution
    schedule.
    """
    log_as(log_format)


for command in (
    tape.run,
    tape.simulate,
    tape.ingest,
    orders.allocate,
    execution.replay,
    execution.step,
    tca.tca,
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
    """Run a command; what refuses ends in one line and its exit code: 2 for input that cannot be
    used or what the machine lacks (a place to write, memory), 3 for a tape that nobody should plan
    on, 4 for a tracking store that does not answer.
    """
    log_as("text")
    try:
        app()
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        complain(str(refusal))
        sys.exit(refusal.exit_code)
