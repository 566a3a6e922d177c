"""Small whole files made malformed, seeded: bytes, fields, lines, encodings, types, zips, names."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import zstandard

Random = np.random.Generator
FIELDS = (
    *(
        "",
        " ",
        "-",
        "nan",
        "inf",
        "-inf",
        "null",
        "abc",
        "é",
        '"',
        "'",
        ";",
        ",",
        "\x00",
        "\x1b[2J",
    ),
    *("0", "-1", "-0.01", "1e20", "-1e18", "1e300", "1e400", "99999999999999999999999", "0x10"),
    *("9223372036854775807", "-9223372036854775808", "4294967295", "1e-320", "³", "1.5.2", "1_000"),
    *("2012-13-45", "9999-12-31T00:00:00Z", "0001-01-01T00:00:00Z", "2025-01-06T14:30:00+99:99"),
    *("A/B", "A:B", "..", "N" * 300, "true", "T", "R", "\u202eX", "2025-01-06 25:61:61", "\ufeff"),
)
KINDS = (
    *(pl.String, pl.Categorical, pl.Binary, pl.Boolean, pl.Int8, pl.Int32, pl.Int64, pl.UInt64),
    *(pl.Float32, pl.Float64, pl.Date, pl.Time, pl.Duration("ns"), pl.Duration("ms"), pl.Int128),
    *(pl.Datetime("us"), pl.Datetime("ms", "UTC"), pl.Datetime("ns", "Asia/Tokyo"), pl.Null),
    *(pl.Decimal(38, 4), pl.List(pl.Float64), pl.Array(pl.Float64, 1)),
)
EXTREMES = (0, -1, 1, 2**62, -(2**62), 2**63 - 1, -(2**63), 10**18, -(10**18), 10**12)


def of_bytes(content: bytes, rng: Random) -> bytes:
    """Return the content with some bytes flipped, cut, repeated, zeroed or put in."""
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, max(len(content), 1)))
        end = at + int(rng.choice([1, 1, 2, 4, 16, 64, 512]))
        part = content[at:end]
        noise = rng.integers(0, 256, len(part), dtype=np.uint8).tobytes()
        flipped = bytes(each ^ (1 << int(rng.integers(8))) for each in part[:1]) + part[1:]
        choices = (flipped, flipped, flipped, noise, b"", bytes(len(part)), part * 2, b"\xff" * 4)
        content = content[:at] + choices[int(rng.integers(len(choices)))] + content[end:]
    return content[: rng.integers(len(content) + 1)] if rng.random() < 0.15 else content


def of_text(content: bytes, rng: Random) -> bytes:
    """Return lines with a field replaced, or lines dropped, repeated, swapped, put in or joined."""
    lines = content.decode(errors="replace").splitlines()
    if not lines:
        return b"\n"
    row = int(rng.choice([0, 1, len(lines) - 1, rng.integers(len(lines))])) % len(lines)
    fields = lines[row].split(",")
    way = int(rng.integers(12))
    if way < 7:  # a value, in one row, in some or in the whole column
        place, value = int(rng.integers(len(fields))), str(rng.choice(FIELDS))
        rows = [row] if way < 5 else range(1, len(lines), int(rng.integers(1, 3)))
        for each in rows:
            parts = lines[each].split(",")
            parts[min(place, len(parts) - 1)] = value
            lines[each] = ",".join(parts)
    else:
        changed = (
            lines[:row] + lines[row + 1 :],
            lines[: row + 1] + lines[row:],
            lines[::-1],
            [*lines, str(rng.choice(["", " ", ",", ",,,,", "# end", "\x1a", "total,1"]))],
            [",".join(fields[:-1]) if at == row else line for at, line in enumerate(lines)],
        )
        lines = changed[way - 7]
    return ("\n".join(lines) + "\n").encode()


def of_encoding(content: bytes, rng: Random) -> bytes:
    """Return the text in another encoding or with other ends of lines and separators."""
    text = content.decode(errors="replace")
    ways = (
        lambda: text.encode("utf-16"),
        lambda: text.encode("utf-16-le"),
        lambda: b"\xef\xbb\xbf" + content,
        lambda: text.replace("\n", "\r\n").encode(),
        lambda: text.replace("\n", "\r").encode(),
        lambda: text.replace(",", ";").encode(),
        lambda: text.replace(",", "\t").encode(),
        lambda: text.replace("A", "\xe9").encode("latin-1", errors="replace"),
        lambda: gzip.compress(content),
        lambda: zstandard.compress(content),
        lambda: b"7z\xbc\xaf\x27\x1c" + content,
        lambda: content + b"\n",
        lambda: b"\n" + content,
        lambda: text.partition("\n")[2].encode(),
        lambda: b"a,b,c,d\n" + content,
        lambda: b"",
    )
    return ways[int(rng.integers(len(ways)))]()


def of_table(content: bytes, rng: Random) -> bytes:
    """Return the Parquet table with a column of another type, of odd values, or without one."""
    table = pl.read_parquet(io.BytesIO(content))
    name = str(rng.choice(table.columns))
    column, way = table[name], int(rng.integers(8))
    if way < 3:
        kind = KINDS[int(rng.integers(len(KINDS)))]
        changed = column.cast(kind, strict=False) if _castable(column, kind) else column.cast(str)
        table = table.with_columns(changed.alias(name))
    elif way == 3:
        table = table.with_columns(pl.struct(pl.col(name).alias("of")).alias(name))
    elif way == 4:
        table = table.drop(name)
    else:
        at = pl.int_range(pl.len()) == int(rng.integers(len(table)))
        if way == 5:
            at = pl.lit(True)
        values = column.cast(pl.Float64, strict=False) if column.dtype.is_float() else column
        odd = float(rng.choice([np.inf, -np.inf, np.nan, 1e300, -1.0, 0.0]))
        value = odd if values.dtype.is_float() else EXTREMES[int(rng.integers(len(EXTREMES)))]
        if values.dtype == pl.String:
            value = str(rng.choice(FIELDS))
        elif not values.dtype.is_numeric():
            value = None
        changed = pl.when(at).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        changed = (
            pl.lit(EXTREMES[int(rng.integers(len(EXTREMES)))])
            .cast(pl.Int64)
            .cast(pl.Datetime(str(rng.choice(["ns", "us", "ms"]))))
            .alias(name)
            if way == 7
            else changed
        )
        table = table.with_columns(changed)
    written = io.BytesIO()
    table.write_parquet(written)
    return written.getvalue()


def _castable(column: pl.Series, kind: object) -> bool:
    try:
        column.cast(kind, strict=False)
    except pl.exceptions.PolarsError:
        return False
    return True


def of_zip(content: bytes, rng: Random) -> bytes:
    """Return the zip with a member renamed, added, mutated, or marked as what it is not."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    way, name = int(rng.integers(9)), str(rng.choice(list(members)))
    method = zipfile.ZIP_DEFLATED
    if way < 3:
        change = (of_text, of_encoding, of_bytes)[int(rng.integers(3))]
        members[name] = change(members[name], rng)
    elif way == 3:
        odd = ("N" * 300 + ".csv", "../../x.csv", "x.txt", "\x1b[2J.csv", name.replace("20", "99"))
        members[str(rng.choice(odd))] = members.pop(name)
    elif way == 4:
        members |= {"__MACOSX/._a.csv": b"\x00\x05\x16\x07", f"__MACOSX/._{name}": b"\x00\x05"}
    elif way == 5:
        members[name] = members[name].split(b"\n")[0] + b"\n" + b"0" * 3_000_000
    elif way == 6:
        method = int(rng.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED]))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for each, part in members.items():
            archive.writestr(each, part)
    made = bytearray(written.getvalue())
    if way == 7:  # marked as encrypted, in both headers
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            made[made.find(mark) + offset] |= 1
    if way == 8:  # an unknown method
        for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            made[made.find(mark) + offset] = int(rng.choice([1, 6, 9, 96, 97, 98, 99]))
    return bytes(made)


def of_name(path: Path, rng: Random) -> Path:
    """Rename the file: an impossible date, a long or odd name, another ending."""
    odd = (
        path.name.replace("2012-06-21", "2012-13-45").replace("20131007", "20131345"),
        path.name.replace("2012-06-21", "9999-12-31").replace("20131007", "99991231"),
        path.name.replace("2012-06-21", "0001-01-01").replace("20131007", "00010101"),
        path.name.replace("ABC", "A" * 180),
        path.stem,
        path.name + ".gz",
        path.name.replace(".csv", ".parquet"),
        path.name.upper(),
        "\x1b[31m" + path.name,
    )
    return path.with_name(odd[int(rng.integers(len(odd)))])


def mutate(folder: Path, rng: Random) -> str:
    """Make one file of the folder malformed and say how."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = files[int(rng.integers(len(files)))]
    if rng.random() < 0.05:
        path.rename(of_name(path, rng))
        return f"{path.name} renamed"
    content = path.read_bytes()
    suffix = path.suffix
    unpacked = {".gz": gzip.decompress, ".zst": zstandard.decompress}.get(suffix)
    packed = {".gz": gzip.compress, ".zst": zstandard.compress}.get(suffix, bytes)
    ways: list[Callable[[bytes, Random], bytes]] = [of_bytes]
    if suffix == ".parquet":
        ways += [of_table] * 4
    elif suffix == ".zip":
        ways += [of_zip] * 4
    elif ".dbn" not in path.name:
        ways += [of_text, of_text, of_text, of_encoding]
    way = ways[int(rng.integers(len(ways)))]
    if unpacked and (way is not of_bytes or rng.random() < 0.5):
        path.write_bytes(packed(way(unpacked(content), rng)))
    else:
        path.write_bytes(way(content, rng))
    return f"{path.name} {way.__name__}"
