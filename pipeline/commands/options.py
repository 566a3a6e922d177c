"""Options that several commands share."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.terminal import complain
from pipeline.engine.errors import InputError

if TYPE_CHECKING:
    from pipeline.engine.config import Config
    from pipeline.tracking.record import Record


Source = Annotated[str | None, typer.Option(help="lobster, databento, lean, taq or simulate.")]
Data = Annotated[str | None, typer.Option(help="The tape: a file, a folder or an fsspec URL.")]
Out = Annotated[str, typer.Option(help="Where outputs go: a folder or an fsspec URL.")]
ConfigFile = Annotated[
    str | None, typer.Option("--config", help="TOML file; see config/default.toml for every key.")
]
Workers = Annotated[
    str | None, typer.Option(help="Worker processes: auto, 0 (in process) or a number.")
]
Scheduler = Annotated[str | None, typer.Option(help="Address of a Dask scheduler you already run.")]
Calendar = Annotated[
    str | None, typer.Option(help="Exchange calendar (exchange-calendars name) or 24/7.")
]
Side = Annotated[str | None, typer.Option(help="buy or sell.")]
Risk = Annotated[
    str | None,  # a number or the word, as the configuration checks
    typer.Option(
        "--risk-aversion",
        help="lambda: currency cost of one unit of variance, or auto: the largest that raises the "
        "cost over mid by 2 %.",
    ),
]
Lot = Annotated[int | None, typer.Option(help="Trade in multiples of this many shares.")]
Cap = Annotated[
    float | None,
    typer.Option("--max-participation", help="Most of a period's forecast volume, 0 to 1."),
]
Method = Annotated[
    str | None, typer.Option(help="auto (lot-exact), nlp (continuous) or dp (dynamic programme).")
]
Columns = Annotated[
    str | None,
    typer.Option(
        help="TOML map of the files' columns, of taq and fills: see "
        "config/taq-columns.toml, config/orders-broker.toml."
    ),
]
Accept = Annotated[
    list[str] | None,
    typer.Option(help="Plan although the tape fails the check of this code; may be repeated."),
]
Symbols = Annotated[str | None, typer.Option(help="Only these, comma-separated.")]
AsOf = Annotated[
    str | None, typer.Option(help="Use nothing later than this ISO time; plan what follows.")
]
Shares = Annotated[int | None, typer.Option(help="Shares to trade.")]
AsJson = Annotated[str | None, typer.Option("--json", help="Write the result to this file.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same numbers.")]


def as_number(text: str | None) -> str | int | None:
    """Return the number that a text writes, or the text."""
    return int(text) if text is not None and re.fullmatch(r"-?[0-9]{1,18}", text) else text


def seconds(option: str, text: str) -> float:
    """Return a length of time in seconds, from 10s, 500ms, 2m or a number of seconds.

    Raises: InputError naming the option.
    """
    found = re.fullmatch(r"(\d+\.?\d*)\s*(ms|s|m|)", text.strip())
    if not found:
        raise InputError(f"{option} {text}: not a length of time; write it as 10s, 500ms or 2m")
    return float(found[1]) * {"ms": 0.001, "m": 60.0}.get(found[2], 1.0)


def percentages(option: str, text: str) -> tuple[float, ...]:
    """Return numbers in per cent, with commas between, as parts of 1.

    Raises: InputError naming the option.
    """
    try:
        return tuple(float(each) / 100 for each in text.split(","))
    except ValueError:
        raise InputError(f"{option} {text}: write per cents with commas, as 0.1,1,5") from None


def check_tracking(settings: "Config", studies: str) -> None:
    """Raise InputError where results could not be tracked, before there are any."""
    from pipeline.tracking.connection import check_store

    check_store(f"{settings.track.experiment}-{studies}")


def track_record(record: "Record", settings: "Config", studies: str) -> None:
    """Log what a study found to the experiment of such studies, the configuration's name and
    theirs; what could not be waits, and is said.
    """
    from pipeline.tracking.handover import track_study

    for line in track_study(record, f"{settings.track.experiment}-{studies}").said:
        complain(line)
