"""The command line, `impact run` and the rest; each command imports what it needs when called."""

import json
import os
import sys
from typing import Annotated

import typer

from pipeline.engine.errors import InputError

app = typer.Typer(
    name="impact",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Market-impact calibration and optimal execution: from order-book tape to an execution "
    "schedule.",
)

Source = Annotated[str | None, typer.Option(help="lobster, databento, lean, taq or simulate.")]
Data = Annotated[str | None, typer.Option(help="The tape: a file, a folder or an fsspec URL.")]
Out = Annotated[str, typer.Option(help="Where outputs go: a folder or an fsspec URL.")]
ConfigFile = Annotated[
    str | None, typer.Option("--config", help="TOML file; see config/default.toml for every key.")
]
Workers = Annotated[
    str | None, typer.Option(help="Worker processes: auto, 0 (in process) or a number.")
]
Scheduler = Annotated[str | None, typer.Option(help="Address of a Dask scheduler you already run.")]
Calendar = Annotated[
    str | None, typer.Option(help="Exchange calendar (exchange-calendars name) or 24/7.")
]
Side = Annotated[str | None, typer.Option(help="buy or sell.")]
Risk = Annotated[
    float | None,
    typer.Option("--risk-aversion", help="lambda: currency cost of one unit of variance."),
]
Lot = Annotated[int | None, typer.Option(help="Trade in multiples of this many shares.")]
Cap = Annotated[
    float | None,
    typer.Option("--max-participation", help="Most of a period's forecast volume, 0 to 1."),
]
Method = Annotated[
    str | None, typer.Option(help="auto (lot-exact), nlp (continuous) or dp (dynamic programme).")
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="TOML map of the files' columns, of taq and fills: see "
        "config/taq-columns.toml, config/orders-broker.toml."
    ),
]
Shares = Annotated[int | None, typer.Option(help="Shares to trade.")]


@app.command()
def run(
    source: Source = None,
    data: Data = None,
    out: Out = "out",
    config: ConfigFile = None,
    shares: Shares = None,
    side: Side = None,
    risk_aversion: Risk = None,
    lot: Lot = None,
    max_participation: Cap = None,
    method: Method = None,
    symbols: Annotated[str | None, typer.Option(help="Only these, comma-separated.")] = None,
    calendar: Calendar = None,
    columns: Columns = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    as_of: Annotated[
        str | None, typer.Option(help="Use nothing later than this ISO time; plan what follows.")
    ] = None,
) -> None:
    """Calibrate from a tape and schedule an order in every symbol: tape -> params.json, schedule,
    report.

    Example: `impact run --source lobster --data DIR --shares 5000`
    """
    from pipeline.engine.config import load_config
    from pipeline.run import run_pipeline

    overrides = {
        "data": {
            "source": source,
            "location": data,
            "calendar": calendar,
            "columns": columns,
            "as_of": as_of,
            "symbols": symbols.split(",") if symbols else None,
        },
        "allocate": {
            "shares": shares,
            "side": side,
            "risk_aversion": risk_aversion,
            "lot": lot,
            "max_participation": max_participation,
            "method": method,
        },
        "executor": {"workers": _number(workers), "scheduler": scheduler},
    }
    result = run_pipeline(load_config(config, overrides), out)
    for line in result.summary:
        typer.echo(line)


@app.command()
def simulate(
    out: Out,
    symbols: Annotated[int | None, typer.Option(help="How many symbols.")] = None,
    days: Annotated[int | None, typer.Option(help="How many sessions.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes.")] = None,
    config: ConfigFile = None,
    workers: Workers = None,
) -> None:
    """Write a simulated MBP-10 tape with known impact, and the truth beside it (truth.json,
    truth.parquet).
    """
    from pipeline.engine.config import load_config
    from pipeline.run import simulate_tape

    overrides = {
        "simulate": {"symbols": symbols, "days": days, "seed": seed},
        "executor": {"workers": _number(workers)},
    }
    typer.echo(f"tape: {simulate_tape(load_config(config, overrides), out)}")


@app.command()
def ingest(
    source: Annotated[str, typer.Option(help="lobster, databento, lean or taq.")],
    data: Annotated[str, typer.Option(help="The tape: a file, a folder or an fsspec URL.")],
    out: Out = "out",
    config: ConfigFile = None,
    calendar: Calendar = None,
    columns: Columns = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Read a vendor's tape into canonical Parquet tables and count what every cleaning rule
    touched.
    """
    from pipeline.engine.config import load_config
    from pipeline.run import ingest_tape

    overrides = {
        "data": {"source": source, "location": data, "calendar": calendar, "columns": columns},
        "executor": {"workers": _number(workers), "scheduler": scheduler},
    }
    for line in ingest_tape(load_config(config, overrides), out):
        typer.echo(line)


@app.command()
def allocate(
    params: Annotated[str, typer.Option(help="The parameter file, params.json.")],
    symbol: Annotated[str, typer.Option(help="The symbol to trade.")],
    shares: Annotated[int, typer.Option(help="Shares to trade.")],
    side: Side = None,
    risk_aversion: Risk = None,
    lot: Lot = None,
    max_participation: Cap = None,
    method: Method = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole schedule as JSON.")
    ] = False,
) -> None:
    """Schedule one order from params.json alone."""
    from pipeline.engine.config import load_config
    from pipeline.parameters.schema import read_params
    from pipeline.stages.allocate import find_symbol, report_json, report_text
    from pipeline.stages.allocate import run as plan

    order = load_config(
        None,
        {
            "allocate": {
                "shares": shares,
                "side": side,
                "risk_aversion": risk_aversion,
                "lot": lot,
                "max_participation": max_participation,
                "method": method,
            }
        },
    ).allocate
    schedule = plan(find_symbol(read_params(params), symbol), order)
    typer.echo(
        json.dumps(report_json(symbol, order, schedule))
        if as_json
        else report_text(symbol, order, schedule)
    )


@app.command()
def backtest_forecasts(
    panel: Annotated[
        str, typer.Option(help="CSV or Parquet: a row a day with a date column, or bars.")
    ],
    target: Annotated[
        str, typer.Option(help="The column to forecast; rv is measured from close in bars.")
    ] = "rv",
    by: Annotated[
        str, typer.Option(help="day: daily levels. period: within the day, from bars.")
    ] = "day",
    models: Annotated[
        str, typer.Option(help="all, or names with commas between (by day).")
    ] = "all",
    window: Annotated[
        int,
        typer.Option(
            help="Days fitted to (by day) or before the first one scored (by period); "
            "0: 1000 by day, two thirds of the panel by period."
        ),
    ] = 0,
    horizon: Annotated[int, typer.Option(help="Score the day this many days ahead (by day).")] = 1,
    baseline: Annotated[
        str, typer.Option(help="The model that Diebold-Mariano compares with (by day).")
    ] = "har",
    calendar: Calendar = None,
    period_seconds: Annotated[
        int | None, typer.Option(help="Length of a period (by period).")
    ] = None,
    as_json: Annotated[
        str | None, typer.Option("--json", help="Write the scores to this file.")
    ] = None,
    config: ConfigFile = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Backtest forecasters on a panel, refitted every day: losses, intervals, tests; logged to
    MLflow.

    Daily levels: `impact backtest-forecasts --panel SP500RM.csv.gz --target rv --json scores.json`

    Within the day: `impact backtest-forecasts --panel BTCUSDT_1m.parquet --target volume --by
    period --calendar 24/7`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import write_json
    from pipeline.studies import backtest, period_backtest

    settings = load_config(
        config,
        {
            "executor": {"workers": _number(workers), "scheduler": scheduler},
            "data": {"calendar": calendar, "period_seconds": period_seconds},
        },
    )
    if by not in ("day", "period"):
        raise InputError(f"--by {by}: choose day or period")
    if by == "period" and (models, horizon, baseline) != ("all", 1, "har"):
        raise InputError("--models, --horizon and --baseline are of --by day; leave them out")
    if by == "day":
        found = backtest.backtest_panel(
            backtest.request(panel, target, models, (window, horizon), baseline), settings
        )
        text, content = backtest.report_text(found), backtest.content(found)
    else:
        inside = period_backtest.backtest_bars(
            period_backtest.PeriodRequest(panel, target, window), settings
        )
        text, content = period_backtest.report_text(inside), period_backtest.content(inside)
    from pipeline.tracking import (
        mlflow_store as tracking,
    )  # seconds to import: a refusal need not wait for it

    if as_json:
        write_json(content, as_json)
    if by == "day":
        tracking.log_backtest(found, settings.track.experiment)
    else:
        tracking.log_period_backtest(inside, settings.track.experiment)
    typer.echo(text)


@app.command()
def calibrate(
    route: Annotated[
        str,
        typer.Option(
            help="Which estimators: orders (parent orders, or signed imbalances) or flow "
            "(permanent impact from trades and quotes)."
        ),
    ],
    source: Annotated[
        str,
        typer.Option(
            help="Of orders: panel (daily imbalances) or fills (orders and fills). Of "
            "flow: a tape, as `impact run` reads them."
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="The folder with the files, or the tape.")
    ] = None,
    columns: Columns = None,
    bootstrap: Annotated[
        int, typer.Option(help="Replicates of the bootstrap of days, of orders; 0: none.")
    ] = 200,
    seed: Annotated[
        int, typer.Option(help="Of the bootstrap; the same seed gives the same numbers.")
    ] = 0,
    period_seconds: Annotated[int, typer.Option(help="Length of a period, of flow.")] = 10,
    calendar: Calendar = None,
    out: Out = "out",
    config: ConfigFile = None,
    workers: Workers = None,
    as_json: Annotated[
        str | None, typer.Option("--json", help="Write the result to this file.")
    ] = None,
) -> None:
    """Fit impact by one route alone and print estimates, errors, left-out rows by reason and
    caveats.

    Route orders fits I = gamma sigma X/V (Theta/V)^(1/4) and J - I/2 = eta sigma |X/(VT)|^delta.
    `--source panel`: a folder of CSVs, one a quantity, stocks in rows and days in columns.
    `--source fills`: orders.csv and fills.csv (or .parquet), other names through `--columns`.

    Route flow regresses mid changes on signed volume and on order-flow imbalance, and tells what
    stays from what decays, by time of day.

    Examples: `impact calibrate --route orders --source panel --data DIR --json orders.json`,
    `impact calibrate --route flow --source lobster --data DIR`
    """
    from pipeline.engine.store import write_json

    if route == "orders":
        from pipeline.studies.orders import route as orders

        if not data:
            raise InputError(f"--route orders --source {source} needs its files; give --data DIR")
        by_orders = orders.calibrate_orders(
            orders.OrdersRequest(source, data, columns, bootstrap, seed)
        )
        text, content = orders.report_text(by_orders), orders.content(by_orders)
    elif route == "flow":
        from pipeline.engine.config import load_config
        from pipeline.studies import flow_report
        from pipeline.studies.flow import FlowRequest, calibrate_flow

        settings = load_config(
            config,
            {
                "data": {
                    "source": source,
                    "location": data,
                    "calendar": calendar,
                    "period_seconds": period_seconds,
                    "columns": columns,
                },
                "executor": {"workers": _number(workers)},
            },
        )
        by_flow = calibrate_flow(FlowRequest(out), settings)
        text, content = flow_report.report_text(by_flow), flow_report.content(by_flow)
    else:
        raise InputError(f"--route: no route '{route}'; the routes are orders and flow")
    if as_json:
        write_json(content, as_json)
    typer.echo(text)


@app.command()
def placebo(
    route: Annotated[str, typer.Option(help="flow, book or orders.")],
    data: Annotated[
        str | None, typer.Option(help="The tape; of orders the panel's folder.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Of flow and book: a tape, as `impact run` reads them.")
    ] = None,
    columns: Columns = None,
    repetitions: Annotated[int, typer.Option(help="Replicates of each placebo.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.")] = 0,
    period_seconds: Annotated[
        int | None, typer.Option(help="Length of a period, of flow and book.")
    ] = None,
    calendar: Calendar = None,
    out: Out = "out",
    config: ConfigFile = None,
    workers: Workers = None,
    as_json: Annotated[
        str | None, typer.Option("--json", help="Write the result to this file.")
    ] = None,
) -> None:
    """Break the link that impact rests on and count how often an estimator still finds it; logged
    to MLflow.

    Signs shuffled, chronology scrambled, zero impact planted: the effect must vanish, and a 5 %
    test reject 5 %.

    Example: `impact placebo --route flow --source lobster --data DIR`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import write_json
    from pipeline.studies.placebo import PlaceboRequest, content, report_text, run_placebos

    settings = load_config(
        config,
        {
            "data": {
                "source": source,
                "location": data,
                "columns": columns,
                "period_seconds": period_seconds,
                "calendar": calendar,
            },
            "executor": {"workers": _number(workers)},
        },
    )
    found = run_placebos(PlaceboRequest(route, repetitions, seed, out), settings)
    from pipeline.tracking.mlflow_store import (
        log_placebos,
    )  # seconds to import: a refusal need not wait for it

    if as_json:
        write_json(content(found), as_json)
    log_placebos(found, settings.track.experiment)
    typer.echo(report_text(found))


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


def _number(text: str | None) -> str | int | None:
    return int(text) if text is not None and text.lstrip("-").isdigit() else text


def main() -> None:
    """Run a command; input that cannot be used ends in one line and exit code 2."""
    try:
        app()
    except InputError as error:
        typer.echo(f"impact: {error}", err=True)
        sys.exit(2)
