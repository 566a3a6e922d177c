"""Commands of every night: retrain, what nights did, runs put in force by hand, files verified."""

import sys
from typing import Annotated

import typer

from pipeline.commands.options import (
    Accept,
    Calendar,
    Columns,
    ConfigFile,
    Data,
    Out,
    Source,
    Symbols,
    Workers,
    as_number,
)
from pipeline.commands.terminal import say

KEPT = 10  # exit code


def retrain(
    as_of: Annotated[
        str | None,
        typer.Option(help="The session that closed, YYYY-MM-DD; the last one by the clock."),
    ] = None,
    source: Source = None,
    data: Data = None,
    out: Out = "out",
    config: ConfigFile = None,
    symbols: Symbols = None,
    calendar: Calendar = None,
    columns: Columns = None,
    workers: Workers = None,
    accept: Accept = None,
) -> None:
    """Make parameters anew at a session's close and put them in force, unless a check fails.

    The same date twice does nothing the second time. Leaves with 0: the new parameters are in
    force; 10: what was in force stays; 2: input that cannot be used; 3: a tape that fails its
    checks; 4: the tracking store does not answer. Whatever fails, what was in force stays.

    Example: `impact retrain --as-of 2025-01-31 --source databento --data DIR --out DIR`
    """
    import time

    from pipeline.engine.config import load_config
    from pipeline.engine.sessions import SessionCalendar
    from pipeline.publication.status import reported
    from pipeline.retraining.night_text import night_text
    from pipeline.retraining.retrain import retrain as run_night

    with reported("retrain", out) as ending:
        settings = load_config(
            config,
            {
                "data": {
                    "source": source,
                    "location": data,
                    "symbols": symbols.split(",") if symbols else None,
                    "calendar": calendar,
                    "columns": columns,
                    "accept": accept or None,
                },
                "executor": {"workers": as_number(workers)},
            },
        )
        calendar_of = SessionCalendar(settings.data.calendar)
        date = as_of or calendar_of.last_closed(time.time_ns()).date
        done = run_night(settings, out, date)
        if done.night.outcome == "kept":
            ending.state, ending.exit_code, ending.message = "held_back", KEPT, done.night.why
        elif not done.anew:
            ending.state = "unchanged"
    for line in done.said:
        say(line)
    say(night_text(done.night))
    if done.night.outcome == "kept":
        sys.exit(ending.exit_code)


def history(
    out: Out = "out",
    html: Annotated[
        str | None,
        typer.Option(
            help="Also write a page: parameters, charged costs, checks, coverage, data by night."
        ),
    ] = None,
) -> None:
    """List what every night did: what came into force, what was held back, and why.

    Example: `impact history --out DIR --html nights.html`
    """
    from pipeline.engine.store import check_file, write_file
    from pipeline.retraining.night_text import history_text
    from pipeline.retraining.nights import moves_of, nights_of

    if html:
        check_file(html, "--html")
    nights, moves = nights_of(out), moves_of(out)
    if html:
        from pipeline.retraining.pages.page import render_history

        write_file(html, render_history(nights, moves, out).encode())
    say(history_text(nights, moves))
    if html:
        say(f"{html} has the pictures")


def rollback(
    why: Annotated[str, typer.Option(help="The reason, for `impact history`.")],
    out: Out = "out",
    run: Annotated[str | None, typer.Option(help="The run to go back to; the one before.")] = None,
) -> None:
    """Put the files of an earlier run in force, in one step; only files as published are.

    Example: `impact rollback --out DIR --why "spreads of a test feed"`
    """
    import getpass

    from pipeline.retraining.by_hand import roll_back

    move, said = roll_back(out, run, getpass.getuser(), why)
    for line in (f"in force: {move.in_force} (was {move.was})", *said):
        say(line)


def promote(
    version: Annotated[
        str, typer.Option(help="A run id under `versions/`, or a registered model's version.")
    ],
    why: Annotated[str, typer.Option(help="The reason, for `impact history` and the registry.")],
    out: Out = "out",
    symbol: Annotated[
        str | None, typer.Option(help="Whose registered model the version is of, of several.")
    ] = None,
) -> None:
    """Put a night's files in force that the gate held back, in one step, with all their symbols.

    Example: `impact promote --out DIR --version 7 --why "the gap was a test feed's"`
    """
    import getpass

    from pipeline.retraining.by_hand import promote as put_in_force

    move, said = put_in_force(out, version, symbol, getpass.getuser(), why)
    for line in (f"in force: {move.in_force} (was {move.was})", *said):
        say(line)


def verify(
    file: Annotated[str, typer.Argument(help="params.json, or a folder of `impact run`.")],
) -> None:
    """Check a parameter file before it is used: whole, of one run, of a schema that is read.

    Example: `impact verify out/params.json`
    """
    from pipeline.parameters.schema import read_params
    from pipeline.publication.versions import folder_of, verify_version
    from pipeline.retraining.night_text import file_text

    path = file if file.endswith(".json") else f"{file.rstrip('/')}/params.json"
    folder = folder_of(path)
    run_id = verify_version(folder) if folder else None
    say(file_text(path, read_params(path), run_id))
