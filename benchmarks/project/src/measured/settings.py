"""The project's settings: Kedro's defaults, and a hook that takes notes."""

from measured.notes import Notes

HOOKS = (Notes(),)
