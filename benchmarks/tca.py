"""A simulated book of 2,000 orders with known parts, costed beside slippage-tca on the same files.

Run: python -m benchmarks.tca [--peer PYTHON] [--seed N]. PYTHON: of an environment with
slippage-tca (python -m venv V; V/bin/pip install slippage-tca). Ten symbols, twenty days, ten
orders a symbol-day, worked in children every minute; one in seven cancelled on the way.

Each part is told three times against the truth, bps of the book and by order: from quotes every ten
seconds, which hold every fill's; from closes of bars of a minute, which ended up to a minute
before, with errors by day; and the own impact by a gamma that is off by its stated error. Exits 1
when a part from quotes is off by more than the files' rounding, sums are not exact to 1e-9 bps, or
a mean error from bars is beyond four of its standard errors. Both commands read the minute bars.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from models.simulation.desk import TRUE_PARTS, DeskConfig
from models.tca.orders.groups import ratio_of_sums
from models.tca.orders.parts import EXECUTION, PARTS
from pipeline.engine.config import load_config
from pipeline.tca.book import Book, day_codes
from pipeline.tca.sample import SampleBook, simulate_book
from pipeline.tca.study import TcaRequest, analyse

CONFIG = DeskConfig(symbols=10, days=20, orders=10, step=10)
ROUNDING = 4e-8  # currency / share: prices in the files have eight decimals
BEYOND = 4.0  # standard errors
OFF = 1.1  # of gamma, in the third telling: one of its stated errors
MAP = """
[orders]
start = "arrival_time"
[fills]
time = "timestamp"
[bars]
time = "timestamp"
"""
LAUNCH = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
code = subprocess.run(sys.argv[1:]).returncode
wall, used = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]), file=sys.stderr)
sys.exit(code)
"""
PEER = ["-m", "slippage", "tca", "--json"]


@dataclass(frozen=True)
class Taken:
    """What a command took, seconds of the wall clock and of the processor, MB at most, and said."""

    wall: float
    processor: float
    peak: float
    said: str


def write_files(made: SampleBook, folder: Path) -> dict[str, str]:
    """Write files in the peer's columns, which a map tells this program."""
    orders = made.orders.rename(columns={"start": "arrival_time"}).drop(columns=["commission"])
    fills = made.fills.rename(columns={"time": "timestamp"})
    ordered = made.orders.set_index("order_id")
    share = fills["quantity"] / fills["order_id"].map(fills.groupby("order_id")["quantity"].sum())
    fills["commission"] = share * fills["order_id"].map(ordered["commission"])
    quotes = made.bars.rename(columns={"time": "timestamp"})
    for table, columns in (
        (orders, ["decision_time", "arrival_time", "end"]),
        (fills, ["timestamp"]),
        (quotes, ["timestamp"]),
    ):
        for name in columns:
            table[name] = table[name].str.replace(r"\.(\d{6})\d*Z$", r".\1+00:00", regex=True)
    for name, table in (("orders", orders), ("fills", fills), ("bars", minutes(quotes))):
        table.to_csv(folder / f"{name}.csv", index=False)
    quotes.to_parquet(folder / "quotes.parquet", index=False)
    (folder / "map.toml").write_text(MAP)
    (folder / "params.json").write_text(made.params.model_dump_json(by_alias=True))
    return {path.stem: str(path) for path in folder.iterdir()}


def minutes(quotes: pd.DataFrame) -> pd.DataFrame:
    """Return bars of a minute without bid and ask."""
    kept = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    minute = quotes["timestamp"].str[:16]
    by = quotes.groupby(["symbol", minute], sort=False)
    return by.agg({"timestamp": "first", **kept}).reset_index(level=0).reset_index(drop=True)


def costed(paths: dict[str, str], bars: str, params: str = "params") -> Book:
    """Return the book from some bars."""
    request = TcaRequest(
        paths["orders"],
        paths["fills"],
        columns=paths["map"],
        bars=paths[bars],
        params=(paths[params],),
    )
    return analyse(request, load_config()).book


def off_by(book: Book, truth: pd.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Return by part the truth, the mean error and its standard error by day, bps of the book."""
    orders = book.sheet.orders
    day, notional = day_codes(orders), orders["notional"].to_numpy()
    found = {}
    for name in TRUE_PARTS:
        true = truth[name].to_numpy()
        off = ratio_of_sums(orders[f"{name}_cost"].to_numpy() - true, notional, day)
        found[name] = (1e4 * true.sum() / notional.sum(), off.value, off.error)
    return found


def check_quotes(book: Book, truth: pd.DataFrame) -> bool:
    """Print each part against the truth and return whether all are right and sums exact."""
    orders, right = book.sheet.orders, True
    say(
        f"{'part':<20}{'true bps':>10}{'told bps':>10}{'error by day':>13}"
        f"{'largest, bps of an order':>26}"
    )
    for name, (true, off, _) in off_by(book, truth).items():
        apart = (orders[f"{name}_cost"] - truth[name]).abs() / orders["ordered"]
        largest = 1e4 * (apart / orders["decision_price"]).max()
        error = book.parts[name].error
        say(f"{name:<20}{true:>10.4f}{true + off:>10.4f}{error:>13.4f}{largest:>26.1e}")
        right &= bool(apart.max() < ROUNDING)
    bps = orders[[f"{name}_bps" for name in PARTS]].sum(axis=1) - orders["shortfall_bps"]
    groups = book.groups[[f"{name}_bps" for name in PARTS]].sum(axis=1)
    apart = (groups - book.groups["shortfall_bps"]).abs().max()
    whole = abs(sum(one.value for one in book.parts.values()) - book.total.value)
    gap = bps.abs().max()
    say(f"largest gap of a sum, bps: order {gap:.1e}, group {apart:.1e}, book {whole:.1e}")
    return right and max(gap, apart, whole) < 1e-9


def check_bars(book: Book, truth: pd.DataFrame) -> bool:
    """Print what bars without quotes tell: moves with an error by day, execution not split."""
    orders, right = book.sheet.orders, True
    day, notional = day_codes(orders), orders["notional"].to_numpy()
    pairs = {
        "delay": (["delay_traded", "delay_opportunity"],) * 2,
        "over the mid": (["unsplit"], ["spread", "walk"]),
        "moves of the mid": (["permanent", "drift"],) * 2,
        "opportunity": (["opportunity"],) * 2,
    }
    say("\nthe same from closes of bars of a minute: true, told, error by day, errors off")
    for name, (told, true) in pairs.items():
        mine = orders[[f"{each}_cost" for each in told]].sum(axis=1).to_numpy()
        other = truth[true].sum(axis=1).to_numpy()
        off = ratio_of_sums(mine - other, notional, day)
        z = off.value / off.error if off.error > 0 else 0.0
        whole = 1e4 * other.sum() / notional.sum()
        say(
            f"{name:<20}{whole:>10.4f}{whole + off.value:>10.4f}{off.error:>13.4f}{z:>10.1f} errors"
        )
        right &= abs(z) < BEYOND
    return right


def check_gamma(paths: dict[str, str], truth: pd.DataFrame) -> None:
    """Print the own impact by a gamma that is off by its stated error."""
    content = json.loads(Path(paths["params"]).read_text())
    for section in content["symbols"].values():
        section["law"]["gamma"] *= OFF
    path = Path(paths["params"]).with_name("off.json")
    path.write_text(json.dumps(content))
    book = costed(paths | {"off": str(path)}, "quotes", "off")
    true, off, _ = off_by(book, truth)["permanent"]
    orders = book.sheet.orders
    stated = (orders["permanent_error_bps"] * orders["notional"]).sum() / orders["notional"].sum()
    say(
        f"\ngamma off by a tenth: own impact {true + off:.4f} for {true:.4f}, stated error "
        f"{stated:.4f}"
    )


def run(command: list[str], folder: Path) -> Taken:
    """Run a command and measure it, from a small process: a child's peak holds its parent's."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *command],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)}: ended with {done.returncode}\n{done.stderr[-2000:]}"
        )
    wall, processor, peak = json.loads(done.stderr.splitlines()[-1])
    return Taken(wall, processor, peak, done.stdout)


def beside_peer(paths: dict[str, str], peer: str | None, folder: Path) -> None:
    """Print time and memory of both commands, and what they say of the book."""
    own = [sys.executable, "-c", "from pipeline.cli import main; main()", "tca", "--no-track"]
    own += ["--orders", paths["orders"], "--fills", paths["fills"], "--columns", paths["map"]]
    own += ["--bars", paths["bars"], "--params", paths["params"], "--json", "own.json"]
    root = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = root
    say(f"\n{'command':<44}{'wall s':>8}{'cpu s':>8}{'peak MB':>9}")
    commands = {"impact tca, tables, JSON, the book's page": [*own, "--pages", "0"]}
    commands["the same and ten orders' pages"] = [*own, "--pages", "10"]
    if peer:
        files = ["--orders", paths["orders"], "--fills", paths["fills"], "--bars", paths["bars"]]
        commands["slippage-tca, JSON"] = [peer, *PEER, *files]
    taken = {}
    for name, command in commands.items():
        taken[name] = found = run(command, folder)
        say(f"{name:<44}{found.wall:>8.1f}{found.processor:>8.1f}{found.peak:>9.0f}")
    own_said = json.loads((folder / "own.json").read_text())
    parts = {name: one["value"] for name, one in own_said["parts"].items()}
    trading = sum(parts[name] for name in EXECUTION)
    delay = parts["delay_traded"] + parts["delay_opportunity"]
    say(f"\nimpact tca on the minute bars, bps: delay {delay:.4f}, execution {trading:.4f}")
    if peer:
        told = json.loads(taken["slippage-tca, JSON"].said)["total"]["components_bps"]
        say(f"slippage-tca: delay {told['delay']:.4f}, execution {told['trading']:.4f}")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def main() -> None:
    """Print every check and both commands' times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="python of an environment with slippage-tca")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    made = simulate_book(CONFIG, asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_files(made, folder)
        say(f"{len(made.orders):,} orders, {len(made.fills):,} fills, {len(made.bars):,} bars\n")
        book = costed(paths, "quotes")
        right = check_quotes(book, made.parts)
        right &= check_bars(costed(paths, "bars"), made.parts)
        check_gamma(paths, made.parts)
        beside_peer(paths, asked.peer, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"\nthis study: peak {peak:.0f} MB")
    sys.exit(not right)


if __name__ == "__main__":
    main()
