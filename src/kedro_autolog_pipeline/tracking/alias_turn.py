"""Move an alias to one of the versions that want it, one version after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from kedro_autolog_pipeline.tracking.abandoned import is_gone, this_process
from kedro_autolog_pipeline.tracking.tags import PROCESS_TAG, PROMOTION_TAG, TAG_LENGTH

if TYPE_CHECKING:
    from mlflow import MlflowClient

LONGEST_TURN_SECONDS = 900
"""How long another version is waited for, whose process cannot be seen from here."""

_LOOK_AGAIN_SECONDS = 0.5


@attrs.frozen(eq=False)
class AliasTurn:
    """The turn of one registered version to get an alias.

    A registry has no way to move an alias only if it still is where it was. So the versions that want it take turns:
    each is announced by a tag, and waits for the versions below it. A version that is registered with the tag is
    announced when it gets its number, so that of two trainings at once the second one finds what became of the first.

    Attributes:
        name: The registered model.
        alias: The alias.
        version: The version.
        client: Of the registry.
    """

    name: str
    alias: str
    version: str
    client: MlflowClient

    def announce(self) -> None:
        """Say that the version waits for its turn.

        Raises:
            MlflowException: When the registry does not take it.
        """
        for key, value in announcement(self.alias).items():
            self.client.set_model_version_tag(self.name, self.version, key, value)

    def wait(self, tell: Callable[[str], None]) -> None:
        """Wait until no version below this one has its turn before it.

        One whose process has ended, or that takes too long, has lost its turn.

        Args:
            tell: Told once of the version that is waited for.

        Raises:
            MlflowException: When the registry does not answer.
        """
        deadline = time.monotonic() + LONGEST_TURN_SECONDS
        is_told = False
        while waiting := self._before_this():
            for version, process in waiting.items():
                if is_gone(process) or time.monotonic() > deadline:
                    lost = f"lost its turn to get '{self.alias}': its process ended or took too long."
                    self.client.set_model_version_tag(self.name, version, PROMOTION_TAG, lost)
            if not is_told:
                tell(next(iter(waiting)))
                is_told = True
            time.sleep(_LOOK_AGAIN_SECONDS)

    def holder(self) -> str | None:
        """Return the version that has the alias now; None when none has.

        Raises:
            MlflowException: When the registry does not answer.
        """
        aliases = self.client.get_registered_model(self.name).aliases
        return f"{aliases[self.alias]}" if self.alias in aliases else None

    def has_lost(self) -> bool:
        """Tell whether another version has taken this one for one that is not coming back.

        Raises:
            MlflowException: When the registry does not answer.
        """
        tags = self.client.get_model_version(self.name, self.version).tags
        return tags.get(PROMOTION_TAG) != _pending(self.alias)

    def move(self) -> None:
        """Move the alias to the version.

        Raises:
            MlflowException: When the registry does not take it.
        """
        self.client.set_registered_model_alias(self.name, self.alias, self.version)

    def end(self, outcome: str) -> None:
        """Give the turn to the next one.

        Args:
            outcome: What has become of it, for the tag.

        Raises:
            MlflowException: When the registry does not take it.
        """
        self.client.set_model_version_tag(self.name, self.version, PROMOTION_TAG, outcome[:TAG_LENGTH])

    def _before_this(self) -> dict[str, str]:
        """Return the process by the version that has its turn before this one."""
        quote = '"' if "'" in self.name else "'"
        found = self.client.search_model_versions(f"name={quote}{self.name}{quote}")
        return {
            f"{each.version}": each.tags.get(PROCESS_TAG, "")
            for each in found
            if int(each.version) < int(self.version) and each.tags.get(PROMOTION_TAG) == _pending(self.alias)
        }


def announcement(alias: str) -> dict[str, str]:
    """Return the tags of a version that waits for its turn to get an alias, at this process."""
    return {PROMOTION_TAG: _pending(alias), PROCESS_TAG: this_process()}


def _pending(alias: str) -> str:
    return f"waits for its turn to get '{alias}'"
