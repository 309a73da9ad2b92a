"""A file server on the loopback whose faults are switches, and which remembers what it was asked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class Server:
    """Serves `content` at every path. Set a switch before asking."""

    def __init__(self) -> None:
        self.content = b""
        self.etag = '"one"'
        self.ranges = True
        self.break_after: int | None = None  # bytes of a body, then the connection is closed
        self.breaks = 1  # how often
        self.statuses: list[int] = []  # answered first, one per request
        self.announce: int | None = None  # a Content-Length that is not true
        self.shift = 0  # a partial answer that begins elsewhere
        self.silent = False
        self.redirect = ""
        self.asked: list[str] = []  # the Range header of each request, or ""
        self.sent = 0
        self._stop = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True

    def address(self, name: str = "set.zip") -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/{name}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                """Tests stay quiet."""

            def do_GET(self) -> None:
                server.answer(self)

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range", "")
        self.asked.append(asked)
        if self.silent:
            self._stop.wait(10)
        elif self.statuses:
            request.send_error(self.statuses.pop(0))
        elif self.redirect:
            request.send_response(302)
            request.send_header("Location", self.redirect)
            request.end_headers()
        else:
            self._send(request, self._start(request, asked))

    def _start(self, request: BaseHTTPRequestHandler, asked: str) -> int:
        fresh = request.headers.get("If-Range", self.etag) == self.etag
        return int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges and fresh else 0

    def _send(self, request: BaseHTTPRequestHandler, start: int) -> None:
        total = len(self.content)
        if start >= total > 0:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{total}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start + self.shift}-{total - 1}/{total}")
        if self.etag:
            request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(self.announce or total - start))
        request.end_headers()
        self._body(request, self.content[start:])

    def _body(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        if self.break_after is not None and self.breaks > 0:
            self.breaks -= 1
            body = body[: self.break_after]
            request.close_connection = True
        self.sent += len(body)
        request.wfile.write(body)
