"""What a study has read, as it is tracked: a file, a folder of files, a symbol's days of tape."""

from pathlib import Path

from pipeline.engine.data_read import DataRead
from pipeline.engine.digests import digest, file_digest
from pipeline.tracking.record import DatasetRecord


def file_dataset(url: str) -> DatasetRecord:
    """Return a panel in one file."""
    return DatasetRecord(url.rstrip("/").rpartition("/")[2], file_digest(url), url)


def folder_dataset(folder: str) -> DatasetRecord:
    """Return a folder of files: their names and contents."""
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    content = digest(*(f"{path.name} {file_digest(str(path))}" for path in files))
    return DatasetRecord(Path(folder).name, content, folder)


def tape_dataset(source: str, symbol: str, read: DataRead) -> DatasetRecord:
    """Return one symbol's days of a tape."""
    facts = {"symbol": symbol, "first": read.first, "last": read.last, "days": str(read.days)}
    return DatasetRecord(f"{source} {symbol} {read.window}", read.fingerprint, source, facts)
