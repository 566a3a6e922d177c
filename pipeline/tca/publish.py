"""The files of a book of costs: one folder that appears whole."""

import io
import json

import pandas as pd

from pipeline.engine.store import check_folder, write_folder
from pipeline.tca.book import Book
from pipeline.tca.content import content

TABLES = ("orders", "fills", "groups", "venues", "tests", "markouts", "told", "dropped")
PAGES = "pages"  # folder of the orders' pages
FILES = (
    *(f"{name}.csv" for name in TABLES),
    "orders.parquet",
    "fills.parquet",
    "tca.json",
    "tca.html",
    PAGES,
)


def check_target(folder: str) -> None:
    """Raise InputError where the sheet cannot be put without taking other files away."""
    check_folder(folder, FILES)


def write_book(book: Book, pages: dict[str, bytes], folder: str) -> None:
    """Write tables, JSON and pages, all or none; an older sheet there is replaced.

    Raises: InputError when the folder cannot be written.
    """
    made = {f"{name}.csv": _csv(table) for name, table in tables_of(book).items()}
    for name in ("orders", "fills"):
        made[f"{name}.parquet"] = _parquet(getattr(book.sheet, name))
    made["tca.json"] = (json.dumps(content(book), indent=1, allow_nan=False) + "\n").encode()
    write_folder(folder, made | pages)


def tables_of(book: Book) -> dict[str, pd.DataFrame]:
    """Return the tables of a book by name."""
    told = pd.DataFrame(
        [
            {
                "told_bps": point.told,
                "paid_bps": point.paid.value,
                "paid_error_bps": point.paid.error,
                "orders": point.orders,
            }
            for point in book.curve
        ],
        columns=["told_bps", "paid_bps", "paid_error_bps", "orders"],
    )
    found = (
        book.sheet.orders,
        book.sheet.fills,
        book.groups,
        book.venues,
        book.tests,
        book.markouts,
        told,
        book.sheet.rows.dropped,
    )
    return dict(zip(TABLES, found, strict=True))


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
