"""What is tracked of a book of costs: words, numbers, tables, pictures, and the files read."""

import numpy as np

from models.tca.orders.parts import PARTS
from pipeline.engine.data_read import made_at
from pipeline.studies.data import file_dataset
from pipeline.tca.book import Book
from pipeline.tca.content import report_text
from pipeline.tca.publish import tables_of
from pipeline.tca.study import TcaRequest
from pipeline.tracking.record import Record

ABOUT = (
    "What books of real orders cost: the shortfall and its parts, bps of what was ordered "
    "(cost_bps), their errors by day (error_bps), and what was paid over what was told (told)."
)
TRACKED = ("groups", "venues", "tests", "markouts", "told", "dropped")


def tca_record(book: Book, request: TcaRequest) -> Record:
    """Return what is tracked of a book: the sheet's tables but orders and fills, which stay with
    who owns them.
    """
    orders = book.sheet.orders
    days = f"{min(orders['date'])}..{max(orders['date'])}"
    costs = {"shortfall": book.total, **{name: book.parts[name] for name in PARTS}}
    metrics = {f"cost_bps/{name}": each.value for name, each in costs.items()}
    metrics |= {f"error_bps/{name}": each.error for name, each in costs.items()}
    metrics |= {f"told/{name}": each.ratio.value for name, each in book.calibration.items()}
    metrics |= {"quality/orders": len(orders), "quality/left_out": len(book.sheet.rows.dropped)}
    read = [request.orders, request.fills, request.bars or "", *request.params]
    if request.replay:
        read.append(f"{request.replay}/fills.csv")
    tables = tables_of(book)
    return Record(
        name=f"tca {len(orders)} orders {days}, {made_at()}",
        about=ABOUT,
        description=f"```\n{report_text(book)}\n```",
        parameters={"market": request.bars or ("tape" if request.tape else "none"), "days": days},
        metrics={name: value for name, value in metrics.items() if np.isfinite(value)},
        tags={"level": "book"},
        tables={name: tables[name] for name in TRACKED if len(tables[name])},
        datasets=tuple(file_dataset(path) for path in read if path),
    )
