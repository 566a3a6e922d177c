"""The command that judges candidates on held-out tape."""

from io import BytesIO
from typing import Annotated

import typer

from pipeline.commands.options import (
    Accept,
    AsJson,
    AsOf,
    Calendar,
    Columns,
    ConfigFile,
    Data,
    Out,
    Risk,
    Source,
    Symbols,
    Workers,
    as_number,
    check_tracking,
    percentages,
    seconds,
    track_record,
)
from pipeline.commands.terminal import say


def evaluate(
    source: Source = None,
    data: Data = None,
    candidates: Annotated[
        str, typer.Option(help="all, or names with commas: twap,static,moment,..., shuffled,blind")
    ] = "all",
    sizes: Annotated[
        str, typer.Option(help="Orders, per cent of the volume forecast, with commas.")
    ] = "0.1,1,5",
    history: Annotated[int, typer.Option(help="Days before the first one held out.")] = 2,
    days: Annotated[int, typer.Option(help="Hold out the last so many days; 0: all.")] = 0,
    interval: Annotated[str, typer.Option(help="From look to look: 60s, 10s.")] = "60s",
    latency: Annotated[str, typer.Option(help="From decision to fill.")] = "100ms",
    band: Annotated[
        float, typer.Option(help="Stay within this share of the order of an even pace.")
    ] = 0.1,
    risk_aversion: Risk = None,
    symbols: Symbols = None,
    as_of: AsOf = None,
    calendar: Calendar = None,
    columns: Columns = None,
    config: ConfigFile = None,
    out: Out = "out",
    workers: Workers = None,
    accept: Accept = None,
    as_json: AsJson = None,
    picture: Annotated[
        str | None, typer.Option(help="Draw the savings with their intervals to this PNG.")
    ] = None,
) -> None:
    """Judge laws, plans and policies by what tape that they have not seen would have charged.

    Every day behind the history is held out: parameters are fitted on what was before it, every
    candidate works the same orders on both sides at the same moments. Tells cost, regret against
    who knew every book, and savings against TWAP with errors by day (by blocks of a single one).

    Example: `impact evaluate --source lean --data DIR --candidates twap,static,rule,moment`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import check_file, write_file, write_json
    from pipeline.evaluation.candidates import CANDIDATES
    from pipeline.evaluation.outcome import content, record, report_text
    from pipeline.evaluation.study import EvaluateRequest
    from pipeline.evaluation.study import evaluate as judge

    for path, option in ((as_json, "--json"), (picture, "--picture")):
        if path:
            check_file(path, option)
    request = EvaluateRequest(
        candidates=tuple(CANDIDATES) if candidates == "all" else tuple(candidates.split(",")),
        sizes=percentages("--sizes", sizes),
        history=history,
        days=days,
        interval=seconds("--interval", interval),
        latency=seconds("--latency", latency),
        band=band,
        out=out,
    )
    settings = load_config(
        config,
        {
            "data": {
                "source": source,
                "location": data,
                "symbols": symbols.split(",") if symbols else None,
                "as_of": as_of,
                "calendar": calendar,
                "columns": columns,
                "accept": accept or None,
            },
            "allocate": {"risk_aversion": risk_aversion},
            "executor": {"workers": as_number(workers)},
        },
    )
    check_tracking(settings, "evaluations")
    found = judge(request, settings)
    if as_json:
        write_json(content(found), as_json)
    tracked = record(found)
    if picture:
        drawn = BytesIO()
        tracked.figures["savings"].savefig(drawn, format="png")
        write_file(picture, drawn.getvalue())
    say(report_text(found))
    track_record(tracked, settings, "evaluations")
