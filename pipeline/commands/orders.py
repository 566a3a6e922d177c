"""Commands about plans of orders."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipeline.commands.options import (
    Cap,
    Lot,
    Method,
    Risk,
    Side,
)
from pipeline.commands.terminal import say


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
        typer.Option(
            help="shrunk: follow the day's forecast as far as that has paid; point: throughout."
        ),
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
    stale: Annotated[
        bool, typer.Option("--stale", help="Plan though the parameters have expired.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole schedule as JSON.")
    ] = False,
) -> None:
    """Schedule one order from params.json alone.

    Examples: `impact allocate --params out/params.json --symbol SIM0 --shares 25000 --lot 100`,
    `impact allocate --params out/params.json --symbol SIM0 --shares 25000 --start 14:00 --method
    qp`
    """
    from contextlib import nullcontext

    from pipeline.commands.options import as_number
    from pipeline.engine.config import load_config
    from pipeline.parameters.schema import read_params
    from pipeline.planning.allocate import plan_from_file
    from pipeline.planning.plan_text import report_json, report_text
    from solver.backend import numpy_alone

    if value_function:
        from pipeline.engine.store import check_file

        check_file(value_function, "--value-function")
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
    with numpy_alone() if order.method != "dp" else nullcontext():
        found = plan_from_file(file, symbol, order, datetime.now(UTC), stale)
    lines = [report_text(symbol, order, found)]
    if robust is not None or frontier or value_function:
        from pipeline.planning import order_studies

        if robust is not None:
            lines.append(order_studies.robust_text(file, symbol, order, robust))
        if frontier:
            lines.append(order_studies.frontier_text(file, symbol, order))
        if value_function:
            lines.append(order_studies.write_value_function(file, symbol, order, value_function))
    if as_json:
        say(json.dumps(report_json(symbol, order, found)))
    else:
        say("\n".join(lines))
