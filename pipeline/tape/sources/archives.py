"""What is packed: the members of zips and compressed files, unpacked no further than a tape goes.

Text of a tape shrinks ten- to thirtyfold; what is said to grow, or grows, two hundredfold is no
tape, and would fill memory and disk.
"""

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zstandard

from pipeline.engine.errors import InputError
from pipeline.engine.places import open_file, reading

MOST_TIMES, FREE_BYTES = 200, 8_000_000  # unpacked over packed, where that is larger than this
BLOCK = 4096  # bytes put into a decoder at once: it may make 32,768 times as many of them
COPIED = 1 << 20
LONGEST_NAME = 200  # characters of a member's
ENCRYPTED = 1  # a bit of a member's flags
UNREAD = (".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".bz2", ".xz", ".z")
AGAIN = "fetch it again"


def is_hidden(path: str) -> bool:
    """Return whether a name is of what systems leave beside files, as .DS_Store and __MACOSX/."""
    return any(part.startswith(".") or part == "__MACOSX" for part in _parts(path))


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]


def member_names(url: str) -> list[str]:
    """Return the names of a zip's members, without folders and unpacking nothing.

    Raises: InputError when it is truncated or damaged.
    """
    with open_file(url, "--data") as file, _opened(file, url) as archive:
        return list(_members(archive))


def unpack(url: str, path: Path, directory: Path, wanted: Callable[[str], bool]) -> list[Path]:
    """Unpack the members of a zip whose names are wanted, flat, into a folder that is made.

    Raises: InputError when the zip is damaged, a member is encrypted or compressed in a way that is
    not known, there twice, or larger than a tape's would be.
    """
    directory.mkdir()
    with _opened(path, url) as archive:
        members = {name: infos for name, infos in _members(archive).items() if wanted(name)}
        packed = path.stat().st_size
        if sum(info.compress_size for infos in members.values() for info in infos) > packed:
            raise InputError(f"{url}: its members overlap; no tape is packed so: {AGAIN}")
        for name, infos in members.items():
            _check(url, name, infos)
            with archive.open(infos[0]) as packed_member, (directory / name).open("wb") as target:
                for block in iter(lambda each=packed_member: each.read(COPIED), b""):
                    target.write(block)
    return sorted(directory.iterdir())


def _check(url: str, name: str, infos: list[zipfile.ZipInfo]) -> None:
    info = infos[0]
    if len(infos) > 1:
        raise InputError(f"{url}: {len(infos)} members are called {name}; unpack it, keep one")
    if len(name) > LONGEST_NAME:
        raise InputError(f"{url}: a member's name has {len(name)} characters: {name}; rename it")
    if info.flag_bits & ENCRYPTED:
        raise InputError(
            f"{url}: {name} is encrypted; unpack it with its password, give the folder"
        )
    if info.file_size > max(FREE_BYTES, MOST_TIMES * info.compress_size):
        raise InputError(
            f"{url}: {name} unpacks from {info.compress_size:,} to {info.file_size:,} bytes, more "
            f"than {MOST_TIMES} times as many; no tape does: {AGAIN}"
        )


@contextmanager
def _opened(file: Any, url: str) -> Iterator[zipfile.ZipFile]:
    with reading(url, "truncated or damaged zip", AGAIN):
        try:
            with zipfile.ZipFile(file) as archive:
                yield archive
        except NotImplementedError as error:
            raise InputError(
                f"{url}: packed in a way that cannot be read ({error}); unpack it, give the folder"
            ) from None


def _members(archive: zipfile.ZipFile) -> dict[str, list[zipfile.ZipInfo]]:
    """Return the members by their own names: no other part of a path matters or can do harm."""
    found: dict[str, list[zipfile.ZipInfo]] = {}
    for info in archive.infolist():
        if not info.is_dir() and not is_hidden(info.filename):
            found.setdefault(_parts(info.filename)[-1], []).append(info)
    return found


def check_whole(path: Path, url: str) -> None:
    """Decode a .gz or .zst once: readers take a frame that breaks off for the file's end.

    Raises: InputError when it breaks off, is damaged, or is larger than a tape's would be.
    """
    packed, unpacked = path.stat().st_size, 0
    with reading(url, f"truncated, damaged or no {path.suffix} file", AGAIN):
        for block in _decoded(path):
            unpacked += len(block)
            if unpacked > max(FREE_BYTES, MOST_TIMES * packed):
                raise InputError(
                    f"{url}: unpacks from {packed:,} to over {unpacked:,} bytes, more than "
                    f"{MOST_TIMES} times as many; no tape does: {AGAIN}"
                )


def _decoded(path: Path) -> Iterator[bytes]:
    """Yield the decoded blocks across frames."""
    decoder: Any = None
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            while block:
                if decoder is None or decoder.eof:
                    decoder = (
                        zlib.decompressobj(zlib.MAX_WBITS | 16)
                        if path.suffix == ".gz"
                        else zstandard.ZstdDecompressor().decompressobj()
                    )
                yield decoder.decompress(block)
                block = decoder.unused_data
    if decoder is None or not decoder.eof:
        raise EOFError("it breaks off")


def refuse_unread(name: str) -> None:
    """Raise InputError for an archive that has to be unpacked by hand."""
    if name.lower().endswith(UNREAD):
        raise InputError(f"{name}: this kind of archive is not read; unpack it, give the folder")
