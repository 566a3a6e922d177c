"""Single defects of files: each is read, or refused in one line that says what to do."""

import gzip
import time
from pathlib import Path

import pytest

from pipeline.engine.errors import InputError
from pipeline.studies.orders.columns import read_broker_columns
from pipeline.studies.orders.files import read_orders
from pipeline.tape.days import discover
from pipeline.tape.sources.taq_columns import TradeColumns
from tests.pipeline.malformed.readers import READERS

CSV = (
    "lobster csv",
    "databento csv",
    "databento csv, integers",
    "taq csv",
    "fills csv",
    "bars csv",
)


def whole(name: str, folder: Path) -> list[Path]:
    """Return the text files of a reader's whole files."""
    READERS[name].write(folder)
    return sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".toml"))


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(InputError) as found:
        READERS[name].read(folder)
    said = str(found.value)
    assert len(said) <= 300
    assert said.isprintable()
    return said


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("name", CSV)
def test_other_separators_are_told(name: str, separator: str, tmp_path: Path) -> None:
    for path in whole(name, tmp_path):
        if path.suffix == ".csv":
            path.write_text(path.read_text().replace(",", separator))
    said = refusal(name, tmp_path)
    assert ".csv" in said
    assert "comma" in said


@pytest.mark.parametrize("name", [*CSV, "configuration"])
@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_told_or_read(name: str, encoding: str, tmp_path: Path) -> None:
    for path in whole(name, tmp_path):
        text = path.read_text()
        path.write_bytes((text if encoding == "utf-16" else f"{text}\xe9\n").encode(encoding))
    assert str(tmp_path) in refusal(name, tmp_path)


@pytest.mark.parametrize(
    "row", ["o1,f1a,CANCEL,,,\n", "total,,,,,\n", "\n", "o1,,,,,\n", ",,,,,\n", "# end\n"]
)
def test_a_fills_row_that_is_no_trade(row: str, tmp_path: Path) -> None:
    whole("fills csv", tmp_path)
    fills = tmp_path / "fills.csv"
    fields = fills.read_text().splitlines()[0].count(",")
    fills.write_text(fills.read_text() + row.replace(",", "," * (fields - 4), 1))
    said = ""
    try:
        read_orders(str(tmp_path), read_broker_columns(str(tmp_path / "map.toml")))
    except InputError as error:
        said = str(error)
    assert not said or ("fills.csv" in said and len(said) <= 300)


def test_a_pattern_that_would_backtrack_takes_no_time() -> None:
    columns = TradeColumns(files="(a+)+(a|aa)+(?P<symbol>a+)X", time="t", price="p", size="s")
    started = time.monotonic()
    assert columns.named("a" * 3000 + "!") is None
    assert time.monotonic() - started < 30


def test_what_a_mac_adds_is_passed_over(tmp_path: Path) -> None:
    whole("taq csv", tmp_path)
    before = discover("taq", str(tmp_path / "tape"), str(tmp_path / "map.toml"))
    (tmp_path / "tape/__MACOSX").mkdir()
    for name in ("._trades.csv", "__MACOSX/._quotes.csv", ".DS_Store"):
        (tmp_path / "tape" / name).write_bytes(b"\0\5\x16\7")
    assert discover("taq", str(tmp_path / "tape"), str(tmp_path / "map.toml")) == before


def test_a_blank_last_line_is_no_row(tmp_path: Path) -> None:
    for path in whole("fills csv", tmp_path):
        path.write_text(path.read_text() + "\n")
    assert READERS["fills csv"].read(tmp_path) is not None


def test_a_packed_file_that_is_cut_is_told(tmp_path: Path) -> None:
    READERS["taq csv.gz"].write(tmp_path)
    path = next((tmp_path / "tape").glob("*.gz"))
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()))[:-12])
    assert path.name in refusal("taq csv.gz", tmp_path)
