"""Cards come in; what is wrong with them in a real browser goes out, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from kedro_autolog_pipeline.card.page import LARGEST, ModelCard
from screenshots.large_model import large_card

MILLISECONDS = 20.0
"""What making a card may take; of a processor, since the machine may have other work."""

NODES_OF_LARGE = 300

WIDTHS = (390, 1280)
"""Pixels of a phone and of a desk."""

_SERIOUS = {"serious", "critical"}

_TURNS = 7


def find_faults(browser: Browser, card: Path, axe: Path) -> Iterator[str]:
    """Open a card in each width and scheme, and say what is wrong.

    Args:
        browser: Where it is opened.
        card: The card.
        axe: The script of axe-core.
    """
    program = axe.read_text(encoding="utf-8")
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            where = f"{card.name}, {scheme}, {width} pixels wide"
            # The page forbids every script, and so that of axe too, unless this is said.
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
            )
            seen: list[str] = []
            page = context.new_page()
            page.on("console", lambda message, seen=seen: seen.append(f"the console says: {message.text}"))
            page.on("pageerror", lambda error, seen=seen: seen.append(f"a script fails: {error}"))
            page.on("request", lambda request, seen=seen: seen.append(f"it asks for {request.url}"))
            page.goto(card.as_uri())
            if seen != [f"it asks for {card.as_uri()}"]:
                yield f"{where}: {seen}"
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                yield f"{where}: it is {wide} pixels wide"
            page.evaluate(program)
            found: dict[str, Any] = page.evaluate("axe.run()")
            if not found["passes"]:
                yield f"{where}: axe has looked at nothing"
            for violation in found["violations"]:
                if violation["impact"] in _SERIOUS:
                    yield f"{where}: {violation['id']}: {violation['nodes'][0]['html']}"
            context.close()


def write_large(directory: Path) -> Path:
    """Write the card of a large model whose names are markup."""
    directory.mkdir()
    large_card(NODES_OF_LARGE).write(directory)
    (card,) = directory.iterdir()
    return card.rename(card.with_name("large_model_card.html"))


def cost(card: ModelCard) -> tuple[float, int]:
    """Give the least milliseconds of a processor in which a card is made, of some turns, and its bytes."""
    times = []
    for _ in range(_TURNS):
        started = time.process_time()
        page = card.html()
        times.append((time.process_time() - started) * 1e3)
    return min(times), len(page.encode())


def cost_faults(card: ModelCard) -> Iterator[str]:
    """Say where a card costs more than it may."""
    milliseconds, size = cost(card)
    print(f"A card of {NODES_OF_LARGE} nodes: {milliseconds:.1f} ms, {size} bytes.")
    if milliseconds > MILLISECONDS:
        yield f"it takes {milliseconds:.1f} ms, and may take {MILLISECONDS:g}"
    if size > LARGEST:
        yield f"it has {size} bytes, and may have {LARGEST}"
