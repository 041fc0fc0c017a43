"""Tests of tracking.alias_turn."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mlflow import MlflowClient

from kedro_autolog_pipeline.tracking.alias_turn import AliasTurn, announcement
from kedro_autolog_pipeline.tracking.store import Store
from kedro_autolog_pipeline.tracking.tags import PROCESS_TAG, PROMOTION_TAG


def announced(client: MlflowClient) -> AliasTurn:
    """Register a version that wants the alias."""
    made = client.create_model_version("prices", "file:///nowhere", tags=announcement("champion"))
    return AliasTurn("prices", "champion", f"{made.version}", client)


def test_versions_at_once_take_turns(store: Store) -> None:
    """Of many threads, each finds the alias where the version before it has left it."""
    store.client().create_registered_model("prices")
    found: dict[str, str | None] = {}

    def compete(_: int) -> None:
        turn = announced(store.client())
        turn.wait(lambda _: None)
        found[turn.version] = turn.holder()
        turn.move()
        turn.end("promoted")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(compete, range(4)))

    assert {"1": None, "2": "1", "3": "2", "4": "3"} == found


def test_a_version_whose_process_has_ended_is_not_waited_for(store: Store) -> None:
    """It has lost its turn, and can see that."""
    client = store.client()
    client.create_registered_model("prices")
    dead, living = announced(client), announced(client)
    name = client.get_model_version("prices", "1").tags[PROCESS_TAG].split(" ")
    client.set_model_version_tag("prices", "1", PROCESS_TAG, " ".join([name[0], "999999999", *name[2:]]))
    told: list[str] = []

    living.wait(told.append)

    assert ["1"] == told
    assert (True, False) == (dead.has_lost(), living.has_lost())
    assert client.get_model_version("prices", "1").tags[PROMOTION_TAG].startswith("lost its turn to get 'champion'")
    dead.announce()
    assert not dead.has_lost()
