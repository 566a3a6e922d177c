"""Where tape comes from: the raw files of a source, and what every source turns them into."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from fsspec.implementations.local import LocalFileSystem

from pipeline.engine.errors import InputError, reason_of
from pipeline.engine.places import place
from pipeline.engine.sessions import SECOND_NS
from pipeline.tape.sources.archives import check_whole, is_hidden, refuse_unread, unpack

RULES = (
    "not_selected",  # dropped: left out by a column map's `rows`, from quotes and trades alike
    "duplicate",  # dropped: identical to the record before it, in every field
    "out_of_session",  # dropped
    "halted",  # dropped: from a halt until trading resumes
    "suspicious",  # dropped: marked so by the vendor
    "bad_timestamp",  # dropped: the vendor says that its time is not reliable
    "half_quote",  # joined: one side of a quote, with the row after it that is the other side
    # kept at the time of the row before it: event time runs back while receive time does not
    "late_event",
    "long_decimals",  # kept: a time with more than 9 decimals, truncated to ns
    "not_firm",  # kept: a quote no order can count on; its venue is taken out of the best quotes
    "snapshot",  # kept at its receive time: the book as it was sent again
    # kept as a book of which nothing is known, which ends the one before it: cleared by the venue,
    # or marked by the vendor as possibly wrong
    "cleared_book",
    "bad_book",
    "undefined_size",  # dropped: a book of which a size is unknown, or a trade without one
    # dropped quote: a level at no worse a price than one above it
    "unordered_levels",
    # an empty book, kept as it ends the one before it, or a trade without a price, dropped
    "undefined_price",
    "one_sided",  # kept quote: it ends the book before it, and nothing is measured until the next
    "crossed",  # dropped quote: bid > ask
    "locked",  # dropped quote: bid = ask
    "empty_level",  # kept quote with fewer levels than the file has columns for
    "cross_print",  # dropped trade: an auction's
    # dropped trade: a market's official open or close, which repeats an auction's
    "official_price",
    "special_terms",  # dropped trade: not for regular settlement
    "late_print",  # dropped trade: reported late or out of sequence
    "extended_hours",  # dropped trade: reported as outside regular hours
    "priced_elsewhere",  # dropped trade: at an average, derived, earlier or negotiated price
    "zero_size",  # dropped trade
    "unknown_condition",  # kept trade: with a sale condition outside the documented ones
    # kept trade: equal to the one before it in every field, and without a number to tell them apart
    "same_print",
    "quote_signed",  # kept trade: aggressor inferred by the quote test of Lee and Ready
    "tick_signed",  # kept trade: aggressor inferred by their tick test
    "undirected_trade",  # kept: hidden, or neither a stated nor an inferred aggressor
)


YEARS = range(1971, 2261)  # whose times are ns since 1970


@dataclass(frozen=True)
class RawFile:
    """One file to ingest.

    `beside` are other files it cannot be read without, `bytes` the size of all. Names are paths or
    fsspec URLs; symbol and date ('YYYY-MM-DD') where the name tells them.
    """

    url: str
    symbol: str | None
    date: str | None
    bytes: int
    beside: tuple[str, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """Return every file whose content decides what is read."""
        return (self.url, *self.beside)


@dataclass(frozen=True)
class TapeBatch:
    """A stretch of one symbol-day's tape in file order, cleaned.

    quotes: ts, then bid_px_j, bid_sz_j, ask_px_j, ask_sz_j a level; trades: ts, price, size,
    aggressor; counts: rule, rows. A date outside the calendar has counts only. minutes: rows before
    any rule, by minute since the epoch.
    """

    symbol: str
    date: str
    quotes: pl.DataFrame
    trades: pl.DataFrame
    counts: pl.DataFrame
    minutes: dict[int, int]


def list_files(
    location: str, wanted: Callable[[str], bool], looked_for: str
) -> list[tuple[str, int]]:
    """Return (path or URL, bytes) of the file, or of the folder's wanted files, sorted.

    Hidden files are passed over.
    Raises: InputError when there is nothing, or a file is empty.
    """
    fs, path = place(location, "--data")
    try:
        found, single = fs.find(path, detail=True), fs.isfile(path)
        exists = bool(found) or fs.exists(path)
    except Exception as error:  # each kind of file system has errors of its own
        raise InputError(
            f"{location}: cannot be listed ({reason_of(error)}); check --data"
        ) from None
    if not found:
        state = "an empty folder" if exists else "no such file or folder"
        raise InputError(f"{location}: {state}; expected {looked_for}")
    local = isinstance(fs, LocalFileSystem)
    files = [
        (name if local else fs.unstrip_protocol(name), int(info.get("size") or 0))
        for name, info in sorted(found.items())
        if single or (not is_hidden(name.removeprefix(path)) and wanted(Path(name).name))
    ]
    for name in [name for name, _ in files] if single else found if not files else ():
        refuse_unread(name)
    if not files:
        raise InputError(f"{location}: none of its {len(found)} files fits; expected {looked_for}")
    for name, size in files:
        if size == 0:
            raise InputError(f"{name}: the file is empty; fetch it again or remove it")
    return files


@contextmanager
def local_files(raw: RawFile, wanted: Callable[[str], bool]) -> Iterator[list[Path]]:
    """Make the raw file's parts, or the wanted members of zips, readable as local files meanwhile.

    Raises: InputError when a part cannot be fetched, or what is packed is damaged or grows too
    large.
    """
    with tempfile.TemporaryDirectory(prefix="impact-") as directory:
        yield [
            path
            for number, url in enumerate(raw.urls)
            for path in _parts(url, Path(directory) / str(number), wanted)
        ]


def midnight_ns(date: str, zone: ZoneInfo, url: str) -> int:
    """Return when the day of a file's name ('YYYY-MM-DD') begins in a zone, ns since 1970.

    Raises: InputError when there is no such day, or none that a tape can be of.
    """
    try:
        day = datetime.fromisoformat(date)
    except ValueError:
        day = datetime.min
    if day.year not in YEARS:
        raise InputError(f"{url}: date {date} in its name is no day of a tape; mend its name")
    return int(day.replace(tzinfo=zone).timestamp()) * SECOND_NS


def rebatch(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Cut a stream of frames into frames of exactly `rows` rows; the last may be shorter."""
    held = None
    for frame in frames:
        held = frame if held is None else pl.concat([held, frame])
        while len(held) >= rows:
            yield held[:rows]
            held = held[rows:]
    if held is not None and len(held):
        yield held


def _parts(url: str, directory: Path, wanted: Callable[[str], bool]) -> list[Path]:
    directory.mkdir()  # one a part: files of different folders may share a name
    path = _fetch(url, directory)
    is_zip = path.suffix.lower() == ".zip"
    files = unpack(url, path, directory / "members", wanted) if is_zip else [path]
    for file in files:
        if file.suffix.lower() in (".gz", ".zst"):
            check_whole(file, f"{url}: {file.name}" if is_zip else url)
    return files


def _fetch(url: str, directory: Path) -> Path:
    fs, path = place(url, "--data")
    if isinstance(fs, LocalFileSystem):
        return Path(path)
    target = directory / Path(path).name
    try:
        fs.get_file(path, str(target))
    except Exception as error:  # each kind of file system has errors of its own
        raise InputError(f"{url}: cannot be fetched ({reason_of(error)}); check --data") from None
    return target
