"""Commands for an order at work: replayed on a tape, or step by step."""

import sys
from typing import Annotated

import typer

from pipeline.commands.options import (
    AsJson,
    Columns,
    ConfigFile,
    Data,
    Out,
    Risk,
    Seed,
    Side,
    Source,
    seconds,
)
from pipeline.commands.terminal import say


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
    from pipeline.engine.store import check_file, write_json
    from pipeline.parameters.schema import read_params
    from pipeline.replay.evidence import evidence
    from pipeline.replay.replay_text import content, deciding_text, report_text
    from pipeline.replay.request import ReplayRequest
    from pipeline.replay.sheet.publish import check_target, write_sheet
    from pipeline.replay.study import replay_order

    if sheet:
        check_target(sheet)
    if as_json:
        check_file(as_json, "--json")
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
        params=params,
        symbol=symbol,
        order=settings.allocate,
        policies=tuple(policy.split(",")),
        interval=seconds("--interval", interval),
        latency=seconds("--latency", latency),
        band=band,
        phases=phases,
        seed=seed,
        half_life=seconds("--half-life", half_life) if half_life else None,
        out=out,
    )
    result = replay_order(request, file, settings)
    held = evidence([result])
    if as_json:
        write_json(content(result, held), as_json)
    if sheet:
        write_sheet(result, held, file, sheet)
    say(report_text(result, held))
    if took := deciding_text(result):
        say(took)


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
    from pipeline.replay.request import ReplayRequest
    from pipeline.replay.step import WorkedOrder
    from pipeline.replay.step_files import StateFile, read_moments

    told = {
        "shares": shares,
        "side": side,
        "risk_aversion": risk_aversion,
        "start": start,
        "end": end,
    }
    request = ReplayRequest(
        params=params,
        symbol=symbol,
        order=load_config(None, {"allocate": told}).allocate,
        policies=(policy,),
        interval=seconds("--interval", interval),
        latency=seconds("--latency", latency),
        band=band,
    )
    order, file = WorkedOrder(request, read_params(params)), StateFile(state)
    now, why = file.open(order)
    if why:
        typer.echo(why, err=True)
    for each in read_moments(moment):
        answer, now = order.step(now, each)
        file.write(now, order)
        typer.echo(answer.model_dump_json())
        sys.stdout.flush()
