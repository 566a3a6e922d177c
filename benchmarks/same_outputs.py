"""Are two output folders of `impact run` the same, file by file and cached table by table?

Run: python -m benchmarks.same_outputs BEFORE AFTER [--tolerance 1e-12]. Plans, integers and texts
must be equal, floats within the tolerance relative to the larger (or to the column's largest, for
what rounding leaves of a zero). Left aside: times of creation, run ids, cache keys, versions of the
code, dotted names of estimators, seconds. Exits 1 when anything differs.
"""

import argparse
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, is_zipfile

import numpy as np
import pandas as pd

ASIDE = {"created", "code_version", "run_id"}
VOLATILE = re.compile(  # of the report: run ids and code versions, times of creation, estimators
    r"\d{8}T\d{6}-[0-9a-f]{8}|\d+\.\d+\.\d+\+[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"
    r"|\b(?:models|pipeline|solver)(?:\.\w+)+"
)
OBJECT_ID = re.compile(r"\d{12,}")
ESTIMATORS = re.compile(  # their links and texts, and what stages took
    r'<a href="#[^"]*">[^<]*</a>|<details id=.*?</details>'
    r'|<td class="word">\w+</td><td>\d+</td><td>\d+</td><td>\d+</td><td>[^<]*</td>',
    re.DOTALL,
)


def numbers_differ(one: np.ndarray, other: np.ndarray, tolerance: float) -> float:
    """Return the largest relative difference beyond the tolerance, else 0."""
    scale = np.maximum(np.abs(one), np.abs(other))
    largest = scale[np.isfinite(scale)].max(initial=0.0) or 1.0
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.array_equal(one[~finite], other[~finite], equal_nan=True):
        return float("inf")
    apart = (
        np.abs(one[finite] - other[finite])
        / np.where(scale > 1e-9 * largest, scale, largest)[finite]
    )
    worst = float(apart[apart > 0].max(initial=0.0))
    return worst if worst > tolerance else 0.0


def table_faults(one: pd.DataFrame, other: pd.DataFrame, tolerance: float) -> list[str]:
    """Return what differs between two tables."""
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return [f"shape {one.shape} {list(one.columns)} and {other.shape} {list(other.columns)}"]
    faults = []
    for name in one.columns:
        first, second = one[name], other[name]
        if first.dtype.kind == "f":
            off = numbers_differ(first.to_numpy(), second.to_numpy(), tolerance)
            faults += [f"{name}: {off:.1e} apart"] if off else []
        elif not first.map(content).equals(second.map(content)):
            faults.append(f"{name}: differs")
    return faults


def content(value: object) -> str:
    """Return a cell's text; of an archive (a stored regressor) its members, whatever their ids."""
    if isinstance(value, bytes) and is_zipfile(BytesIO(value)):
        with ZipFile(BytesIO(value)) as archive:
            return OBJECT_ID.sub("*", repr([archive.read(name) for name in archive.namelist()]))
    return plain(repr(value))


def plain(text: str) -> str:
    """Return a text without what is left aside."""
    return VOLATILE.sub("*", text)


def json_faults(one: object, other: object, tolerance: float, where: str = "") -> list[str]:
    """Return what differs between two JSON values."""
    if isinstance(one, dict) and isinstance(other, dict):
        if set(one) != set(other):
            return [f"{where}: keys {set(one) ^ set(other)}"]
        kept = [key for key in one if key not in ASIDE]
        return [f for k in kept for f in json_faults(one[k], other[k], tolerance, f"{where}.{k}")]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [f for i, (a, b) in pairs for f in json_faults(a, b, tolerance, f"{where}[{i}]")]
    if isinstance(one, float) and isinstance(other, float):
        off = abs(one - other) / max(abs(one), abs(other), 1e-300)
        return [f"{where}: {one} and {other}"] if off > tolerance else []
    return [] if one == other else [f"{where}: {one} and {other}"]


def outputs(folder: Path) -> dict[str, list[Path]]:
    """Return the cached outputs of each stage in the order they were made."""
    stages = {}
    for stage in sorted(path for path in (folder / "cache").iterdir() if path.is_dir()):
        done = sorted(stage.glob("*/_done"), key=lambda mark: mark.stat().st_mtime_ns)
        stages[stage.name] = [mark.parent for mark in done]
    return stages


def report_faults(one: str, other: str) -> list[str]:
    """Return the first words of two reports that differ, estimators and seconds aside."""
    first, second = (ESTIMATORS.sub("*", plain(text)).split() for text in (one, other))
    if len(first) != len(second):
        return [f"{len(first)} and {len(second)} words"]
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    return [f"{a[:80]} | {b[:80]}" for a, b in pairs[:5]]


def compare(before: Path, after: Path, tolerance: float) -> list[str]:
    """Return every difference, led by where it is."""
    faults = []
    texts = [json.loads((folder / "params.json").read_text()) for folder in (before, after)]
    faults += [f"params.json {fault}" for fault in json_faults(*texts, tolerance)]
    for name, read in (("params.parquet", pd.read_parquet), ("schedule.csv", pd.read_csv)):
        pair = [read(folder / name) for folder in (before, after)]
        faults += [f"{name} {fault}" for fault in table_faults(*pair, tolerance)]
    for name in sorted(path.name for path in after.glob("report*.html")):
        pages = [(folder / name).read_text() for folder in (before, after)]
        faults += [f"{name} {fault}" for fault in report_faults(*pages)]
    if (before / "quality.csv").read_bytes() != (after / "quality.csv").read_bytes():
        faults.append("quality.csv differs")
    first, second = outputs(before), outputs(after)
    for stage in sorted(set(first) | set(second)):
        pairs = (first.get(stage, []), second.get(stage, []))
        if len(pairs[0]) != len(pairs[1]):
            faults.append(f"cache/{stage}: {len(pairs[0])} and {len(pairs[1])} outputs")
            continue
        for place, (one, other) in enumerate(zip(*pairs, strict=True)):
            for file in sorted(one.rglob("*.parquet")):
                tables = [
                    pd.read_parquet(folder / file.relative_to(one)) for folder in (one, other)
                ]
                where = f"cache/{stage} {place} {file.name}"
                faults += [f"{where} {fault}" for fault in table_faults(*tables, tolerance)]
    return faults


def main() -> None:
    """Compare and say so."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--tolerance", type=float, default=1e-12)
    asked = parser.parse_args()
    faults = compare(asked.before, asked.after, asked.tolerance)
    counts = {stage: len(found) for stage, found in outputs(asked.after).items()}
    print("\n".join(faults) or f"the same: all files and the cached outputs {counts}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
