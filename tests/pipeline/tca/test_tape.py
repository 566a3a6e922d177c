"""Orders on a tape: quotes and trades of the canonical tables, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.engine.config import load_config
from pipeline.engine.sessions import SECOND_NS
from pipeline.tape.opening import simulate_tape
from pipeline.tca.market import open_tape_market
from pipeline.tca.settled import iso
from pipeline.tca.study import TcaRequest, analyse
from tests.pipeline.tca.books import write_two

MINUTE = 60 * SECOND_NS


def test_quotes_and_volume_are_those_of_the_tape(tmp_path: Path) -> None:
    asked = {"simulate": {"symbols": 1, "days": 1, "seed": 4}}
    tape = simulate_tape(load_config(None, asked), str(tmp_path / "tape"))
    config = load_config(None, {"data": {"source": "databento", "location": tape}})
    market = open_tape_market(config, str(tmp_path / "out"))
    (date,) = market.dates("SIM0")
    session = market.calendar.session(date)
    table = market.days["SIM0", date].load()
    ts, bid, ask = (table.quotes[name].to_numpy() for name in ("ts", "bid_px_0", "ask_px_0"))
    start = session.open_ns + np.array([30, 60, 90]) * MINUTE
    fill = start + 7 * MINUTE + 123
    fill[2] = ts[np.searchsorted(ts, fill[2])]  # at the very time of a quote
    at = np.searchsorted(ts, fill, side="left") - 1
    price = ask[at] + 0.01
    orders = pd.DataFrame(
        {"order_id": list("abc"), "symbol": "SIM0", "side": "B", "quantity": 500}
    ).assign(start=iso(start), end=iso(start + 20 * MINUTE))
    fills = pd.DataFrame(
        {"order_id": list("abc"), "time": iso(fill), "quantity": 500, "price": price}
    )
    request = write_two(tmp_path, orders, fills)
    request = TcaRequest(request.orders, request.fills, tape=True, out=str(tmp_path / "out"))
    sheet = analyse(request, config).book.sheet
    np.testing.assert_allclose(sheet.fills["mid"], (bid + ask)[at] / 2)
    np.testing.assert_allclose(sheet.orders["walk_cost"], 5.0)
    np.testing.assert_allclose(sheet.orders["spread_cost"], 250 * (ask - bid)[at])
    arrival = np.searchsorted(ts, start, side="left") - 1
    np.testing.assert_allclose(sheet.orders["arrival_price"], (bid + ask)[arrival] / 2)
    trades = table.trades
    for place, first in enumerate(start):
        when = trades["ts"].to_numpy()
        some = (when > first) & (when <= first + 20 * MINUTE)
        size, paid = trades["size"].to_numpy()[some], trades["price"].to_numpy()[some]
        one = sheet.orders.iloc[place]
        assert one["market_volume"] == pytest.approx(size.sum())
        assert one["benchmark_vwap"] == pytest.approx(size @ paid / size.sum())
    assert set(sheet.orders["arrival_from"]) == {"tape"}
    assert set(sheet.orders["adv_from"]) == {"tape, own day"}
