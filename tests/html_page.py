"""A page of HTML comes in, what stands in it goes out; one that a browser would have to mend is refused."""

from __future__ import annotations

from html.parser import HTMLParser

import attrs

# They have no end tag.
VOID = {"meta", "wbr"}


@attrs.define
class Page:
    """What stands in a page.

    Attributes:
        tags: Every tag.
        texts: Every text that is shown, white space at its ends left out.
        links: Where its links lead.
        ids: What a link can lead to.
        attributes: Every attribute's name.
    """

    tags: list[str] = attrs.field(factory=list)
    texts: list[str] = attrs.field(factory=list)
    links: list[str] = attrs.field(factory=list)
    ids: list[str] = attrs.field(factory=list)
    attributes: set[str] = attrs.field(factory=set)


def read_page(html: str) -> Page:
    """Read a page, and fail where an element does not end inside of the one that it begins in."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert [] == reader.open
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append(tag)
        self.page.attributes.update(name for name, _ in attrs)
        given = dict(attrs)
        self.page.links += [f"{given[name]}" for name in ("href", "src", "xlink:href") if name in given]
        self.page.ids += [f"{given['id']}"] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style" and data.strip():
            self.page.texts.append(data.strip())
