"""The command that tells what real orders cost."""

from typing import Annotated

import typer

from pipeline.commands.options import (
    AsJson,
    Calendar,
    ConfigFile,
    Out,
    Source,
    check_tracking,
    track_record,
)
from pipeline.commands.terminal import say
from pipeline.engine.errors import InputError


def tca(
    orders: Annotated[
        str | None, typer.Option(help="Parent orders, a row each: CSV or Parquet.")
    ] = None,
    fills: Annotated[str | None, typer.Option(help="Their fills, a row each.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="TOML map of the files' columns: see config/orders-broker.toml."),
    ] = None,
    bars: Annotated[
        str | None, typer.Option(help="Bars of the market: symbol, time, close, volume and more.")
    ] = None,
    tape: Annotated[
        str | None, typer.Option(help="Its tape instead: a file, a folder or an fsspec URL.")
    ] = None,
    source: Source = None,
    tape_columns: Annotated[
        str | None, typer.Option(help="TOML map of a taq tape: see config/taq-columns.toml.")
    ] = None,
    replay: Annotated[
        str | None,
        typer.Option(help="The sheet of `impact replay` in place of orders and fills."),
    ] = None,
    params: Annotated[
        list[str] | None,
        typer.Option(help="A params.json that told costs; may be repeated, one a night."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Only orders in this currency, where there are several.")
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="A symbol of the tape or bars that stands for the market.")
    ] = None,
    sheet: Annotated[str, typer.Option(help="The folder that the sheet is written to.")] = "tca",
    pages: Annotated[
        int, typer.Option(help="Pages of single orders, those that cost most first.")
    ] = 5,
    sample: Annotated[
        str | None,
        typer.Option(help="Write simulated orders, fills and bars here and analyse them."),
    ] = None,
    track: Annotated[bool, typer.Option(help="Log the book to MLflow.")] = True,
    calendar: Calendar = None,
    config: ConfigFile = None,
    out: Out = "out",
    as_json: AsJson = None,
) -> None:
    """Tell what orders cost by part, against which price, by group, and against a model's word.

    The shortfall (Perold) of every order in parts that add up: delay, spread, walk beyond it, own
    permanent impact, drift, opportunity, commission and fees.

    Examples: `impact tca --sample sample --no-track`, `impact tca --orders orders.csv --fills
    fills.csv --bars bars.csv --columns MAP.toml --params out/params.json`
    """
    from pipeline.engine.config import load_config
    from pipeline.engine.store import check_file, write_json
    from pipeline.tca.content import content, report_text
    from pipeline.tca.pages.pages import render_pages
    from pipeline.tca.publish import check_target, write_book
    from pipeline.tca.study import TcaRequest, analyse

    check_target(sheet)
    if as_json:
        check_file(as_json, "--json")
    settings = load_config(
        config,
        {
            "data": {
                "source": source,
                "location": tape,
                "columns": tape_columns,
                "calendar": calendar,
            }
        },
    )
    if track:
        check_tracking(settings, "tca")
    told = tuple(params or ())
    if sample:
        if orders or fills or bars or tape:
            raise InputError("--sample has orders and bars of its own; leave the others out")
        from pipeline.tca.sample import sample_paths, write_sample

        write_sample(sample)
        made = sample_paths(sample)
        orders, fills, bars, told = made["orders"], made["fills"], made["bars"], (made["params"],)
    if replay and (orders or fills or bars):
        raise InputError("--replay has orders and fills of its own; leave --orders and others out")
    if not replay and not (orders and fills):
        raise InputError("give --orders FILE and --fills FILE, or --sample DIR for an example")
    request = TcaRequest(
        orders or "",
        fills or "",
        replay or "",
        columns,
        bars,
        bool(tape),
        told,
        currency or "",
        index or "",
        out,
    )
    found = analyse(request, settings)
    book = found.book
    write_book(book, render_pages(book, found.market, pages), sheet)
    if as_json:
        write_json(content(book), as_json)
    say(report_text(book))
    say(f"{sheet}/tca.html has the pictures, {sheet}/orders.csv every order")
    if track:
        from pipeline.tca.record import tca_record

        track_record(tca_record(book, request), settings, "tca")
