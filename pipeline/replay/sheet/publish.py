"""The files of a sheet: one folder that appears whole."""

import json

import pandas as pd

from pipeline.engine.store import check_folder, write_folder
from pipeline.parameters.schema import Params
from pipeline.replay.evidence import Evidence
from pipeline.replay.sheet.benchmarks import told_cost
from pipeline.replay.sheet.page import render
from pipeline.replay.sheet.sheet import make_sheet
from pipeline.replay.study import ReplayResult

FILES = ("orders.csv", "fills.csv", "moments.csv", "sheet.json", "sheet.html")


def check_target(folder: str) -> None:
    """Raise InputError where a sheet cannot be put without taking other files away."""
    check_folder(folder, FILES)


def write_sheet(
    result: ReplayResult, held: dict[str, Evidence], params: Params, folder: str
) -> None:
    """Write the five files of a sheet, all or none; an older sheet there is replaced.

    held: what the tape tells of policies against TWAP; params: the file with the order's plan.

    Raises: InputError when the folder cannot be written.
    """
    request = result.request
    sheet = make_sheet(result, held, told_cost(params, request.symbol, request.order))
    tables = (sheet.tables.orders, sheet.tables.fills, sheet.tables.moments)
    text = json.dumps(sheet.content, indent=1, allow_nan=False) + "\n"
    files = [*map(_csv, tables), text.encode(), render(result, sheet).encode()]
    write_folder(folder, dict(zip(FILES, files, strict=True)))


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()
