"""The table of what the checks of a tape found, day by day."""

from collections.abc import Iterable

from pipeline.engine.findings import when
from pipeline.report.results import SymbolReport
from pipeline.report.tables.digits import count
from pipeline.report.tables.table import Table


def finding_rows(reports: Iterable[SymbolReport], timezone: str) -> Table:
    """List every symbol's findings with day, times, code, rows and what was found."""
    rows = tuple(
        (report.symbol, when(row, timezone), row.code, count(row.rows), row.message, row.effect)
        for report in reports
        for row in report.findings.itertuples(index=False)
    )
    return Table(
        ("Symbol", "Day and time", "Code", "Rows", "What", "Effect"), rows, words=(0, 1, 2, 4, 5)
    )
