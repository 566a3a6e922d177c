"""The command that holds two runs beside each other."""

from typing import Annotated

import typer

from pipeline.commands.options import AsJson, Risk, Side
from pipeline.commands.terminal import say


def compare(
    before: Annotated[str, typer.Argument(help="A params.json, or the id of a run in MLflow.")],
    after: Annotated[str, typer.Argument(help="The later one, likewise.")],
    shares: Annotated[
        int | None, typer.Option(help="Shares to plan; without: 1 % of the volume forecast.")
    ] = None,
    side: Side = None,
    risk_aversion: Risk = None,
    page: Annotated[str | None, typer.Option(help="Write the comparison as a page, HTML.")] = None,
    as_json: AsJson = None,
) -> None:
    """Tell what changed from one run to another, and whether it matters.

    Data, parameters in standard errors, forecasts, how the same order is planned and costed, what
    keeping the earlier plan would cost, and what held-out data said of both where they are tracked.

    Example: `impact compare monday/params.json tuesday/params.json --page changes.html`
    """
    from pipeline.comparison.changes import compare as changes
    from pipeline.comparison.outcome import content, render, report_text
    from pipeline.comparison.sides import read_side
    from pipeline.engine.config import load_config
    from pipeline.engine.store import check_file, write_file, write_json

    for path, option in ((page, "--page"), (as_json, "--json")):
        if path:
            check_file(path, option)
    sides = read_side(before), read_side(after)
    asked = {"shares": shares, "side": side, "risk_aversion": risk_aversion}
    order = load_config(None, {"allocate": asked}).allocate if shares else None
    found = changes(*sides, order)
    if page:
        write_file(page, render(*sides, found).encode())
    if as_json:
        write_json(content(*sides, found), as_json)
    say(report_text(*sides, found))
