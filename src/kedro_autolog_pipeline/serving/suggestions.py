"""Suggest the name that somebody who misspelt it has meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

# Who asks for something does not mean its opposite, however alike the two are spelt.
_OPPOSITES = (("enable", "disable"), ("include", "exclude"))
_NEGATIONS = ("no_", "not_", "dont_", "skip_", "without_")


def suggest(name: object, known: Iterable[str], listing: str | None = "There are") -> str:
    """Return a sentence with the name that was meant.

    Args:
        name: What was written.
        known: The names that there are.
        listing: What introduces all names where none is near; None means that nothing is said then.
    """
    names = list(known)
    close = find_nearest(name, names)
    if close is not None:
        return f"Did you mean '{close}'?"
    return "" if listing is None else f"{listing}: {', '.join(repr(each) for each in names) or 'none'}."


def find_nearest(name: object, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the name that is spelt most like this one and does not mean the opposite.

    Args:
        name: What was written.
        known: The names that there are.
        likeness: How much alike the two must be, from 0 to 1, as :func:`difflib.get_close_matches` measures it.

    Returns:
        None when no name is near.
    """
    candidates = [each for each in known if not _are_opposites(str(name), each)]
    return next(iter(get_close_matches(str(name), candidates, n=1, cutoff=likeness)), None)


def _are_opposites(one: str, other: str) -> bool:
    for positive, negative in _OPPOSITES:
        if (negative in one and positive in other) or (positive in one and negative in other):
            return True
    return one.startswith(_NEGATIONS) != other.startswith(_NEGATIONS)
