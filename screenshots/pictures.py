"""Two runs of the demo come in; pictures of what MLflow's UI and the card show of them go out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
from playwright.sync_api import Browser, Page

from kedro_autolog_pipeline.card.page import CARD_FILE
from screenshots.demo_runs import DemoRuns

DESK = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


@attrs.frozen
class _Shot:
    """One page of MLflow's UI.

    Attributes:
        name: Of the picture.
        path: Of the page on the server.
        text: What stands on it when it is complete.
    """

    name: str
    path: str
    text: str


def take_pictures(browser: Browser, runs: DemoRuns, directory: Path) -> Iterator[Path]:
    """Take the pictures, and give the file of each.

    Args:
        browser: What takes them.
        runs: What is shown.
        directory: Where the pictures go; it exists.
    """
    ready, failed = runs.ready, runs.failed
    experiment, broken = f"/#/experiments/{ready.experiment_id}", f"/#/experiments/{failed.experiment_id}"
    shots = [
        _Shot("run", f"{experiment}/runs/{ready.run_id}", "penguin_species"),
        _Shot("model-ready", f"{experiment}/models/{ready.model_id}", "Proven."),
        _Shot("model-failed", f"{broken}/models/{failed.model_id}", "FAILED."),
        _Shot("version", "/#/models/penguin_species/versions/1", "Proven."),
        _Shot("card-in-mlflow", f"{experiment}/models/{ready.model_id}/artifacts", CARD_FILE),
    ]
    for shot in shots:
        page = browser.new_page(viewport=DESK, device_scale_factor=1)
        page.goto(f"{runs.address}{shot.path}")
        page.get_by_text(shot.text).first.wait_for()
        # It takes a quarter of the page.
        page.get_by_role("button", name="Close").first.click()
        if shot.text == CARD_FILE:
            page.get_by_text(CARD_FILE).first.click()
            page.frame_locator("iframe").get_by_role("heading", name="Pipeline").wait_for()
        yield _take(page, directory / f"{shot.name}.png", whole=False)
    for name, scheme, viewport in (
        ("card-light", "light", DESK),
        ("card-dark", "dark", DESK),
        ("card-phone", "light", PHONE),
    ):
        page = browser.new_page(viewport=viewport, color_scheme=scheme)
        page.goto(runs.card.as_uri())
        yield _take(page, directory / f"{name}.png", whole=True)


def _take(page: Page, file: Path, *, whole: bool) -> Path:
    # Fonts and the last of what moves come after the text.
    page.wait_for_timeout(1000)
    page.screenshot(path=file, full_page=whole, animations="disabled")
    page.close()
    return file
