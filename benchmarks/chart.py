"""Medians in groups come in, a bar chart as an SVG file goes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import matplotlib as mpl

mpl.use("svg")
# Its text stays text, in the reader's font; its identifiers are the same each time it is drawn.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bars", "font.family": "sans-serif", "font.size": 10})

from matplotlib import pyplot as plt  # noqa: E402 - after the backend is chosen

GREY = "#808080"
"""Legible on white and on black, as a page may be either."""

COLOURS = ("#b0b0b0", "#8a8a8a", "#2f81f7", "#d9822b")

WIDTH, BAR_HEIGHT = 8.0, 0.26
"""In inches."""


@attrs.frozen
class Bar:
    """One of the things that are compared.

    Attributes:
        name: What it is.
        seconds: How long it takes.
    """

    name: str
    seconds: float


@attrs.frozen
class Group:
    """Bars that stand together.

    Attributes:
        name: What was measured.
        bars: The bars, of the same names in the same order in each group.
    """

    name: str
    bars: Sequence[Bar]


def draw(groups: Sequence[Group], title: str, file: Path) -> None:
    """Draw groups of horizontal bars, each with its number.

    Args:
        groups: The groups, from the top; at least one.
        title: What the bars show.
        file: The SVG file.
    """
    names = [bar.name for bar in groups[0].bars]
    rows = len(groups) * (len(names) + 1)
    figure, axes = plt.subplots(figsize=(WIDTH, 1.2 + rows * BAR_HEIGHT), layout="constrained")
    for index, name in enumerate(names):
        rows_of_it = [number * (len(names) + 1) + index for number in range(len(groups))]
        seconds = [group.bars[index].seconds for group in groups]
        drawn = axes.barh(rows_of_it, seconds, height=0.85, color=COLOURS[index % len(COLOURS)], label=name)
        axes.bar_label(drawn, labels=[f"{value:.1f} s" for value in seconds], padding=4, color=GREY)
    middle = (len(names) - 1) / 2
    axes.set_yticks([number * (len(names) + 1) + middle for number in range(len(groups))])
    axes.set_yticklabels([group.name.replace(", ", ",\n") for group in groups])
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.margins(x=0.12)
    axes.set_title(title, color=GREY, loc="left")
    axes.tick_params(colors=GREY, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.01), ncols=2, frameon=False, labelcolor=GREY)
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    plt.close(figure)
