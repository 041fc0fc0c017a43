"""Tests of package.leaks."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedro_autolog_pipeline.package import leaks
from kedro_autolog_pipeline.package.leaks import Leak, find_leaks
from kedro_autolog_pipeline.secret_values import Secret
from secret_forms import FORMS, zipped

VALUE = "pä55/'wort' \"#1\"&+"
PLACE = "credentials.yml: shop.password"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_found_in_every_form(tmp_path: Path, form: Callable[[str], bytes]) -> None:
    """The leak names the file and where the secret comes from."""
    (tmp_path / "clean").write_bytes(form("something else 1"))
    (tmp_path / "leak").write_bytes(form(VALUE))
    (tmp_path / "none").touch()

    assert [Leak(tmp_path / "leak", PLACE)] == find_leaks(sorted(tmp_path.iterdir()), [Secret(VALUE, PLACE)])


@given(before=st.binary(max_size=4), value=st.from_regex(r"[0-9]![a-z!-/]{6,12}", fullmatch=True), after=st.binary())
def test_a_secret_is_found_in_the_base64_of_anything(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, value: str, after: bytes
) -> None:
    """Wherever it begins."""
    file = tmp_path_factory.mktemp("encoded") / "file"
    file.write_bytes(base64.b64encode(before + value.encode() + after))

    assert [Leak(file, PLACE)] == find_leaks([file], [Secret(value, PLACE)])


def test_what_is_too_short_or_common_is_not_sought(tmp_path: Path) -> None:
    """It would be found in any file."""
    (tmp_path / "file").write_text("localhost abc")
    assert [] == find_leaks([tmp_path / "file"], [Secret("localhost", PLACE), Secret("abc", PLACE)])


def test_a_damaged_archive_is_searched_as_it_is(tmp_path: Path) -> None:
    """What only begins like one, too."""
    for number, start in enumerate((b"PK\x03\x04", b"\x1f\x8b", b"x", b"BZh9", b"\xfd7zXZ\x00")):
        (tmp_path / f"{number}").write_bytes(start + VALUE.encode())
    assert 5 == len(find_leaks(tmp_path.iterdir(), [Secret(VALUE, PLACE)]))


def test_of_a_large_file_the_beginning_and_the_end_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive of which a part is enough for a limit opens no more either."""
    monkeypatch.setattr(leaks, "_LOOKED_AT_LEAST", 1000)
    monkeypatch.setattr(leaks, "_LOOKED_AT", 1)
    rest = b"0" * 2000
    for name, content in {
        "start": VALUE.encode() + rest,
        "end": rest + VALUE.encode(),
        "middle": rest + VALUE.encode() + rest,
        "zip": zipped(VALUE.encode() + rest),
    }.items():
        (tmp_path / name).write_bytes(content)

    found = {leak.file.name for leak in find_leaks(tmp_path.iterdir(), [Secret(VALUE, PLACE)])}

    assert {"start", "end", "zip"} == found
