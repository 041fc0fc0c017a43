"""The wish for pictures, or for the card's check alone, comes in; files go out, and faults with exit code 1."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.surroundings import ROOT
from screenshots.card_check import NODES_OF_LARGE, cost_faults, find_faults, write_large
from screenshots.demo_runs import demo_runs
from screenshots.large_model import large_card
from screenshots.pictures import take_pictures

OF_README = ROOT / "docs" / "assets" / "card-in-mlflow.png"

# So many colours are enough for a page, and make a third of the bytes.
_COLOURS = 256


def main() -> int:
    """Train the demo, look at it in a browser, and say what is wrong with its card."""
    parser = argparse.ArgumentParser(prog="python -m screenshots", description=__doc__)
    parser.add_argument("--axe", type=Path, required=True, help="The script of axe-core.")
    parser.add_argument("--to", type=Path, help="Where pictures go; without it, only the card is checked.")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        parser.error("there is no chromium: install that of Debian.")
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        directory = Path(name)
        # As root, Chromium has no sandbox; it is shown nothing but what this command has made.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with demo_runs(directory) as runs:
            if arguments.to is not None:
                arguments.to.mkdir(parents=True, exist_ok=True)
                for file in take_pictures(browser, runs, arguments.to):
                    print(file)
                    if file.name == OF_README.name:
                        Image.open(file).convert("RGB").quantize(_COLOURS).save(OF_README, optimize=True)
            cards = [runs.card, write_large(directory / "large")]
            faults = [fault for card in cards for fault in find_faults(browser, card, arguments.axe)]
        faults += cost_faults(large_card(NODES_OF_LARGE))
        browser.close()
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("Nothing is wrong with the card.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
