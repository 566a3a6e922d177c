"""A comparison as text, as JSON content, and as a page."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pipeline.comparison.changes import Side, SymbolChanges
from pipeline.report.page import page_template
from pipeline.report.tables.table import Table

HEAD = ("", "What", "Before", "After", "Change", "Meaning")


def report_text(before: Side, after: Side, found: Sequence[SymbolChanges]) -> str:
    """Return the verdict and the table of every symbol."""
    lines = [f"before: {before.name}", f"after:  {after.name}"]
    for one in found:
        rows = [HEAD, *_rows(one)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
        lines += ["", f"{one.order}: {one.verdict}", ""]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
    return "\n".join(lines)


def content(before: Side, after: Side, found: Sequence[SymbolChanges]) -> dict[str, object]:
    """Return the comparison as JSON content."""
    symbols = {one.symbol: asdict(one) for one in found}
    return {"before": before.name, "after": after.name, "symbols": symbols}


def render(before: Side, after: Side, found: Sequence[SymbolChanges]) -> str:
    """Return the comparison as one self-contained HTML text."""
    tables = [(one, Table(HEAD, tuple(_rows(one)), words=(0, 1, 5))) for one in found]
    template = page_template(Path(__file__).parent / "compare.html")
    return template.render(before=before.name, after=after.name, found=tables)


def _rows(one: SymbolChanges) -> list[tuple[str, ...]]:
    """Return the lines as cells, a group's name at its first line alone."""
    rows, last = [], ""
    for line in one.lines:
        group = "" if line.group == last else line.group
        last = line.group
        rows.append((group, line.what, line.before, line.after, line.change, line.meaning))
    return rows
