"""Search files for secrets, in every form in which a secret may have got into them."""

from __future__ import annotations

import base64
import bz2
import io
import json
import lzma
import mmap
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import quote, quote_plus

import attrs
import yaml

from kedro_autolog_pipeline.errors import PackagingError
from kedro_autolog_pipeline.secret_values import Secret, searchable

# Bytes that are looked at in one file, times the forms that are sought: a tenth of the time that copying a gigabyte
# takes. Of a larger file its beginning and its end are searched.
_LOOKED_AT = 512 << 20
# Bytes that are looked at in any case, for what people write is smaller.
_LOOKED_AT_LEAST = 16 << 20

# An archive in an archive in an archive is the last that is opened.
_DEPTH = 3
_MEMBERS = 10_000

_SHORTEST_FORM = 6

_ONE_LINE = 1 << 20


class _Bytes(Protocol):
    """What can be searched: bytes, or a file that is mapped into memory."""

    def find(self, sought: bytes, start: int = ..., end: int = ..., /) -> int:
        """Return where ``sought`` begins, or -1."""

    def __len__(self) -> int:
        """Return the number of bytes."""

    def __getitem__(self, part: slice, /) -> bytes:
        """Return a part of the bytes."""


@attrs.frozen
class Leak:
    """A secret that was found.

    Attributes:
        file: The file it is in.
        place: Where it comes from, as in ``Secret.place``.
    """

    file: Path
    place: str


def refuse_leaks(model: str, files: Iterable[Path], secrets: Iterable[Secret], root: Path) -> None:
    """Refuse a model that holds a secret.

    Args:
        model: Its name.
        files: Its files, and what else is written of it.
        secrets: As for ``find_leaks``.
        root: The directory that the model is put together in; a file in it is named by its path from there.

    Raises:
        PackagingError: With each file and the place of each secret in it.
        OSError: When a file cannot be read.
    """
    leaks = find_leaks(files, secrets)
    if leaks:
        raise PackagingError(
            model,
            [f"'{_shown(leak.file, root)}' holds the secret of {leak.place}." for leak in leaks]
            + ["Have the training and the inference pipeline read what they need, and nothing that holds a secret."],
        )


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else f"{file}"


def find_leaks(files: Iterable[Path], secrets: Iterable[Secret]) -> list[Leak]:
    """Search files, and what is compressed in them, for secrets.

    Args:
        files: The files; what is none is passed over.
        secrets: What is sought; those that would be found in any file are not.

    Raises:
        OSError: When a file cannot be read.
    """
    forms = {secret.place: _forms(secret.value) for secret in searchable(secrets)}
    if not forms:
        return []
    return [Leak(file, place) for file in files if file.is_file() for place in _places_in(file, forms)]


def _places_in(file: Path, forms: dict[str, list[bytes]]) -> list[str]:
    if file.stat().st_size == 0:
        return []
    limit = max(_LOOKED_AT_LEAST, _LOOKED_AT // sum(map(len, forms.values())))
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        parts = list(_parts(content, stream, limit, _DEPTH))
        found = [place for place, sought in forms.items() if any(_is_in(part, sought, limit) for part in parts)]
        del parts
    return found


def _is_in(content: _Bytes, sought: list[bytes], limit: int) -> bool:
    size = len(content)
    ranges = [(0, size)] if size <= limit else [(0, limit // 2), (size - limit // 2, size)]
    return any(content.find(form, start, end) >= 0 for form in sought for start, end in ranges)


def _parts(content: _Bytes, stream: IO[bytes], limit: int, depth: int) -> Iterator[_Bytes]:
    """Yield bytes, and what is compressed in them, as far as it is to be looked at.

    Args:
        content: The bytes.
        stream: The same, to be read.
        limit: Bytes to look at.
        depth: Archives in archives to open.
    """
    yield content
    if depth == 0:
        return
    start = content[:6]
    # What only begins like an archive, or is damaged, makes the libraries raise nearly anything.
    with suppress(Exception):
        if start.startswith(b"PK"):
            with zipfile.ZipFile(stream) as archive:
                for name in archive.namelist()[:_MEMBERS]:
                    with archive.open(name) as member:
                        yield from _inner(member.read(limit), limit, depth)
        elif start.startswith(b"\x1f\x8b") or start[:1] == b"x":
            # Which of the two it is, zlib finds out.
            decompressor = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
            yield from _inner(decompressor.decompress(content[:limit], limit), limit, depth)
        elif start.startswith(b"BZh"):
            yield from _inner(bz2.BZ2Decompressor().decompress(content[:limit], limit), limit, depth)
        elif start.startswith((b"\xfd7zXZ", b"]\x00")):
            yield from _inner(lzma.LZMADecompressor().decompress(content[:limit], limit), limit, depth)


def _inner(content: bytes, limit: int, depth: int) -> Iterator[_Bytes]:
    return _parts(content, io.BytesIO(content), limit, depth - 1)


def _forms(value: str) -> list[bytes]:
    """Return the forms in which a text may be written: plain, escaped, quoted, encoded."""
    plain = value.encode()
    quoted = {quote(value, safe="").encode(), quote(value).encode(), quote_plus(value).encode()}
    escaped = {
        *(json.dumps(value, ensure_ascii=ascii_only)[1:-1].encode() for ascii_only in (True, False)),
        repr(value)[1:-1].encode(),
        # YAML escapes in double quotes, and doubles single ones.
        *(
            yaml.safe_dump(value, default_style='"', width=_ONE_LINE, allow_unicode=as_is)[1:-2].encode()
            for as_is in (True, False)
        ),
        value.replace("'", "''").encode(),
    }
    encoded = {plain.hex().encode(), plain.hex().upper().encode(), value.encode("utf-16-le"), value.encode("utf-32-le")}
    lower = {re.sub(rb"%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in quoted}
    forms = {plain, *quoted, *lower, *escaped, *encoded, *_in_base64(plain)}
    return sorted(form for form in forms if len(form) >= _SHORTEST_FORM)


def _in_base64(plain: bytes) -> Iterator[bytes]:
    """Yield what is sure to be in the base64 of anything that holds the bytes, wherever they begin in it."""
    for offset in range(3):
        # A digit is of six bits: those that the bytes before and behind have a part in are left out.
        first, last = -(-offset * 8 // 6), (offset + len(plain)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * offset + plain)[first:last]
