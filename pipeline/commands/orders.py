"""Commands that plan an order."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipeline.commands.options import (
    AsJson,
    Cap,
    Columns,
    ConfigFile,
    Data,
    Lot,
    Method,
    Out,
    Risk,
    Seed,
    Side,
    Source,
    seconds,
)


def allocate(
    params: Annotated[str, typer.Option(help="The parameter file, params.json.")],
    symbol: Annotated[str, typer.Option(help="The symbol to trade.")],
    shares: Annotated[int, typer.Option(help="Shares to trade.")],
    side: Side = None,
    risk_aversion: Risk = None,
    lot: Lot = None,
    max_participation: Cap = None,
    min_participation: Annotated[
        float | None, typer.Option(help="Least of a period's forecast volume, 0 to 1.")
    ] = None,
    method: Method = None,
    plan: Annotated[
        str | None,
        typer.Option(help="Where k <= 1: spread (by forecast volume) or point (all at once)."),
    ] = None,
    own_impact: Annotated[
        str | None,
        typer.Option(help="half: a trade pays half of its own permanent move; none: nothing."),
    ] = None,
    slices: Annotated[
        str | None, typer.Option(help="Child orders a period: a number, or auto by the refill.")
    ] = None,
    drift: Annotated[
        str | None,
        typer.Option(help="Of the price: 0.05 a day, 5bps a day, or a CSV file (i, drift)."),
    ] = None,
    start: Annotated[str | None, typer.Option(help="Trade from this time on, HH:MM.")] = None,
    end: Annotated[str | None, typer.Option(help="Trade before this time, HH:MM.")] = None,
    robust: Annotated[
        float | None,
        typer.Option(help="Also the plan best against errors of so many standard errors."),
    ] = None,
    frontier: Annotated[
        bool, typer.Option("--frontier", help="Also cost against risk, by risk aversion.")
    ] = False,
    value_function: Annotated[
        str | None,
        typer.Option(help="Write V(s,t), its marginal and the next trade to this Parquet file."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole schedule as JSON.")
    ] = False,
) -> None:
    """Schedule one order from params.json alone.

    Examples: `impact allocate --params out/params.json --symbol SIM0 --shares 25000 --lot 100`,
    `impact allocate --params out/params.json --symbol SIM0 --shares 25000 --start 14:00 --method
    qp`
    """
    from pipeline.commands.options import as_number
    from pipeline.engine.config import load_config
    from pipeline.parameters.schema import read_params
    from pipeline.planning.allocate import plan_from_file
    from pipeline.planning.order_studies import frontier_text, robust_text, write_value_function
    from pipeline.planning.plan_text import report_json, report_text

    asked = {
        "shares": shares,
        "side": side,
        "risk_aversion": risk_aversion,
        "lot": lot,
        "max_participation": max_participation,
        "min_participation": min_participation,
        "method": method,
        "plan": plan,
        "own_impact": own_impact,
        "slices": as_number(slices),
        "drift": drift,
        "start": start,
        "end": end,
    }
    order, file = load_config(None, {"allocate": asked}).allocate, read_params(params)
    schedule = plan_from_file(file, symbol, order, datetime.now(UTC))
    lines = [report_text(symbol, order, schedule)]
    if robust is not None:
        lines.append(robust_text(file, symbol, order, robust))
    if frontier:
        lines.append(frontier_text(file, symbol, order))
    if value_function:
        lines.append(write_value_function(file, symbol, order, value_function))
    if as_json:
        typer.echo(json.dumps(report_json(symbol, order, schedule)))
    else:
        typer.echo("\n".join(lines))


def replay(
    params: Annotated[str, typer.Option(help="The parameter file, params.json.")],
    symbol: Annotated[str, typer.Option(help="The symbol to trade.")],
    shares: Annotated[int, typer.Option(help="Shares to trade.")],
    policy: Annotated[
        str,
        typer.Option(
            help="twap, waiting-twap, vwap, pov, static (the plan), ac (Almgren-Chriss), adaptive "
            "(the plan made anew), threshold, rule, moment; several with commas, a quantile in "
            "per cent behind a colon (threshold:5)."
        ),
    ] = "twap",
    source: Source = None,
    data: Data = None,
    side: Side = None,
    risk_aversion: Risk = None,
    interval: Annotated[str, typer.Option(help="From look to look: 10s, 500ms.")] = "10s",
    latency: Annotated[str, typer.Option(help="From decision to fill.")] = "100ms",
    band: Annotated[
        float, typer.Option(help="Stay within this share of the order of an even pace.")
    ] = 0.1,
    start: Annotated[str | None, typer.Option(help="Trade from this time on, HH:MM.")] = None,
    end: Annotated[str | None, typer.Option(help="Trade before this time, HH:MM.")] = None,
    phases: Annotated[
        int, typer.Option(help="Replays, the moments put off by random parts of the interval.")
    ] = 1,
    seed: Seed = 0,
    half_life: Annotated[
        str | None,
        typer.Option(
            help="In which half of what was taken comes back, 30s; the parameters' without it."
        ),
    ] = None,
    columns: Columns = None,
    config: ConfigFile = None,
    out: Out = "out",
    as_json: AsJson = None,
    sheet: Annotated[
        str | None,
        typer.Option(help="Write orders, fills, moments, JSON and a page to this folder."),
    ] = None,
) -> None:
    """Work an order on a tape moment by moment and tell what it cost, policies beside each other.

    A policy sees what had arrived; it is filled at the book that stands when its order arrives.

    Example: `impact replay --source lobster --data DIR --params out/params.json --symbol AMZN
    --shares 5000 --policy rule,twap`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import write_json
    from pipeline.parameters.schema import read_params
    from pipeline.replay.evidence import evidence
    from pipeline.replay.replay_text import content, report_text
    from pipeline.replay.sheet.publish import check_target, write_sheet
    from pipeline.replay.study import ReplayRequest, replay_order

    if sheet:
        check_target(sheet)
    file = read_params(params)
    calendar = file.calendar
    settings = load_config(
        config,
        {
            "data": {
                "source": source,
                "location": data,
                "columns": columns,
                "symbols": [symbol],
                "calendar": calendar.name,
                "period_seconds": calendar.period_seconds,
            },
            "allocate": {
                "shares": shares,
                "side": side,
                "risk_aversion": risk_aversion,
                "start": start,
                "end": end,
            },
        },
    )
    request = ReplayRequest(
        params,
        symbol,
        settings.allocate,
        tuple(policy.split(",")),
        seconds("--interval", interval),
        seconds("--latency", latency),
        band,
        phases,
        seed,
        seconds("--half-life", half_life) if half_life else None,
        out,
    )
    result = replay_order(request, file, settings)
    held = evidence([result])
    if as_json:
        write_json(content(result, held), as_json)
    if sheet:
        write_sheet(result, held, file, sheet)
    typer.echo(report_text(result, held))
