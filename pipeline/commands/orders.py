"""Commands that plan an order."""

import json
from typing import Annotated

import typer

from pipeline.commands.options import Cap, Lot, Method, Risk, Side


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
    from pipeline.stages.allocate import find_symbol, plan_order, report_json, report_text

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
    schedule = plan_order(find_symbol(read_params(params), symbol), order)
    typer.echo(
        json.dumps(report_json(symbol, order, schedule))
        if as_json
        else report_text(symbol, order, schedule)
    )
