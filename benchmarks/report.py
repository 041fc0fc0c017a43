"""What was measured comes in, a table in a Markdown file goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

import attrs

from benchmarks.chart import Group
from benchmarks.measurements import Summary, summarise, typical_ratio


class Section(Enum):
    """A part of the file that `make bench` writes, between two lines that name it; people write the rest."""

    COMMAND = "command"
    RESULTS = "results"

    @property
    def begin(self) -> str:
        """The line before it."""
        return f"<!-- {self.value}: begin -->"

    @property
    def end(self) -> str:
        """The line after it."""
        return f"<!-- {self.value}: end -->"


class Unit(Enum):
    """How a measurement is shown: how many of it are in the unit that was measured, and its sign."""

    MICROSECONDS = (1e6, "us")
    MILLISECONDS = (1e3, "ms")
    SECONDS = (1.0, "s")
    PER_SECOND = (1.0, "/s")
    MEBIBYTES = (1.0, "MiB")


@attrs.frozen
class Comparison:
    """Two things that were measured in turn.

    Attributes:
        what: What was measured.
        peer: Whom we are compared with.
        unit: How the measurements are shown.
        ours: Seconds, number per second, or MiB, one for each turn.
        theirs: The peer's, in the same turns.
        target: What we want to reach, as a reader would write it.
        is_met: Whether we do.
    """

    what: str
    peer: str
    unit: Unit
    ours: Sequence[float]
    theirs: Sequence[float]
    target: str
    is_met: bool

    @classmethod
    def at_most(
        cls, limit: float, what: str, peer: str, unit: Unit, measured: Mapping[str, Sequence[float]]
    ) -> Comparison:
        """Compare times, "ours" and "theirs", of which ours may be so many times the peer's."""
        is_met = typical_ratio(**measured) <= limit
        return cls(what, peer, unit, **measured, target=f"≤ {limit}x", is_met=is_met)


@attrs.frozen
class Findings:
    """What one benchmark found.

    Attributes:
        comparisons: Rows of the table.
        remarks: What to read beside them, one sentence each.
        versions: Of what is in the peer's environment, by name; empty when that is ours.
        groups: What a chart shows of them; empty when there is none.
    """

    comparisons: Sequence[Comparison]
    remarks: Sequence[str] = ()
    versions: Mapping[str, str] = attrs.field(factory=dict)
    groups: Sequence[Group] = ()


def table(comparisons: Sequence[Comparison]) -> str:
    """Write comparisons as a Markdown table, of medians with the quartiles around them."""
    rows = [
        (
            comparison.what,
            _shown(summarise(comparison.ours), comparison.unit),
            f"{comparison.peer}: {_shown(summarise(comparison.theirs), comparison.unit)}",
            _ratio(typical_ratio(comparison.ours, comparison.theirs)),
            comparison.target,
            "yes" if comparison.is_met else "**no**",
        )
        for comparison in comparisons
    ]
    header = ("", "ours", "peer", "ours / peer", "target", "met")
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ("---",) * len(header), *rows])


def replace_results(file: Path, section: Section, results: str) -> None:
    """Put results into a section of a file.

    Raises:
        ValueError: When it does not have both markers, once each.
    """
    before, begin, rest = file.read_text(encoding="utf-8").partition(section.begin)
    _, end, after = rest.partition(section.end)
    if not begin or not end:
        msg = f"Cannot write results into '{file}': it lacks the line '{section.begin}' or '{section.end}'. Add both."
        raise ValueError(msg)
    file.write_text(f"{before}{begin}\n\n{results}\n\n{end}{after}", encoding="utf-8")


def _shown(summary: Summary, unit: Unit) -> str:
    factor, sign = unit.value
    scaled = summary.scaled(factor)
    return f"{_number(scaled.median)} {sign} ({_number(scaled.low)}-{_number(scaled.high)})"


def _ratio(value: float) -> str:
    return f"1/{_number(1 / value)}" if 0 < value < 0.1 else f"{value:.2f}"  # noqa: PLR2004 - then 1/n says more


def _number(value: float) -> str:
    """Write a number with three digits that say something, and no exponent."""
    digits = 3 - len(f"{abs(value):.0f}") if abs(value) >= 1 else 3
    return f"{value:.{max(digits, 0)}f}"
