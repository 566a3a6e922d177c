"""Small books of simulated orders as files, and what they cost."""

from pathlib import Path

import pandas as pd

from models.simulation.desk import DeskConfig
from pipeline.engine.config import load_config
from pipeline.tca.book import Book
from pipeline.tca.sample import SampleBook, sample_paths, simulate_book, write_sample
from pipeline.tca.study import TcaRequest, analyse


def simulated(folder: Path, seed: int = 3, **config: int) -> tuple[SampleBook, TcaRequest]:
    """Write a simulated book and return it with the request that analyses it."""
    made = simulate_book(DeskConfig(**{"symbols": 2, "days": 4, "orders": 5} | config), seed)
    write_sample(str(folder / "sample"), made)
    paths = sample_paths(str(folder / "sample"))
    request = TcaRequest(
        paths["orders"], paths["fills"], bars=paths["bars"], params=(paths["params"],)
    )
    return made, request


def analysed(request: TcaRequest, calendar: str = "XNYS") -> Book:
    """Return the book of a request."""
    return analyse(request, load_config(None, {"data": {"calendar": calendar}})).book


def write_two(folder: Path, orders: pd.DataFrame, fills: pd.DataFrame) -> TcaRequest:
    """Write orders and fills and return the request for them alone."""
    orders.to_csv(folder / "orders.csv", index=False)
    fills.to_csv(folder / "fills.csv", index=False)
    return TcaRequest(str(folder / "orders.csv"), str(folder / "fills.csv"))
