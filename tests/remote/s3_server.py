"""A server on this machine that answers like S3, with the faults that a test asks for."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 7
"""Keys in one answer to a request for a list; S3 gives 1,000."""

Fault = Callable[[str, str], int | None]
"""Method and path (`bucket/key`) -> HTTP status to answer with, 0 to hang up, None to answer."""


class S3(ThreadingHTTPServer):
    """Buckets in memory, path style.

    Attributes:
        buckets: bucket -> key -> content.
        fault: asked before every answer.
        requests: method and path -> number of requests; lists have the method `LIST`.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.fault: Fault = lambda method, path: None
        self.requests: Counter[tuple[str, str]] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving() -> Iterator[S3]:
    """A running server."""
    with S3() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = "LIST" if "list-type" in query else method
        self.server.requests[method, f"{bucket}/{key or query.get('prefix', '')}"] += 1
        fault = self.server.fault(method, f"{bucket}/{key}")
        if fault == 0:
            self.close_connection = True
        elif fault is not None:
            self._error(fault, "AccessDenied" if fault == 403 else "InternalError")
        elif bucket not in self.server.buckets:
            self._error(404, "NoSuchBucket")
        elif method == "LIST":
            self._list(bucket, query)
        elif method == "PUT":
            self.server.buckets[bucket][key] = content
            self._send(200, b"", ETag=_tag(content))
        elif not key:
            self._send(200, b"")
        elif (found := self.server.buckets[bucket].get(key)) is None:
            self._error(404, "NoSuchKey")
        else:
            self._give(found)

    def _give(self, content: bytes) -> None:
        tag, total = _tag(content), len(content)
        wanted = self.headers.get("Range")
        if wanted is None:
            self._send(200, content, ETag=tag)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last) + 1 if last else total]
        place = f"bytes {first}-{int(first) + len(part) - 1}/{total}"
        self._send(206, part, **{"ETag": tag, "Content-Range": place})

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        here = self.server.buckets[bucket]
        names: dict[str, bool] = {}
        for key in sorted(here):
            if key.startswith(prefix):
                folder, cut, _ = key[len(prefix) :].partition(delimiter or "\0")
                names[f"{prefix}{folder}{delimiter}" if cut else key] = bool(cut)
        start = int(query.get("continuation-token", 0))
        page = list(names.items())[start : start + PAGE]
        more = start + PAGE < len(names)
        parts = [f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"]
        if more:
            parts.append(f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>")
        for name, is_folder in page:
            if is_folder:
                parts.append(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>")
            else:
                size, tag = len(here[name]), escape(_tag(here[name]))
                parts.append(
                    f"<Contents><Key>{escape(name)}</Key><Size>{size}</Size><ETag>{tag}</ETag>"
                    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
                )
        body = f"<ListBucketResult>{''.join(parts)}</ListBucketResult>"
        self._send(200, body.encode())

    def _error(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _send(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
