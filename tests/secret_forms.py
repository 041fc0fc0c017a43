"""The forms in which a secret may be written to a file."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import joblib
import numpy as np
import yaml


def zipped(content: bytes) -> bytes:
    """Return an archive of two files, the second of which has this content."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("empty", b"")
        archive.writestr("inner", content)
    return stream.getvalue()


def _npy(text: str) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(["a", text]))
    return stream.getvalue()


def _joblib(text: str) -> bytes:
    stream = io.BytesIO()
    joblib.dump({"a": [text]}, stream, compress=3)
    return stream.getvalue()


FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda text: text.encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one behind": lambda text: base64.b64encode(b"u" + text.encode() + b"x"),
    "base64, two behind": lambda text: base64.b64encode(b"u:" + text.encode() + b"x"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"u:" + text.encode()),
    "quoted": lambda text: quote(text, safe="").encode(),
    "quoted in a path": lambda text: quote(text).encode(),
    "quoted in a form": lambda text: quote_plus(text).encode(),
    "quoted in lower case": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")).encode(),
    "JSON": lambda text: json.dumps({"a": text}).encode(),
    "JSON, not only ASCII": lambda text: json.dumps({"a": text}, ensure_ascii=False).encode(),
    "YAML": lambda text: yaml.safe_dump({"a": text}).encode(),
    "YAML in double quotes": lambda text: yaml.safe_dump({"a": text}, default_style='"').encode(),
    "Python": lambda text: repr([text]).encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "an array": _npy,
    "a pickle": lambda text: pickle.dumps({"a": [text]}),
    "a pickle of protocol 2": lambda text: pickle.dumps({"a": [text]}, protocol=2),
    "gzip": lambda text: gzip.compress(text.encode()),
    "bzip2": lambda text: bz2.compress(text.encode()),
    "xz": lambda text: lzma.compress(text.encode()),
    "lzma": lambda text: lzma.compress(text.encode(), format=lzma.FORMAT_ALONE),
    "zlib": lambda text: zlib.compress(text.encode()),
    "joblib": _joblib,
    "zip": lambda text: zipped(text.encode()),
    "zip in zip, in gzip": lambda text: gzip.compress(zipped(zipped(text.encode()))),
}
"""Content of a file that holds a text, by the name of the form."""
