"""One run's files in a folder of their own, made current by one rename.

    out/versions/RUN/    all files of one run and `run.json`, which says how many bytes of what hash
    out/current          a link to the folder in force, replaced in one step
    out/params.json, ... links through `current`; out/current.json is its `run.json`

A reader that opens one file gets it whole; one that reads several resolves `current` once, or
checks them against `current.json`. Other file systems than the local one have no links: files are
copied beside their version, and `current.json` is written last.
"""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from fsspec.implementations.local import LocalFileSystem
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from pipeline.engine.errors import InputError
from pipeline.engine.places import open_file, place, reading
from pipeline.engine.store import partial_prefix, write_file
from pipeline.publication.locks import held

VERSIONS, CURRENT, POINTER, MANIFEST = "versions", "current", "current.json", "run.json"
PREVIOUS = "previous"  # a link to what was current before
WAITING = "untracked.json"  # of a version: what is still to be tracked of it
KEPT = 5  # versions, the current one and the one before it among them
PATIENCE = 60.0  # seconds that another run may take to publish
Name = Annotated[str, StringConstraints(pattern=r"^[^./\\][^/\\]*$")]  # in a folder: no path


class Listed(BaseModel):
    """A published file: how many bytes, and their SHA-256 in hexadecimal digits."""

    model_config = ConfigDict(frozen=True)

    bytes: int
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Manifest(BaseModel):
    """What a run has published: its id, and its files by name."""

    model_config = ConfigDict(frozen=True)

    run_id: Name
    files: dict[Name, Listed]


def publish_run(
    contents: dict[str, bytes], out: str, run_id: str, aside: bytes, current: bool = True
) -> dict[str, str]:
    """Publish a run's files under `out` so that readers see those of one run; return their
    addresses by name.

    current: or only kept as a version; aside: kept in the version as `untracked.json`, until
    `settled`; versions beyond the newest five go, but for those that still wait.
    Raises: InputError when another run is at it for too long.
    """
    fs, root = place(out.rstrip("/"), "--out")
    manifest = _manifest(contents, run_id)
    files = {**contents, MANIFEST: manifest, WAITING: aside}
    if not isinstance(fs, LocalFileSystem):
        for name, content in files.items():
            write_file(f"{out.rstrip('/')}/{VERSIONS}/{run_id}/{name}", content)
        for name, content in {**contents, POINTER: manifest}.items() if current else ():
            write_file(f"{out.rstrip('/')}/{name}", content)
    else:
        _publish_local(files, Path(root), run_id, current)
    there = out.rstrip("/") if current else version_of(out, run_id)
    return {name: f"{there}/{name}" for name in contents}


def version_of(out: str, run_id: str) -> str:
    """Return the folder of a run's files."""
    return f"{out.rstrip('/')}/{VERSIONS}/{run_id}"


def in_force(out: str) -> str | None:
    """Return the run whose files are current, None before the first.

    Raises: InputError when `current.json` is damaged.
    """
    url = f"{out.rstrip('/')}/{POINTER}"
    fs, path = place(url, "--out")
    if not fs.exists(path):
        return None
    return _read_manifest(url).run_id


def before_current(out: str) -> str | None:
    """Return the run that was current before, None where that is not known or not kept."""
    fs, root = place(out.rstrip("/"), "--out")
    link = Path(root) / PREVIOUS
    if isinstance(fs, LocalFileSystem):
        return link.resolve().name if link.exists() else None
    now = in_force(out)
    earlier = [one for one in runs_of(out) if now is not None and one < now]
    return earlier[-1] if earlier else None


def runs_of(out: str) -> list[str]:
    """Return the runs whose files are kept, oldest first."""
    fs, root = place(out.rstrip("/"), "--out")
    return sorted(name.split("/")[-2] for name in fs.glob(f"{root}/{VERSIONS}/*/{MANIFEST}"))


def make_current(out: str, run_id: str) -> None:
    """Put the files of an earlier run in force, in one step.

    Raises: InputError when they are not there or not as they were published.
    """
    fs, root = place(out.rstrip("/"), "--out")
    found = runs_of(out)
    if run_id not in found:
        raise InputError(f"--run {run_id}: not kept under {out}; there are {', '.join(found)}")
    verify_version(version_of(out, run_id))
    if not isinstance(fs, LocalFileSystem):
        folder = version_of(out, run_id)
        for name in [*sorted(_read_manifest(f"{folder}/{MANIFEST}").files), MANIFEST]:
            with open_file(f"{folder}/{name}", "--out") as file:
                write_file(
                    f"{out.rstrip('/')}/{POINTER if name == MANIFEST else name}", file.read()
                )
        return
    with held(Path(root) / VERSIONS / ".lock", PATIENCE):
        _switch(Path(root), run_id)
        _sync(Path(root))


def verify_version(folder: str) -> str:
    """Check every file of a published folder against its manifest and return the run's id.

    Raises: InputError naming the first file that is missing or was changed.
    """
    manifest = _read_manifest(f"{folder.rstrip('/')}/{MANIFEST}")
    for name, told in sorted(manifest.files.items()):
        at = f"{folder.rstrip('/')}/{name}"
        with open_file(at, "--out") as file, reading(at, "cannot be read", "publish anew"):
            found = hashlib.sha256(file.read()).hexdigest()
        if found != told.sha256:
            raise InputError(f"{at}: not as it was published (its SHA-256 differs); publish anew")
    return manifest.run_id


def folder_of(path: str) -> str | None:
    """Return the published folder that a file is read from, None where it is in none."""
    fs, file = place(path, "FILE")
    parent = file.rpartition("/")[0] or "."
    for folder in (parent, f"{parent}/{CURRENT}"):
        if fs.exists(f"{folder}/{MANIFEST}"):
            return folder
    return None


def _read_manifest(url: str) -> Manifest:
    advice = "put a run that is kept in force (impact rollback), or publish anew"
    with open_file(url, "--out") as file, reading(url, "is no manifest", advice):
        content = json.loads(file.read())
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(each) for each in first["loc"]) or "the file"
        raise InputError(f"{url}: is no manifest ({key}: {first['msg']}); {advice}") from None


def waiting_in(out: str) -> list[str]:
    """Return the records below `out` that still are to be tracked, oldest first."""
    fs, root = place(out.rstrip("/"), "--out")
    runs = sorted(name.split("/")[-2] for name in fs.glob(f"{root}/{VERSIONS}/*/{WAITING}"))
    return [waiting_of(out, run_id) for run_id in runs]


def waiting_of(out: str, run_id: str) -> str:
    """Return where a run's record waits to be tracked."""
    return f"{out.rstrip('/')}/{VERSIONS}/{run_id}/{WAITING}"


def settled(waiting: str) -> None:
    """Take away a record that has been tracked."""
    fs, path = place(waiting, "--out")
    fs.rm(path)


def _manifest(contents: dict[str, bytes], run_id: str) -> bytes:
    files = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    return (json.dumps({"run_id": run_id, "files": files}, indent=1) + "\n").encode()


def _publish_local(files: dict[str, bytes], root: Path, run_id: str, current: bool) -> None:
    versions = root / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=partial_prefix(versions), dir=versions))
    try:
        for name, content in files.items():
            _write(made / name, content)
        made.chmod(0o755)
        _sync(made)
        with held(versions / ".lock", PATIENCE):
            made.rename(versions / run_id)
            _sync(versions)
            if current:
                _switch(root, run_id)
                for name in files.keys() - {MANIFEST, WAITING}:
                    _link(root / name, f"{CURRENT}/{name}")
                _link(root / POINTER, f"{CURRENT}/{MANIFEST}")
                _sync(root)
            _prune(root)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make what was renamed in a folder last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _switch(root: Path, run_id: str) -> None:
    """Let a version be current, and the one that was be the one before."""
    now, target = root / CURRENT, f"{VERSIONS}/{run_id}"
    if now.is_symlink() and os.readlink(now) != target:
        _link(root / PREVIOUS, os.readlink(now))
    _link(now, target)


def _link(path: Path, target: str) -> None:
    """Let `path` be a link to `target`, in one step."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    with tempfile.TemporaryDirectory(prefix=partial_prefix(path.parent), dir=path.parent) as aside:
        made = Path(aside) / "link"
        made.symlink_to(target)
        made.replace(path)


def _prune(root: Path) -> None:
    found = [path for path in (root / VERSIONS).iterdir() if not path.name.startswith(".")]
    linked = {(root / name).resolve() for name in (CURRENT, PREVIOUS)}
    others = sorted(path for path in found if path.resolve() not in linked)
    for path in others[: len(linked) - KEPT]:
        if not (path / WAITING).exists():
            shutil.rmtree(path, ignore_errors=True)
