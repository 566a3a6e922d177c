"""CSV files without a header, whose columns are told by place: read in one way for all sources."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.engine.errors import InputError
from pipeline.tape.sources.source import rebatch
from pipeline.tape.sources.tables import check_text, csv_fault, separated

WORD, NUMBER = re.compile("[a-zA-Z]{2}"), re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Headerless:
    """A file, how messages name it, its columns' kinds by name in their order, what may be blank.

    spare: whether more columns may follow, which are left.
    """

    path: Path
    label: str
    kinds: dict[str, Any]
    optional: tuple[str, ...] = ()
    spare: bool = False

    def batches(self, rows: int) -> Iterator[pl.DataFrame]:
        """Yield frames of at most `rows` rows; a header in the first line is passed over, and so
        are blank lines at the end.

        Raises: InputError naming the row that lacks a field, or holds what is no number.
        """
        check_text(self.path, self.label)
        try:
            spare, header = self._layout()
            frames = pl.scan_csv(
                self.path,
                has_header=False,
                schema=self.kinds | spare,
                skip_rows=header,
                glob=False,
            ).collect_batches(chunk_size=rows)
            yield from self._whole(rebatch(frames, rows))
        except pl.exceptions.PolarsError as error:
            said = csv_fault(self.path, self.kinds, error, header=False)
            raise InputError(f"{self.label}: {said}; is the file whole?") from None

    def _layout(self) -> tuple[dict[str, Any], int]:
        """Return the columns that follow, and how many lines are a header."""
        head = pl.read_csv(self.path, has_header=False, n_rows=1, infer_schema=False, glob=False)
        fields, wanted = [field or "" for field in head.row(0)], len(self.kinds)
        if len(fields) < wanted or (len(fields) > wanted and not self.spare):
            other = separated(fields)
            advice = f"they are separated by {other!r}: write commas" if other else "is it whole?"
            raise InputError(f"{self.label} has {len(fields)} columns, not {wanted}; {advice}")
        spare = {f"spare_{number}": pl.String for number in range(len(fields) - wanted)}
        header = WORD.search(fields[0]) and not any(NUMBER.fullmatch(field) for field in fields)
        return spare, int(bool(header))

    def _whole(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        done = blank = 0
        needed = [name for name in self.kinds if name not in self.optional]
        for frame in frames:
            given = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
            last = len(frame) - (given.reverse().arg_max() or 0) if given.any() else 0
            short = frame[:last].select(pl.any_horizontal(pl.col(needed).is_null())).to_series()
            if last and (blank or short.any()):  # blank lines are nothing at the end alone
                row = done + 1 + (0 if blank else short.arg_max() or 0)
                raise InputError(f"{self.label}, row {row}: fields are missing; is it whole?")
            blank += len(frame) - last
            if last:
                yield frame[:last].select(*self.kinds)
            done += last
