"""Tell in a table what became of each fault."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import attrs

from faults.commands import Ended
from faults.fault import FAULTS, Retry
from faults.scene import Scene

HEADINGS = ("fault", "what the user sees", "what the store holds", "what a retry gives")

_LONGEST_LINE = 150

_START = re.compile(
    r"(?:\[[\d/: ]+\])?\s*(?P<level>INFO|WARNING|ERROR)\s{2,}|(?P<error>[\w.]*(?:Error|Exception): |Aborted!)"
)
_PLACE = re.compile(r"\s+\w+\.py:\d+$")
_PLAIN = "plain"
_BOXES = "╭│╰🏃🧪"


@attrs.frozen
class Observation:
    """One row of the table.

    Attributes:
        fault: Name of the fault.
        seen: What the user sees.
        stored: What the store holds when the process has ended.
        retried: What the retry does.
    """

    fault: str
    seen: str
    stored: str
    retried: str

    @classmethod
    def of(cls, scene: Scene, ended: Ended, stored: str, refusal: str) -> Observation:
        """Put what was observed into words that are the same each time.

        Args:
            scene: The scene after the retry and the next run.
            ended: The process that the fault struck.
            stored: What the store held when it had ended.
            refusal: What the retry said when it was refused.
        """
        fault = scene.fault
        message = in_short(last_message(ended.output), scene)
        ending = f"signal {-ended.exit_code}" if ended.exit_code < 0 else f"exit code {ended.exit_code}"
        what = fault.retry.value
        if fault.retry is Retry.REFUSED:
            what += f": {in_short(last_message(refusal), scene)}"
        if fault.retry is Retry.READY:
            what += f", which is {fault.run_after}"
        name = fault.name if scene.small_disk is None else f"{fault.name} ({scene.small_disk})"
        return cls(name, f"{ending}{message and f': {message}'}", stored, what)

    def as_properties(self) -> dict[str, str]:
        """Give it as what travels between the processes of the tests."""
        return attrs.asdict(self)


def last_message(output: str) -> list[str]:
    """Give the lines of the message that matters most: that with a command, else the last error, else the last news."""
    blocks: list[tuple[str, list[str]]] = []
    for line in output.splitlines():
        if not line.strip() or line[0] in _BOXES:
            continue
        start = _START.match(line)
        level = start["level"] if start is not None else None
        text = _PLACE.sub("", line[start.end("level") :] if start is not None and level is not None else line).strip()
        # A log indents the further lines of a message.
        is_new = start is not None or not blocks or (blocks[-1][0] != _PLAIN and not line[0].isspace())
        if is_new:
            blocks.append((level or _PLAIN, [text]))
        else:
            blocks[-1][1].append(text)
    found = [lines for level, lines in blocks if level != "INFO" or lines[0].startswith("Packaged")]
    with_command = [lines for lines in found if "kedro autolog package" in lines[-1]]
    return [[], *found, *with_command][-1]


def in_short(lines: list[str], scene: Scene) -> str:
    """Give the first line, or the first item of a list, and the last line, as code without what changes each time."""

    def plain(line: str) -> str:
        names = {
            str(scene.project.path): "<project>",
            scene.server.gate.address: "<server>",
            scene.project.package: "<package>",
        }
        for name, stand_in in names.items():
            line = line.replace(name, stand_in)
        line = re.sub(r"\bm-[0-9a-f]{32}\b", "<model>", line)
        line = re.sub(r"\b[0-9a-f]{32}\b", "<run>", line)
        line = re.sub(r"\bin \d+\.\d s\b", "in <seconds> s", line)
        line = re.sub(r"\b\d\d:\d\d:\d\d\b", "<time>", line)
        return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} […]"

    items = [line for line in lines if line.startswith("- ")]
    ends = dict.fromkeys([*items[:1], *lines[:1]][:1] + lines[-1:])
    return " … ".join(f"`{plain(line)}`" for line in ends)


def write_table(page: Path, table: str) -> None:
    """Put a table into a page, between its marks."""
    before, begin, rest = page.read_text(encoding="utf-8").partition("<!-- faults: begin -->\n")
    _, end, after = rest.partition("<!-- faults: end -->\n")
    page.write_text(f"{before}{begin}\n{table}\n\n{end}{after}", encoding="utf-8")


def markdown(observations: Iterable[Observation]) -> str:
    """Give the table, in the order of the faults."""
    by_fault = {observation.fault: observation for observation in observations}
    rows = [row for fault in FAULTS for name, row in by_fault.items() if name.partition(" (")[0] == fault.name]
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(attrs.astuple(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
