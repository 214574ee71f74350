"""A page of HTML taken apart, and held to what every page of ours must be."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Table:
    """Cells as text, of its head and its body."""

    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class ParsedPage(HTMLParser):
    """Fails where elements are not well nested."""

    text: str = ""
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)
        match tag:
            case "table":
                self.tables.append(Table())
            case "tr" if "tbody" in self._open:
                self.tables[-1].rows.append([])
            case "th" | "td":
                self._row().append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.text += data
        if "th" in self._open or "td" in self._open:
            self._row()[-1] += data.replace("\N{NO-BREAK SPACE}", " ")

    def table(self, first: str) -> Table:
        """The table whose head begins so."""
        [found] = [table for table in self.tables if table.head[:1] == [first]]
        return found

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def _row(self) -> list[str]:
        table = self.tables[-1]
        return table.rows[-1] if "tbody" in self._open else table.head


def parsed(html: str) -> ParsedPage:
    page = ParsedPage()
    page.feed(html)
    page.close()
    assert not page._open
    return page
