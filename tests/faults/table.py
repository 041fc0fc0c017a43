"""What became of each fault comes in, a table in Markdown goes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import attrs

from faults.commands import Ended
from faults.fault import FAULTS, Fault, Retry
from faults.scene import Scene, StoredModel

HEADINGS = ("fault", "what the user sees", "what the store holds", "what `kedro autolog package --run-id <run>` does")

_LONGEST = 420

_ERROR = re.compile(r"^(?:[\w.]*(?:Error|Exception|Interrupt|Exit): |Aborted!)", re.MULTILINE)
_LOGGED = re.compile(r"^(?:\[[^\]]*\]|\s)\s+(?:INFO|WARNING|ERROR)\s+", re.MULTILINE)
_PLACE = re.compile(r"\s+\w+\.py:\d+$", re.MULTILINE)


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
    def of(
        cls,
        fault: Fault,
        ended: Ended,
        runs: Mapping[str, str],
        models: Sequence[StoredModel],
        scene: Scene,
        retried: str,
    ) -> Observation:
        """Put what was observed into words that are the same each time."""

        def plain(text: str) -> str:
            text = text.replace(str(scene.project.path), "<project>").replace(scene.server.gate.address, "<server>")
            text = re.sub(r"\bm-[0-9a-f]{32}\b", "<model>", text)
            return re.sub(r"\b[0-9a-f]{32}\b", "<run>", text)

        stored = [f"run {status}" for status in runs.values()] + [f"model {model.status}" for model in models]
        what = fault.retry.value
        if fault.retry is Retry.REFUSED:
            what = f"refuses: {shortened(plain(last_message(retried)))}"
        return cls(
            fault.name, shortened(plain(last_message(ended.output))), ", ".join(stored) or "nothing", what
        )

    def as_properties(self) -> dict[str, str]:
        """Give it as what travels between the processes of the tests."""
        return attrs.asdict(self)


def last_message(output: str) -> str:
    """Give the last message of a process: an exception with its text, or a line of its log; empty when it has none."""
    lines = [line for line in output.splitlines() if line.strip() and line[0] not in "🏃🧪"]
    text = "\n".join(lines)
    starts = [match.start() for pattern in (_ERROR, _LOGGED) for match in pattern.finditer(text)]
    message = text[max(starts, default=0) :]
    return " ".join(_PLACE.sub("", _LOGGED.sub("", message)).split())


def shortened(text: str) -> str:
    """Leave out the middle of a long text."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} […] {text[-half:]}"


def markdown(observations: Iterable[Observation]) -> str:
    """Give the table, in the order of the faults."""
    by_fault = {observation.fault: observation for observation in observations}
    rows = [by_fault[fault.name] for fault in FAULTS if fault.name in by_fault]
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(attrs.astuple(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
