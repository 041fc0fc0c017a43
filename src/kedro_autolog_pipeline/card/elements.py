"""Make elements of HTML and SVG in which the text of others is only text."""

from __future__ import annotations

from xml.etree.ElementTree import Element, tostring

from kedro_autolog_pipeline.errors import showable


def element(tag: str, *content: Element | str, **attributes: str | float) -> Element:
    """Make an element.

    Args:
        tag: Its tag.
        content: Its text and its children, in their order.
        attributes: Its attributes; ``aria_label`` is ``aria-label``, and ``class_`` is ``class``.
    """
    made = Element(tag, {name.rstrip("_").replace("_", "-"): _printable(f"{attributes[name]}") for name in attributes})
    for each in content:
        if isinstance(each, Element):
            made.append(each)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + _printable(each)
        else:
            made.text = (made.text or "") + _printable(each)
    return made


def to_html(root: Element) -> str:
    """Return a document as text, with all that could be markup escaped."""
    return f"<!DOCTYPE html>\n{tostring(root, encoding='unicode', method='html')}\n"


def shortened(text: str, longest: int) -> str:
    """Return a text of so many characters at most: its middle is left out, since names begin and end differently."""
    if len(text) <= longest:
        return text
    end = (longest - 1) // 2
    return f"{text[: longest - 1 - end]}…{text[-end:]}"


def _printable(text: str) -> str:
    """Return a text with escapes in the place of what is not shown, or turns the text around it."""
    if text.isprintable() and "@" not in text:
        # Most texts need no escape, and a card has thousands of them.
        return text
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in showable(text))
