"""Pass requests on to an MLflow server, and have a fault strike at one of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import closing
from enum import Enum
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs

HOST = "127.0.0.1"

_HOP_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


class Moment(Enum):
    """When a fault strikes, as seen from the request."""

    BEFORE = "before"
    """The server never hears of the request, and the client gets no answer."""
    WITHIN = "within"
    """The server gets half of the request's body, and the client no answer."""
    AFTER = "after"
    """The server has answered, and the client gets the answer."""


@attrs.frozen
class Strike:
    """A fault that waits for its request.

    Attributes:
        method: Method of the request.
        path: Pattern that the request's whole path matches.
        moment: When it strikes.
        action: What it does.
    """

    method: str
    path: re.Pattern[str]
    moment: Moment
    action: Callable[[], None]


class Gate:
    """A proxy, which refuses connections while it is closed, as the port of a dead server does.

    Attributes:
        port: Where it listens, from the first time that it is open.
        upstream: Port of the server behind it; None while there is none.
        requests: Method and path of each request that it has seen.
    """

    def __init__(self) -> None:
        self.port = 0
        self.upstream: int | None = None
        self.requests: list[tuple[str, str]] = []
        self._listener: ThreadingHTTPServer | None = None
        self._strike: Strike | None = None
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.port}"

    def open(self) -> None:
        """Accept connections."""
        self._listener = _Listener((HOST, self.port), self)
        self.port = self._listener.server_port
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Refuse connections, and drop those that there are."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown()
            listener.server_close()

    @property
    def is_open(self) -> bool:
        """Whether it accepts connections."""
        return self._listener is not None

    def arm(self, strike: Strike | None) -> None:
        """Have a fault wait for its request; None for no fault any more."""
        with self._lock:
            self._strike = strike

    @property
    def has_struck(self) -> bool:
        """Whether no fault waits any more."""
        return self._strike is None

    def take_strike(self, method: str, path: str) -> Strike | None:
        """Give the fault that waits for this request, once."""
        with self._lock:
            self.requests.append((method, path))
            strike = self._strike
            if strike is None or strike.method != method or strike.path.fullmatch(path) is None:
                return None
            self._strike = None
            return strike


class _Listener(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], gate: Gate) -> None:
        self.gate = gate
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients are killed here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is two writes, which would otherwise wait for each other's acknowledgement.
    disable_nagle_algorithm = True
    server: _Listener

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, HTTPException):
            # One of both sides is gone.
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class calls it so
        pass

    def _answer(self) -> None:
        gate = self.server.gate
        if not gate.is_open:
            self.close_connection = True
            return
        strike = gate.take_strike(self.command, self.path.partition("?")[0])
        if self.path.startswith("/reached/"):
            if strike is not None:
                strike.action()
            self._reply(200, {}, b"")
            return
        if strike is not None and strike.moment is Moment.BEFORE:
            strike.action()
            self.close_connection = True
            return
        with closing(HTTPConnection(HOST, gate.upstream, timeout=120)) as server:
            answer = self._forward(server, half=strike is not None and strike.moment is Moment.WITHIN)
            content = b"" if answer is None else answer.read()
            if strike is not None:
                strike.action()
        if answer is None:
            self.close_connection = True
            return
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_HEADERS}
        self._reply(answer.status, headers, content)

    def _forward(self, server: HTTPConnection, *, half: bool) -> HTTPResponse | None:
        """Hand the request on; None when only half of it was."""
        body = self._body()
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_HEADERS:
                server.putheader(name, value)
        server.putheader("Content-Length", str(len(body)))
        server.endheaders()
        server.send(body[: len(body) // 2] if half else body)
        return None if half else server.getresponse()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # The client sends an empty file so.
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
