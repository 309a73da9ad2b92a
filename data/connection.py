"""One HTTP question with honest limits: connecting (name, every address, TLS) takes seconds at most, in all.

The standard library's timeout covers neither looking up a name nor a host with many dead addresses.
"""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPMessage
from typing import IO

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0  # the longest silence while waiting for an answer or for more bytes


class Unreachable(Exception):
    """No connection: asking again at once would not help."""


class Broken(Exception):
    """The connection was there and failed: asking again may help."""


def ask(address: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """The server's answer, its body unread. Raises Unreachable, Broken or urllib's HTTPError."""
    request = urllib.request.Request(address, headers={"User-Agent": "glance", **headers})
    try:
        answer = _opener().open(request, timeout=CONNECT_SECONDS)
    except urllib.error.HTTPError:
        raise
    except TimeoutError as error:
        raise Unreachable(f"no answer within {ANSWER_SECONDS:g} seconds") from error
    except (OSError, http.client.HTTPException) as error:
        raise Broken(str(error) or type(error).__name__) from error
    assert isinstance(answer, http.client.HTTPResponse)
    return answer


def read(answer: http.client.HTTPResponse, size: int) -> bytes:
    """The next bytes of a body; empty at its end. Raises Broken, so that no fault of the line reads as the disk's."""
    try:
        return answer.read(size)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(str(error) or type(error).__name__) from error


def _within(seconds: float, connect: Callable[[], None]) -> None:
    """Runs `connect`, or gives it up after `seconds`: a name server that is silent cannot be interrupted."""
    failures: list[BaseException] = []

    def attempt() -> None:
        try:
            connect()
        except BaseException as error:  # handed to the caller, who is in another thread
            failures.append(error)

    worker = threading.Thread(target=attempt, daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        raise Unreachable(f"no connection within {seconds:g} seconds")
    if failures:
        raise Unreachable(str(failures[0]) or type(failures[0]).__name__) from failures[0]


def _patient(connection: http.client.HTTPConnection) -> None:
    """Once connected, a slow server may take longer than connecting may."""
    if isinstance(connection.sock, socket.socket):
        connection.sock.settimeout(ANSWER_SECONDS)


class _Plain(http.client.HTTPConnection):
    def connect(self) -> None:
        _within(CONNECT_SECONDS, super().connect)
        _patient(self)


class _Secure(http.client.HTTPSConnection):
    def connect(self) -> None:
        _within(CONNECT_SECONDS, super().connect)
        _patient(self)


class _PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Plain, request)


class _SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Secure, request)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect, but never from https to an unprotected address."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise urllib.error.HTTPError(newurl, code, "leaves https, refused", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Only http and https: the usual opener would also follow a redirect to ftp."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _PlainHandler(),
        _SecureHandler(),
        _Redirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
