"""What a table of the report is: text in rows, and the estimators that made its numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of text.

    words: columns that are left-aligned. marked: rows that stand out. estimators: dotted names of
    the functions that made the numbers. sources: of the one that made the second column's, one a
    row.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = (0,)
    marked: tuple[int, ...] = ()
    estimators: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
