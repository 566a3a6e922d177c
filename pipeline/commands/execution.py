"""Commands for an order at work."""

import sys
from typing import Annotated

import typer

from pipeline.commands.options import Risk, Side, seconds


def step(
    params: Annotated[str, typer.Option(help="The parameter file, params.json.")],
    symbol: Annotated[str, typer.Option(help="The symbol to trade.")],
    shares: Annotated[int, typer.Option(help="Shares to trade.")],
    state: Annotated[
        str,
        typer.Option(help="What is carried from step to step, a JSON file; made anew if absent."),
    ],
    moment: Annotated[
        str,
        typer.Option(help="A JSON file with one moment, or - for one a line on standard input."),
    ] = "-",
    policy: Annotated[str, typer.Option(help="As for `impact replay`.")] = "rule",
    side: Side = None,
    risk_aversion: Risk = None,
    interval: Annotated[str, typer.Option(help="From look to look: 10s, 500ms.")] = "10s",
    latency: Annotated[str, typer.Option(help="From decision to fill.")] = "100ms",
    band: Annotated[
        float, typer.Option(help="Stay within this share of the order of an even pace.")
    ] = 0.1,
    start: Annotated[str | None, typer.Option(help="Trade from this time on, HH:MM.")] = None,
    end: Annotated[str | None, typer.Option(help="Trade before this time, HH:MM.")] = None,
) -> None:
    """Say what an order at work should send now: one JSON answer a moment.

    A moment is {"time": "2025-01-08T10:00:10-05:00", "filled": 300, "bid": [[99.99, 400], ...],
    "ask": [[100.01, 200], ...]}, levels best first, the best alone where no more is known. Moments
    before the order's start may be sent too: their books are remembered.

    Example: `impact step --params out/params.json --symbol SIM0 --shares 2000 --state state.json
    --moment moment.json`
    """
    from pipeline.engine.config import load_config
    from pipeline.parameters.schema import read_params
    from pipeline.replay.step import WorkedOrder, read_moments, read_state, write_state
    from pipeline.replay.study import ReplayRequest

    told = {
        "shares": shares,
        "side": side,
        "risk_aversion": risk_aversion,
        "start": start,
        "end": end,
    }
    request = ReplayRequest(
        params,
        symbol,
        load_config(None, {"allocate": told}).allocate,
        (policy,),
        seconds("--interval", interval),
        seconds("--latency", latency),
        band,
    )
    order, now = WorkedOrder(request, read_params(params)), read_state(state)
    for each in read_moments(moment):
        answer, now = order.step(now, each)
        write_state(now, state)
        typer.echo(answer.model_dump_json())
        sys.stdout.flush()
