"""Commands of studies: forecasters compared, impact by one route alone, placebos."""

from typing import Annotated

import typer

from pipeline.commands.options import (
    Accept,
    AsJson,
    Calendar,
    Columns,
    ConfigFile,
    Out,
    Scheduler,
    Seed,
    Workers,
    as_number,
    check_tracking,
    track_record,
)
from pipeline.commands.terminal import say
from pipeline.engine.errors import InputError

FLOW_SECONDS = 10  # of a period, where the flow route is asked for none


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
    as_json: AsJson = None,
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
    from pipeline.engine.store import check_file, write_json
    from pipeline.studies import backtest, period_backtest, records

    if as_json:
        check_file(as_json, "--json")
    settings = load_config(
        config,
        {
            "executor": {"workers": as_number(workers), "scheduler": scheduler},
            "data": {"calendar": calendar, "period_seconds": period_seconds},
        },
    )
    if by not in ("day", "period"):
        raise InputError(f"--by {by}: choose day or period")
    if by == "period" and (models, horizon, baseline) != ("all", 1, "har"):
        raise InputError("--models, --horizon and --baseline are of --by day; leave them out")
    check_tracking(settings, "forecasts")
    if by == "day":
        by_day = backtest.backtest_panel(
            backtest.request(panel, target, models, (window, horizon), baseline), settings
        )
        text, content = backtest.report_text(by_day), backtest.content(by_day)
        record = records.daily_record(by_day)
    else:
        inside = period_backtest.backtest_bars(
            period_backtest.PeriodRequest(panel, target, window), settings
        )
        text, content = period_backtest.report_text(inside), period_backtest.content(inside)
        record = records.period_record(inside)
    if as_json:
        write_json(content, as_json)
    say(text)
    track_record(record, settings, "forecasts")


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
    market: Annotated[
        str | None,
        typer.Option(
            help="Take the market's move out of orders: a file of prices by time (with symbol: "
            "the mean of the other names), or of a panel: others."
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(help="Replicates of the bootstrap of days, of orders; 0: none.")
    ] = 200,
    seed: Seed = 0,
    export: Annotated[
        str | None,
        typer.Option(help="Of orders: also write params.json, for `impact allocate`."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Of --export: how a day's volume and sigma go by period: a table (i, volume, "
            "volatility) or a params.json made of a tape; else flat."
        ),
    ] = None,
    period_seconds: Annotated[
        int | None, typer.Option(help="Length of a period: of flow, else 10; of --export, else 60.")
    ] = None,
    calendar: Calendar = None,
    out: Out = "out",
    config: ConfigFile = None,
    workers: Workers = None,
    accept: Accept = None,
    as_json: AsJson = None,
) -> None:
    """Fit impact by one route alone and print estimates, errors, left-out rows by reason and
    caveats.

    Route orders fits I = gamma sigma X/V (Theta/V)^(1/4) and J - I/2 = eta sigma |X/V|^delta
    T^-tau, and tells cost by rate (tau = delta) from cost by size (tau = 0) where the data do.
    `--source panel`: a folder of CSVs, one a quantity, stocks in rows and days in columns.
    `--source fills`: orders.csv and fills.csv (or .parquet), other names through `--columns`.

    Route flow regresses mid changes on signed volume and on order-flow imbalance, and tells what
    stays from what decays, by time of day.

    Examples: `impact calibrate --route orders --source panel --data DIR --json orders.json`,
    `impact calibrate --route orders --source fills --data DIR --export params.json`, then `impact
    allocate --params params.json --symbol SYMBOL --shares 5000`,
    `impact calibrate --route flow --source lobster --data DIR`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import check_file, write_json
    from pipeline.studies.records import flow_record, orders_record

    if as_json:
        check_file(as_json, "--json")
    if route == "orders":
        from pipeline.studies.orders import report
        from pipeline.studies.orders import route as orders

        if export:
            check_file(export, "--export")
        elif profile:
            raise InputError("--profile is of --export; give --export params.json, or leave it out")
        asked = {"calendar": calendar, "period_seconds": period_seconds}
        settings = load_config(config, {"data": asked})
        check_tracking(settings, "routes")
        if not data:
            raise InputError(f"--route orders --source {source} needs its files; give --data DIR")
        by_orders = orders.calibrate_orders(
            orders.OrdersRequest(source, data, columns, bootstrap, seed, market)
        )
        text, content = report.report_text(by_orders), report.content(by_orders)
        record = orders_record(by_orders)
        if export:
            from pipeline.studies.orders.export import export_orders

            text += "\n" + export_orders(by_orders, settings.data, profile, export)
    elif route == "flow":
        from pipeline.studies import flow_report
        from pipeline.studies.flow import FlowRequest, calibrate_flow

        settings = load_config(
            config,
            {
                "data": {
                    "source": source,
                    "location": data,
                    "calendar": calendar,
                    "period_seconds": period_seconds or FLOW_SECONDS,
                    "columns": columns,
                    "accept": accept or None,
                },
                "executor": {"workers": as_number(workers)},
            },
        )
        check_tracking(settings, "routes")
        by_flow = calibrate_flow(FlowRequest(out), settings)
        text, content = flow_report.report_text(by_flow), flow_report.content(by_flow)
        record = flow_record(by_flow)
    else:
        raise InputError(f"--route: no route '{route}'; the routes are orders and flow")
    if as_json:
        write_json(content, as_json)
    say(text)
    track_record(record, settings, "routes")


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
    seed: Seed = 0,
    period_seconds: Annotated[
        int | None, typer.Option(help="Length of a period, of flow and book.")
    ] = None,
    calendar: Calendar = None,
    out: Out = "out",
    config: ConfigFile = None,
    workers: Workers = None,
    accept: Accept = None,
    as_json: AsJson = None,
) -> None:
    """Break the link that impact rests on and count how often an estimator still finds it; logged
    to MLflow.

    Signs shuffled, chronology scrambled, zero impact planted: the effect must vanish, and a 5 %
    test reject 5 %.

    Example: `impact placebo --route flow --source lobster --data DIR`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import check_file, write_json
    from pipeline.studies.placebo import PlaceboRequest, content, record, report_text, run_placebos

    if as_json:
        check_file(as_json, "--json")
    settings = load_config(
        config,
        {
            "data": {
                "source": source,
                "location": data,
                "columns": columns,
                "period_seconds": period_seconds,
                "calendar": calendar,
                "accept": accept or None,
            },
            "executor": {"workers": as_number(workers)},
        },
    )
    check_tracking(settings, "placebos")
    found = run_placebos(PlaceboRequest(route, repetitions, seed, out), settings)
    if as_json:
        write_json(content(found), as_json)
    say(report_text(found))
    track_record(record(found), settings, "placebos")
