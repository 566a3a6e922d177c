"""Content-addressed stage outputs: written aside, published whole, found again by key."""

import glob
import hashlib
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pandas as pd
from fsspec.implementations.local import LocalFileSystem

from pipeline.engine.errors import InputError, reason_of
from pipeline.engine.places import place

DONE = "_done"
PARTIAL = ".partial-"  # how the name of what is not finished begins
Tables = TypeVar("Tables")


@dataclass(frozen=True)
class Store:
    """A root folder (a path or any fsspec URL) that holds each stage output under `stage/key`."""

    root: str

    def url(self, stage: str, key: str) -> str:
        """Return where the output of `stage` with `key` lives."""
        return f"{self.root.rstrip('/')}/{stage}/{key[:24]}"

    def has(self, stage: str, key: str) -> bool:
        """Tell whether the output was published whole and is as it was published: on a local file
        system every byte of it, elsewhere its files and their sizes.
        """
        fs, path = place(self.url(stage, key), "--out")
        try:
            listed = json.loads(fs.cat_file(f"{path}/{DONE}"))
            if isinstance(fs, LocalFileSystem):
                return bool(listed == _contents(Path(path)))
            return all(fs.size(f"{path}/{name}") == size for name, (size, _) in listed.items())
        except (OSError, ValueError, TypeError, AttributeError):
            return False  # not there, or damaged: it is made anew

    def publish(self, stage: str, key: str, fill: Callable[[Path], None]) -> str:
        """Let `fill` write a folder aside, then make it appear at once; the first of two equal
        writers wins.
        """
        url = self.url(stage, key)
        fs, path = place(url, "--out")
        local = isinstance(fs, LocalFileSystem)
        if local:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        beside = Path(path).parent if local else Path(tempfile.gettempdir())
        work = Path(tempfile.mkdtemp(prefix=partial_prefix(beside), dir=beside))
        try:
            fill(work)
            (work / DONE).write_text(json.dumps(_contents(work)))
            if not local:
                _upload(fs, work, path)
            elif not self.has(stage, key):
                shutil.rmtree(path, ignore_errors=True)
                _rename(work, Path(path))
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return url


def _contents(folder: Path) -> dict[str, list[object]]:
    """Return size and SHA-256 of every file by its name below the folder, the mark apart."""
    found: dict[str, list[object]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != DONE:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = [path.stat().st_size, digest]
    return found


def partial_prefix(folder: Path) -> str:
    """Return how the name of what this process has not finished begins, and take away what
    processes of this machine that are no more left unfinished in a folder.
    """
    here = f"{PARTIAL}{socket.gethostname()}-"
    for path in folder.glob(f"{glob.escape(here)}*"):
        try:
            os.kill(int(path.name.removeprefix(here).partition("-")[0]), 0)
        except ProcessLookupError:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        except PermissionError:  # another user's process, which lives
            continue
    return f"{here}{os.getpid()}-"


def _upload(fs: fsspec.AbstractFileSystem, work: Path, path: str) -> None:
    for file in sorted(
        work.rglob("*"), key=lambda file: file.name == DONE
    ):  # the mark of completeness goes last
        if file.is_file():
            target = f"{path}/{file.relative_to(work).as_posix()}"
            fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            fs.put_file(str(file), target)


def _rename(work: Path, path: Path) -> None:
    try:
        work.rename(path)
    except OSError:  # another process published the same content between the check and the rename
        if not (path / DONE).exists():
            raise


def write_file(url: str, content: bytes) -> str:
    """Write one file so that readers see the old content or the new, never a part."""
    fs, path = place(url, "--out")
    if not isinstance(fs, LocalFileSystem):
        fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        fs.pipe_file(path, content)
        return url
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        dir=Path(path).parent, prefix=partial_prefix(Path(path).parent), delete=False
    ) as file:
        partial = Path(file.name)
        try:
            file.write(content)
            file.flush()
            partial.chmod(0o644)
            partial.replace(path)
        except OSError:
            partial.unlink()
            raise
    return url


def check_out(url: str, option: str = "--out") -> None:
    """Check that a folder of outputs can be written, without making it.

    Raises: InputError naming the option when it is a file, or nothing can be made there.
    """
    fs, path = place(url, option)
    if not isinstance(fs, LocalFileSystem):
        if "http" in fs.protocol:  # a text or a tuple of them
            raise InputError(f"{option} {url}: cannot be written by HTTP; name a folder")
        return
    _probe(Path(path), f"{option} {url}")


def check_file(path: str, option: str) -> None:
    """Check that a local file can be written, without making it.

    Raises: InputError naming the option.
    """
    fs, local = place(path, option)
    if isinstance(fs, LocalFileSystem):
        if Path(local).is_dir():
            raise InputError(f"{option} {path}: is a folder; name a file")
        _probe(Path(local).parent, f"{option} {path}")


def _probe(folder: Path, asked: str) -> None:
    try:
        there = next(each for each in (folder, *folder.parents) if each.exists())
        if not there.is_dir():
            raise InputError(f"{asked}: {there} is a file; name a folder")
        with tempfile.TemporaryFile(dir=there):
            pass
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{asked}: cannot be written ({reason_of(error)}); name another place"
        ) from None


def write_folder(folder: str, contents: dict[str, bytes]) -> None:
    """Write a local folder of files so that readers see all the old ones or all the new, by name;
    a name may have a folder before it.

    Raises: InputError when it cannot be written, or holds files of other names.
    """
    path = Path(folder)
    try:
        check_folder(folder, contents)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=partial_prefix(path.parent), dir=path.parent
        ) as aside:
            made, old = Path(aside) / "made", Path(aside) / "old"
            made.mkdir()
            for name, content in contents.items():
                (made / name).parent.mkdir(exist_ok=True)
                (made / name).write_bytes(content)
            if path.exists():
                path.rename(old)
            try:
                made.rename(path)
            except OSError:
                if old.exists():
                    old.rename(path)
                raise
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror})") from None


def check_folder(folder: str, names: Iterable[str]) -> None:
    """Raise InputError where writing files of these names would take others away."""
    path = Path(folder)
    if "://" in folder or (path.exists() and not path.is_dir()):
        raise InputError(f"{folder}: not a local folder")
    known = {name.partition("/")[0] for name in names}
    others = sorted({file.name for file in path.iterdir()} - known) if path.exists() else []
    if others:
        raise InputError(f"{folder}: holds {others[0]}, which is no file of it; name a folder anew")


def write_json(content: dict[str, object], path: str) -> None:
    """Write JSON-ready values as the option --json asks: the whole file or nothing.

    Raises: InputError when the file cannot be written.
    """
    try:
        write_file(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); check --json") from None


def save_tables(tables: Any, directory: Path) -> None:
    """Write every field (a DataFrame) of a frozen dataclass as `<field>.parquet`."""
    for field in fields(tables):
        getattr(tables, field.name).to_parquet(directory / f"{field.name}.parquet", index=False)


def load_tables(url: str, kind: type[Tables]) -> Tables:
    """Read back what `save_tables` wrote."""
    return kind(**{field.name: read_table(f"{url}/{field.name}.parquet") for field in fields(kind)})


def read_table(url: str) -> pd.DataFrame:
    """Read one Parquet table from a path or URL."""
    with fsspec.open(url, "rb") as file:
        return pd.read_parquet(file)


def fingerprint(frames: Iterable[pd.DataFrame]) -> str:
    """Return the SHA-256 of the tables' values, the same wherever and whenever they were
    computed.
    """
    total = hashlib.sha256()
    for frame in frames:
        total.update(",".join(map(str, frame.columns)).encode())
        total.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return total.hexdigest()
