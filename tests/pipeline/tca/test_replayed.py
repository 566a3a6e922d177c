"""A replay's policies costed as orders: the same parts as the replay says."""

import json
from pathlib import Path

import pytest

from pipeline.engine.config import load_config
from pipeline.engine.errors import InputError
from pipeline.engine.sessions import SessionCalendar
from pipeline.replay import request
from pipeline.replay.study import ReplayResult
from pipeline.tca import replayed
from pipeline.tca.join import join
from pipeline.tca.replayed import read_replay
from pipeline.tca.sheet import make_sheet
from pipeline.tca.study import TcaRequest, analyse
from pipeline.tca.told import told_costs
from tests.pipeline.replay.test_sheet import made_sheet, wandering

PARTS = ("spread", "walk", "permanent", "drift")
__all__ = ["wandering"]


@pytest.fixture
def folder(wandering: ReplayResult, tmp_path: Path) -> Path:
    """Write the files of a replay's sheet that are read."""
    sheet = made_sheet(wandering)
    (tmp_path / "sheet.json").write_text(json.dumps(sheet.content))
    sheet.tables.fills.to_csv(tmp_path / "fills.csv", index=False)
    sheet.tables.moments.to_csv(tmp_path / "moments.csv", index=False)
    return tmp_path


def test_parts_are_those_of_the_replay(wandering: ReplayResult, folder: Path) -> None:
    rows, market = read_replay(str(folder), SessionCalendar("24/7"))
    joined = join(rows, market)
    told = told_costs(rows, joined.end, [])
    told.table["gamma"] = float(wandering.played[0].stage.end_law.gamma)
    orders = make_sheet(rows, joined, told, market.source, apart=True).orders.set_index("id")
    for name in wandering.names:
        parts = wandering.played[0].done[name, "by_price"].parts
        one = orders.loc[name]
        assert one["filled"] == pytest.approx(one["ordered"])
        for part in PARTS:
            assert one[f"{part}_bps"] == pytest.approx(getattr(parts, part), abs=1e-6), part
        assert one["shortfall_bps"] == pytest.approx(parts.total, abs=1e-6)


def test_without_parameters_own_impact_is_not_in_a_replays_cost(
    wandering: ReplayResult, folder: Path
) -> None:
    config = load_config(None, {"data": {"calendar": "24/7"}})
    orders = analyse(TcaRequest(replay=str(folder)), config).book.sheet.orders.set_index("id")
    for name in wandering.names:
        parts = wandering.played[0].done[name, "by_price"].parts
        assert orders.loc[name, "shortfall_bps"] == pytest.approx(parts.total - parts.permanent)


def test_a_folder_that_is_no_replays_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sheet\.json: not there"):
        read_replay(str(tmp_path), SessionCalendar("24/7"))


def test_sides_are_those_of_the_replay(folder: Path) -> None:
    assert replayed.SIGN is request.SIGN
    told = json.loads((folder / "sheet.json").read_text())
    (folder / "sheet.json").write_text(json.dumps(told | {"side": "short"}))
    with pytest.raises(InputError, match="cannot be read as a replay's sheet"):
        read_replay(str(folder), SessionCalendar("24/7"))
