"""Every reader of files, with the small whole files that it reads: what mutations start from."""

import gzip
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import zstandard

from pipeline.engine.config import load_config
from pipeline.engine.sessions import SessionCalendar
from pipeline.engine.store import Store
from pipeline.parameters.schema import Params, dump_params, read_params
from pipeline.planning.order import stated_problem
from pipeline.publication.versions import publish_run, verify_version
from pipeline.replay.step_files import read_moments
from pipeline.retraining.night_text import history_text
from pipeline.retraining.nights import moves_of, nights_of, write_move, write_night
from pipeline.studies.bars import read_bars
from pipeline.studies.orders.columns import read_broker_columns
from pipeline.studies.orders.files import read_orders
from pipeline.studies.orders.panel import read_imbalance_panel
from pipeline.studies.panels import read_panel
from pipeline.tape.days import IngestTask, check_clocks, discover, group_days, ingest
from pipeline.tracking.handover import waiting_for
from pipeline.tracking.record import Record
from pipeline.tracking.waiting import read_waiting
from tests.conftest import ROOT
from tests.pipeline.malformed.mutations import mutate
from tests.pipeline.malformed.orders import alter, plan_it, whole_file, write_order
from tests.pipeline.report.reports import make_params
from tests.pipeline.retraining.records import by_hand, month
from tests.pipeline.studies.orders.test_route import fills_folder, panel
from tests.pipeline.studies.test_bars import bars
from tests.pipeline.tape.sources import taq_tape
from tests.pipeline.tape.sources import test_databento as databento
from tests.pipeline.tape.sources import test_lean as lean
from tests.pipeline.tape.sources import test_lobster as lobster

XNYS = SessionCalendar("XNYS")
NIGHT = SessionCalendar("24/7", 6 * 3600)


@dataclass(frozen=True)
class Reader:
    """write: make whole files in a folder; read: read them, tables into a store beside them;
    spoil: make one of them malformed and say how.
    """

    write: Callable[[Path], object]
    read: Callable[[Path], object]
    spoil: Callable[[Path, np.random.Generator], str] = mutate


def tape(source: str, place: str = ".") -> Callable[[Path], object]:
    """Return how a source's files are found, ingested and grouped by day."""

    def read(folder: Path) -> object:
        columns = str(folder / "map.toml") if source == "taq" else ""
        files = discover(source, str(folder / place), columns)
        store = Store(str(folder.parent / "store"))
        tables = [ingest(IngestTask(file, source, XNYS, store)) for file in files]
        check_clocks(tables, XNYS, source)
        return [day.load() for day in group_days(tables, ())]

    return read


def lean_zips(folder: Path) -> None:
    quotes = [
        row
        for step in range(30)
        for row in (
            lean.bid(100 * step, 1_000_000 + step % 3 * 100, 300, "Q"),
            lean.ask(100 * step, 1_000_400 + step % 3 * 100, 200, "Q"),
        )
    ]
    lean.write(folder, "quote", quotes)
    lean.write(folder, "trade", [lean.trade(100 * step + 50, 1_000_400) for step in range(30)])


def taq_files(folder: Path, ending: str) -> None:
    columns = taq_tape.MAP.replace('size = "qty"', 'size = "qty"\nside = "side"\nbuy = ["B"]')
    columns = columns.replace("buy", 'sell = ["S"]\nbuy').replace('"qty"', '"qty"\nid = "id"')
    tables = taq_tape.tape(rows=40)
    tables["trades"] = tables["trades"].with_columns(
        pl.Series("side", ["B", "S"] * 20), pl.Series("id", range(40))
    )
    (folder / "tape").mkdir()
    (folder / "map.toml").write_text(columns)
    for name, table in tables.items():
        path = folder / "tape" / f"{name}.{ending}"
        if ending == "parquet":
            table.write_parquet(path)
        else:
            text = table.write_csv().encode()
            path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)


def databento_zip(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", databento.frame().write_csv())


def dbn_zst(folder: Path) -> None:
    path, content = databento.dbn(folder)
    path.unlink()
    (folder / "made.mbp-1.dbn.zst").write_bytes(zstandard.compress(content))


def encoded(name: str) -> Callable[[Path], object]:
    return lambda folder: databento.ENCODINGS[name](databento.frame(), folder / name)


def broker(folder: Path, parquet: bool) -> None:
    for name, table in zip(("orders", "fills"), fills_folder(folder), strict=True):
        if parquet:
            table.to_parquet(folder / f"{name}.parquet", index=False)
        else:
            table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "map.toml").write_text('timezone = "UTC"\n[orders]\nside = "side"\n')


def bars_file(ending: str) -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        table = bars(4)
        path = folder / f"bars.{ending}"
        table.to_parquet(path) if ending == "parquet" else table.to_csv(path, index=False)

    return write


def moment(folder: Path) -> None:
    content = {"time": "2025-01-08T10:00:10-05:00", "filled": 300}
    book = {"bid": [[99.99, 400], [99.98, 100]], "ask": [[100.01, 200], [100.02, 50]]}
    (folder / "moment.json").write_text(json.dumps(content | book))


def drift(folder: Path) -> None:
    rows = "".join(f"{i},{i / 1000}\n" for i in range(12))
    (folder / "drift.csv").write_text(f"i,drift\n{rows}")


def drifted(folder: Path) -> None:
    order = load_config(None, {"allocate": {"drift": str(folder / "drift.csv")}}).allocate
    stated_problem(Params.model_validate_json(whole_file()), "SIM0", order)


def record(folder: Path) -> None:
    kept = Record("r", {"a": 1}, {"b": 2.0}, tables={"t": bars(2)}, files={"f": b"f"})
    (folder / "untracked.json").write_bytes(waiting_for(kept, "impact", "r1").dump())


def parameters(folder: Path) -> None:
    (folder / "params.json").write_bytes(dump_params(make_params("SIM0")))


def published(folder: Path) -> None:
    out = folder.parent / f"{folder.name}-out"
    files = {"params.json": dump_params(make_params("SIM0")), "schedule.csv": b"i,trade\n0,1\n"}
    publish_run(files, str(out), "r1", b"")
    for name in ("run.json", *files):
        shutil.copy(out / "versions/r1" / name, folder / name)


def nights(folder: Path) -> None:
    for night in month(3):
        write_night(night, str(folder))
    write_move(by_hand()[0], str(folder))


READERS = {
    "lobster zip": Reader(lobster.zipped, tape("lobster")),
    "lobster csv": Reader(lobster.unpacked, tape("lobster")),
    "databento dbn": Reader(databento.dbn, tape("databento")),
    "databento dbn.zst": Reader(dbn_zst, tape("databento")),
    "databento csv": Reader(encoded("iso.csv"), tape("databento")),
    "databento csv, integers": Reader(encoded("fixed.csv"), tape("databento")),
    "databento csv.gz": Reader(encoded("iso.csv.gz"), tape("databento")),
    "databento csv.zst": Reader(encoded("fixed.csv.zst"), tape("databento")),
    "databento parquet": Reader(encoded("decimal.parquet"), tape("databento")),
    "lean zip": Reader(lean_zips, tape("lean")),
    "taq csv": Reader(lambda folder: taq_files(folder, "csv"), tape("taq", "tape")),
    "taq csv.gz": Reader(lambda folder: taq_files(folder, "csv.gz"), tape("taq", "tape")),
    "taq parquet": Reader(lambda folder: taq_files(folder, "parquet"), tape("taq", "tape")),
    "fills csv": Reader(
        lambda folder: broker(folder, False),
        lambda folder: read_orders(str(folder), read_broker_columns(str(folder / "map.toml"))),
    ),
    "fills parquet": Reader(
        lambda folder: broker(folder, True),
        lambda folder: read_orders(str(folder), read_broker_columns(str(folder / "map.toml"))),
    ),
    "imbalance panel": Reader(panel, lambda folder: read_imbalance_panel(str(folder))),
    "bars csv": Reader(
        bars_file("csv"), lambda folder: read_bars(str(folder / "bars.csv"), "rv", NIGHT)
    ),
    "bars csv.gz": Reader(
        bars_file("csv.gz"), lambda folder: read_panel(str(folder / "bars.csv.gz"), "rv", NIGHT)
    ),
    "bars parquet": Reader(
        bars_file("parquet"), lambda folder: read_bars(str(folder / "bars.parquet"), "rv", NIGHT)
    ),
    "allocate": Reader(write_order, plan_it, alter),
    "moment": Reader(moment, lambda folder: list(read_moments(str(folder / "moment.json")))),
    "drift": Reader(drift, drifted),
    "untracked record": Reader(record, lambda folder: read_waiting(str(folder / "untracked.json"))),
    "params.json": Reader(parameters, lambda folder: read_params(str(folder / "params.json"))),
    "published set": Reader(published, lambda folder: verify_version(str(folder))),
    "nights": Reader(
        nights, lambda folder: history_text(nights_of(str(folder)), moves_of(str(folder)))
    ),
    "configuration": Reader(
        lambda folder: (folder / "c.toml").write_bytes((ROOT / "config/default.toml").read_bytes()),
        lambda folder: load_config(str(folder / "c.toml")),
    ),
}
