"""A page as its reader sees it: tables, text and tags."""

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass
class Page:
    """A parsed page: rows of cells by table, all text, and every tag with its attributes."""

    tables: list[list[list[str]]]
    text: str
    tags: list[tuple[str, dict[str, str | None]]]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.stack.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] in ("style", "script"):
            return
        self.words.append(data)
        if {"td", "th"} & set(self.stack):
            self.tables[-1][-1][-1] += data


def parse(html: str) -> Page:
    parser = _Parser()
    parser.feed(html)
    parser.close()
    assert parser.stack == []
    return Page(parser.tables, " ".join(" ".join(parser.words).split()), parser.tags)


def find_rows(page: Page, first: str) -> list[list[str]]:
    return [row for table in page.tables for row in table if row and row[0] == first]
