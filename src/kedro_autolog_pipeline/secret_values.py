"""Collect the values that must not leave this machine, by where they come from."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

_ACCESS = frozenset({"auth", "cookies", "credentials", "headers", "params"})
"""Keys under which everything is a secret by its origin, whatever it is called there."""

_DOUBTFUL_WORDS = frozenset(
    {
        "apikey", "auth", "authentication", "authorization", "bearer", "conn", "connection", "cookie", "cookies",
        "credential", "credentials", "dsn", "hmac", "jwt", "key", "otp", "pass", "passcode", "passkey", "passphrase",
        "passwd", "password", "passwords", "pat", "pin", "pwd", "sas", "secret", "secrets", "sig", "signature",
        "signed", "token", "tokens",
    }
)  # fmt: skip
"""Words of a name that make what it stands for doubtful."""

_DOUBTFUL_ENDS = ("credentials", "key", "passwd", "password", "secret", "token")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_PUBLIC_NAMES = frozenset(
    {
        "account", "account_name", "bucket", "container", "database", "db", "dbname", "dialect", "driver", "email",
        "endpoint", "endpoint_url", "host", "hostname", "login", "name", "port", "profile", "project", "protocol",
        "region", "region_name", "role", "schema", "scheme", "type", "user", "username", "warehouse",
    }
)  # fmt: skip
"""Entries of credentials that say who asks and whom, which stands in any source file."""

_PUBLIC_ENDS = frozenset({"email", "endpoint", "host", "id", "name", "region", "uri", "url", "user"})
"""Last words of the names of such entries ("project_id", "token_uri")."""

_SECRET_VARIABLE = re.compile(
    r"(?:credentials|passphrase|passwd|password|secret|token|(?:access|account|api|private)_?key)$", re.IGNORECASE
)
"""Ends of the names of environment variables whose values are secrets."""

_ASSIGNED = re.compile(
    r"(?:access_?key|account_?key|api_?key|passwd|password|pwd|secret|sig|signature|token)\s*=\s*['\"]?([^;&\s'\"]+)",
    re.IGNORECASE,
)
"""A secret within a value, as in ``host=h password=p``."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>]+", re.IGNORECASE)

_SIGNING = re.compile(r"sig|token|key|secret|password|pwd|credential|auth", re.IGNORECASE)
"""Names in the query of a URL that make its value a signature, or a key."""

_SCHEME = re.compile(r"(?:apikey|basic|bearer|digest|token)\s+(\S+)", re.IGNORECASE)
"""The value of a header that names how it is to be read."""

_VARIABLE = re.compile(r"\$\{\w+\}")

_SHORTEST = 6
"""Characters; what is shorter occurs by chance in any large file."""

_LONGEST_WORD = 16
"""Characters of letters alone that may still be a word, which stands in any source file."""

_LONGEST_WORDS = 12
"""Characters of two words or more that may."""

_LOGIN = 2

_COMMON = re.compile(
    r"[-+]?\d{1,9}(?:\.\d{1,9})?"  # a number
    r"|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"  # an address of IPv6
    r"|[a-z]+[-_. ]?\d{1,4}"  # utf-8, python3
    r"|[a-z]+(?:-[a-z]+)+-?\d{1,2}"  # eu-west-1
    r"|v?\d+(?:[.:-]\d+)*(?:t[\d:.]+z?)?"  # a version, a date, an address
    r"|[\w.-]+:\d{1,5}"  # a host with its port
    r"|(?:[a-z0-9-]+\.)+[a-z]{2,}"  # a host
    r"|[\w.+-]+@[\w.-]+"  # an address for mail
    r"|[a-z]+/[a-z.+-]+"  # a media type
    r"|(?:~|\.{0,2}/|[a-z]:[\\/]).*",  # a path
    re.IGNORECASE | re.DOTALL,
)
_LETTERS = re.compile(r"(?:[^\W\d]|[ ,./:;=-])+")


@attrs.frozen
class Secret:
    """A value that must not leave this machine.

    Attributes:
        value: It, never to be shown.
        place: Where it comes from, as a user finds it ("credentials.yml: shop.password").
        is_named: Whether it is called one ("password"), and is not only beside one.
    """

    value: str = attrs.field(repr=False)
    place: str
    is_named: bool = attrs.field(default=True, eq=False)

    @property
    def is_searchable(self) -> bool:
        """Whether finding it anywhere means that it has leaked: what is short or common is found in any file."""
        if len(self.value) < _SHORTEST or _COMMON.fullmatch(self.value):
            return False
        if not _LETTERS.fullmatch(self.value):
            return True
        longest = _LONGEST_WORD if self.value.isalpha() else _LONGEST_WORDS
        return self.is_named and len(self.value) >= longest


def is_doubtful(name: str) -> bool:
    """Tell whether what has a name may be a secret ("api_key", "hmac", "signedUrl")."""
    if name.lower() in _ACCESS:
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    return any(word in _DOUBTFUL_WORDS or word.endswith(_DOUBTFUL_ENDS) for word in words)


def holds_secret(value: str) -> bool:
    """Tell whether a text has a secret in it: a password or a signature of a URL, or ``password=...``."""
    return next(_embedded(value), None) is not None


def without_secrets(value: str) -> str:
    """Return a text as it may be shown: without what ``holds_secret`` finds in it."""
    for secret in sorted(_embedded(value), key=len, reverse=True):
        value = value.replace(secret, "***")
    return value


def find_secrets(config: Any, place: str, *, is_secret: bool = False) -> list[Secret]:
    """Find the secrets in a configuration.

    Args:
        config: Nested dictionaries and lists, as of ``credentials.yml`` or ``catalog.yml``.
        place: Where it comes from.
        is_secret: Whether all that is in it is one.
    """
    return [secret for secret in _secrets(config, place, is_secret=is_secret, is_named=False) if secret.value]


def environment_secrets(variables: Mapping[str, str]) -> list[Secret]:
    """Find the secrets in environment variables: what is called one, and what is one in any value.

    Args:
        variables: Values by name, as of ``os.environ``.
    """
    return [
        Secret(value, f"the environment variable {name}")
        for name, text in variables.items()
        for value in {*_embedded(text), *(_whole(text) if _SECRET_VARIABLE.search(name) else ())}
        if value
    ]


def _secrets(config: Any, place: str, *, is_secret: bool, is_named: bool) -> Iterator[Secret]:
    if isinstance(config, Mapping):
        for key, item in config.items():
            name = str(key)
            where = f"{place}{'.' if place[-1:].isalnum() else ' '}{name}" if place else name
            is_public, is_called = _is_public(name), is_doubtful(name)
            yield from _secrets(
                item,
                where,
                is_secret=(is_secret and not is_public) or is_called,
                is_named=(is_named and not is_public) or (is_called and name.lower() not in _ACCESS),
            )
    elif isinstance(config, (list, tuple, set, frozenset)):
        # The first of two says who asks, the second is the password.
        is_login = is_secret and not is_named and isinstance(config, (list, tuple)) and len(config) == _LOGIN
        for item in islice(config, 1 if is_login else 0, None):
            yield from _secrets(item, place, is_secret=is_secret, is_named=is_named or is_login)
    elif isinstance(config, str):
        yield from (Secret(value, place) for value in _embedded(config))
        yield from (Secret(value, place, is_named) for value in (_whole(config) if is_secret else ()))
    elif is_secret and isinstance(config, bytes):
        yield Secret(_text(config), place, is_named)
    elif is_secret and isinstance(config, int) and not isinstance(config, bool):
        yield Secret(str(config), place, is_named)


def _is_public(name: str) -> bool:
    """Tell whether an entry of credentials says who asks, or whom."""
    words = [word.lower() for word in _WORD.findall(name)]
    return name.lower() in _PUBLIC_NAMES or (not _PUBLIC_ENDS.isdisjoint(words[-1:]) and "session" not in words)


def _text(value: bytes) -> str:
    """Return bytes as the text that they are, or that stands for them in a file of text."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _whole(value: str) -> Iterator[str]:
    """Yield a value that is a secret, and what is one in it; a URL is one by its parts alone."""
    if "://" in value:
        return
    yield value.strip()
    scheme = _SCHEME.fullmatch(value.strip())
    if scheme is not None:
        yield scheme[1]
    for part in value.split(";"):
        # A cookie, and a header of several.
        name, sign, content = part.partition("=")
        if sign and " " not in name.strip() + content.strip():
            yield content.strip().strip("\"'")


def _embedded(value: str) -> Iterator[str]:
    # What is taken from the environment when it is needed is written as ${NAME}.
    return (each for each in _embedded_or_named(value) if not _VARIABLE.fullmatch(each))


def _embedded_or_named(value: str) -> Iterator[str]:
    yield from _ASSIGNED.findall(value)
    for url in _URL.findall(value):
        yield from _in_url(url)


def _in_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    user, sign, host = parts.netloc.rpartition("@")
    if sign and host:
        name, colon, password = user.partition(":")
        # Where there is no password, the user is a token.
        secret = password if colon else name
        yield from {secret, unquote(secret)} - {""}
    for name, content in parse_qsl(parts.query):
        if _SIGNING.search(name):
            yield content


def searchable(secrets: Iterable[Secret]) -> list[Secret]:
    """Return the secrets that are worth searching for, each value once."""
    return list({secret.value: secret for secret in secrets if secret.is_searchable}.values())
