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
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem

from pipeline.engine.places import place
from pipeline.engine.store import write_file
from pipeline.publication.locks import held

VERSIONS, CURRENT, POINTER, MANIFEST = "versions", "current", "current.json", "run.json"
WAITING = "untracked.json"  # of a version: what is still to be tracked of it
KEPT = 5  # versions, the current one among them
PATIENCE = 60.0  # seconds that another run may take to publish


def new_run_id() -> str:
    """Return a name for a run that sorts by when it was made, and that no other run has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"


def publish_run(contents: dict[str, bytes], out: str, run_id: str, aside: bytes) -> dict[str, str]:
    """Publish a run's files under `out` so that readers see those of one run; return their
    addresses by name.

    aside: kept in the version as `untracked.json`, until `settled`; versions beyond the newest
    five go, but for those that still wait.
    Raises: InputError when another run is at it for too long.
    """
    fs, root = place(out.rstrip("/"), "--out")
    manifest = _manifest(contents, run_id)
    files = {**contents, MANIFEST: manifest, WAITING: aside}
    if not isinstance(fs, LocalFileSystem):
        for name, content in files.items():
            write_file(f"{out.rstrip('/')}/{VERSIONS}/{run_id}/{name}", content)
        for name, content in {**contents, POINTER: manifest}.items():
            write_file(f"{out.rstrip('/')}/{name}", content)
    else:
        _publish_local(files, Path(root), run_id)
    return {name: f"{out.rstrip('/')}/{name}" for name in contents}


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


def _publish_local(files: dict[str, bytes], root: Path, run_id: str) -> None:
    versions = root / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".partial-", dir=versions))
    try:
        for name, content in files.items():
            _write(made / name, content)
        made.chmod(0o755)
        _sync(made)
        with held(versions / ".lock", PATIENCE):
            made.rename(versions / run_id)
            _sync(versions)
            _link(root / CURRENT, f"{VERSIONS}/{run_id}")
            for name in files.keys() - {MANIFEST, WAITING}:
                _link(root / name, f"{CURRENT}/{name}")
            _link(root / POINTER, f"{CURRENT}/{MANIFEST}")
            _sync(root)
            _prune(versions, run_id)
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


def _link(path: Path, target: str) -> None:
    """Let `path` be a link to `target`, in one step."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as aside:
        made = Path(aside) / "link"
        made.symlink_to(target)
        made.replace(path)


def _prune(versions: Path, current: str) -> None:
    found = sorted(path for path in versions.iterdir() if not path.name.startswith("."))
    for path in _passed(found, current):
        shutil.rmtree(path, ignore_errors=True)


def _passed(found: list[Path], current: str) -> Iterable[Path]:
    others = [path for path in found if path.name != current]
    return (path for path in others[: 1 - KEPT] if not (path / WAITING).exists())
