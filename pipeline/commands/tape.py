"""Commands that make or read a tape, and the whole run."""

from typing import Annotated

import typer

from pipeline.commands.options import (
    Accept,
    AsOf,
    Calendar,
    Cap,
    Columns,
    ConfigFile,
    Data,
    Lot,
    Method,
    Out,
    Risk,
    Scheduler,
    Shares,
    Side,
    Source,
    Symbols,
    Workers,
    as_number,
)
from pipeline.commands.terminal import say


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
    symbols: Symbols = None,
    calendar: Calendar = None,
    columns: Columns = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    as_of: AsOf = None,
    accept: Accept = None,
) -> None:
    """Calibrate from a tape and schedule an order in every symbol: tape -> params.json, schedule,
    report.

    Example: `impact run --source lobster --data DIR --shares 5000`
    """
    from pipeline.engine.config import load_config
    from pipeline.publication.status import reported
    from pipeline.run import run_pipeline

    overrides = {
        "data": {
            "source": source,
            "location": data,
            "calendar": calendar,
            "columns": columns,
            "as_of": as_of,
            "symbols": [each.strip() for each in symbols.split(",") if each.strip()]
            if symbols
            else None,
            "accept": accept or None,
        },
        "allocate": {
            "shares": shares,
            "side": side,
            "risk_aversion": risk_aversion,
            "lot": lot,
            "max_participation": max_participation,
            "method": method,
        },
        "executor": {"workers": as_number(workers), "scheduler": scheduler},
    }
    with reported("run", out):
        result = run_pipeline(load_config(config, overrides), out)
    for line in result.summary:
        say(line)


def simulate(
    out: Out,
    symbols: Annotated[int | None, typer.Option(help="How many symbols.")] = None,
    days: Annotated[int | None, typer.Option(help="How many sessions.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same bytes.")] = None,
    book: Annotated[str | None, typer.Option(help="resting, or moving within the minute.")] = None,
    config: ConfigFile = None,
    workers: Workers = None,
) -> None:
    """Write a simulated MBP-10 tape with known impact, and the truth beside it (truth.json,
    truth.parquet; of a moving book truth-states.parquet).
    """
    from pipeline.engine.config import load_config
    from pipeline.tape.opening import simulate_tape

    overrides = {
        "simulate": {"symbols": symbols, "days": days, "seed": seed, "book": book},
        "executor": {"workers": as_number(workers)},
    }
    say(f"tape: {simulate_tape(load_config(config, overrides), out)}")


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
    from pipeline.tape.opening import ingest_tape

    overrides = {
        "data": {"source": source, "location": data, "calendar": calendar, "columns": columns},
        "executor": {"workers": as_number(workers), "scheduler": scheduler},
    }
    for line in ingest_tape(load_config(config, overrides), out):
        say(line)
