"""What is packed: members that count, bounds of what is unpacked, and zips that cannot be read."""

import gzip
import re
import resource
import zipfile
from pathlib import Path

import polars as pl
import pytest
import zstandard

from pipeline.engine.errors import InputError
from pipeline.tape.sources import databento, lean, lobster
from pipeline.tape.sources.archives import check_whole, is_hidden
from pipeline.tape.sources.source import RawFile, list_files
from tests.pipeline.tape.sources.test_databento import XNYS
from tests.pipeline.tape.sources.test_lobster import STEM, TAPE, lines, zipped

NAMES = [f"{STEM}_message_2.csv", f"{STEM}_orderbook_2.csv"]


def read(path: Path) -> list[object]:
    return [batch for raw in lobster.discover(str(path)) for batch in lobster.read(raw, XNYS)]


def packed(path: Path, extra: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write the tape's zip with more members."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in zip(NAMES, lines(TAPE), strict=True):
            archive.writestr(name, text)
        for name, content in extra.items():
            archive.writestr(name, content)
    return path


def marked(path: Path, local: int, central: int, value: int) -> Path:
    """Set a byte of the first member's two headers."""
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\x03\x04") + local] = value
    content[content.find(b"PK\x01\x02") + central] = value
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_systems_leave_beside_files_is_passed_over(method: int, tmp_path: Path) -> None:
    left = {f"__MACOSX/._{NAMES[0]}": b"\0\5\x16\7", ".DS_Store": b"\0", "._x.csv": b"\0"}
    assert len(read(packed(tmp_path / "a.zip", left, method))) == 1
    (tmp_path / "._a.zip").write_bytes(b"\0\5\x16\7")
    assert len(read(tmp_path)) == 1
    assert not is_hidden("/a/b.csv")


def test_members_that_are_not_needed_are_not_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"readme.txt": bytes(30_000_000)})
    assert len(read(path)) == 1
    content = path.read_bytes()
    path.write_bytes(content.replace(b"readme", b"README", 1))  # its two names differ: damaged
    assert len(read(path)) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: marked(path, 6, 8, 1), "encrypted; unpack it with its password"),
        (lambda path: marked(path, 8, 10, 9), "cannot be read.*unpack it"),
        (lambda path: marked(path, 4, 6, 255), "cannot be read.*unpack it"),
    ],
)
def test_a_zip_of_another_kind_says_to_unpack_it(change, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"a.zip.*{said}"):
        read(change(packed(tmp_path / "a.zip", {})))


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {f"other/{NAMES[0]}": b"34200.1,1,1,1,1,1\n"})
    with pytest.raises(InputError, match="2 members are called"):
        read(path)


def test_what_grows_as_no_tape_does_is_refused_in_little_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "20131007_quote.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("20131007_ibm_Quote_Tick.csv", b"0,,,,,,,\n" * 4_000_000)
    with zipfile.ZipFile(tmp_path / "20131007_trade.zip", "w") as archive:
        archive.writestr("20131007_ibm_Trade_Tick.csv", b"34200000,1,1,N,1,0\n")
    (raw,) = lean.discover(str(tmp_path))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="more than 200 times as many; no tape does"):
        list(lean.read(raw, XNYS))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@pytest.mark.parametrize(
    ("name", "compress"), [("a.csv.gz", gzip.compress), ("a.csv.zst", zstandard.compress)]
)
def test_compressed_files_are_held_to_the_same_bound(name: str, compress, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(compress(bytes(30_000_000)))
    with pytest.raises(InputError, match="no tape does"):
        check_whole(path, name)
    path.write_bytes(compress(b"x" * 99) + compress(b"y" * 99))
    check_whole(path, name)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="truncated, damaged"):
        check_whole(path, name)


def test_parquet_of_more_rows_than_bytes_is_refused(tmp_path: Path) -> None:
    pl.select(symbol=pl.repeat("A", 5_000_000)).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"5,000,000 rows in .* bytes are no tape"):
        list(databento.read(RawFile(str(tmp_path / "a.parquet"), None, None, 1), XNYS))


@pytest.mark.parametrize("name", ["a.7z", "a.rar", "a.tar.gz"])
def test_archives_that_are_not_read_say_so(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"7z")
    for location in (tmp_path, tmp_path / name):
        with pytest.raises(InputError, match="not read; unpack it"):
            list_files(str(location), lambda each: each.endswith(".csv"), "CSV")


@pytest.mark.parametrize("url", ["foo://x/y", "s3://me:secret@bucket/x", "http://127.0.0.1:9/x/"])
def test_places_that_cannot_be_opened_are_one_line(url: str) -> None:
    with pytest.raises(InputError) as caught:
        lobster.discover(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("date", ["2012-13-45", "9999-12-31", "0001-01-01"])
def test_impossible_dates_in_names_are_refused(date: str, tmp_path: Path) -> None:
    path = zipped(tmp_path, (STEM.replace("2012-06-21", date),))
    with pytest.raises(InputError, match=f"date {date} in its name is no day of a tape"):
        read(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: re.sub(r"[^,]+", "Name", text.split("\n")[0]) + "\n" + text,
        lambda text: text + "\n",
        lambda text: text + "\r\n\n",
    ],
)
def test_a_header_and_blank_last_lines_cost_nothing(change, tmp_path: Path) -> None:
    (whole,) = read(zipped(tmp_path))
    for name, text in zip(NAMES, lines(TAPE), strict=True):
        (tmp_path / name).write_text(change(text))
    (tmp_path / "sample.zip").unlink()
    (found,) = read(tmp_path)
    assert found.quotes.equals(whole.quotes, null_equal=True)
    assert found.trades.equals(whole.trades)


def test_a_blank_line_in_the_middle_is_refused(tmp_path: Path) -> None:
    message, book = lines(TAPE)
    (tmp_path / NAMES[0]).write_text(message.replace("\n", "\n\n", 1))
    (tmp_path / NAMES[1]).write_text(book)
    with pytest.raises(InputError, match="row 2: fields are missing"):
        read(tmp_path)
