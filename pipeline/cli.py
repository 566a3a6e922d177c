"""The command line `impact`; each command imports what it needs when called."""

import os
import sys
from typing import Annotated

import typer

from pipeline.commands import evaluation, execution, orders, studies, tape
from pipeline.engine.errors import InputError

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
):
    app.command()(command)


@app.command()
def ui(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 5000) -> None:
    """Open the MLflow UI on 127.0.0.1 over this folder's runs (or those of MLFLOW_TRACKING_URI)."""
    from pipeline.tracking.mlflow_store import tracking_uri

    uri = tracking_uri()
    typer.echo(f"MLflow UI of {uri} on http://127.0.0.1:{port} (Ctrl-C stops it)")
    environment = os.environ | {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        uri,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    os.execvpe(command[0], command, environment)


def main() -> None:
    """Run a command; input that cannot be used ends in one line and exit code 2."""
    try:
        app()
    except InputError as error:
        typer.echo(f"impact: {error}", err=True)
        sys.exit(2)
