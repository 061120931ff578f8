"""Downloads that are retried, and resumed after a broken connection.

Built on urllib, since pooch and `torch.hub` restart from zero when a connection breaks, and large
files then never arrive over slow lines.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ATTEMPTS = 4
_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416


class SourceError(Exception):
    """A source could not provide the file; the next one is tried."""


class _BrokenOffError(Exception):
    """The connection failed, perhaps temporarily."""


def download(
    url: str,
    copy: Path,
    limit: int,
    received: Callable[[int], None] = lambda count: None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Download a file.

    Args:
        url: address of the file.
        copy: where to store it; a partial copy is resumed if the server supports it.
        limit: expected size in bytes, and upper limit.
        received: called with the number of bytes in the copy.
        pause: waits for a number of seconds.

    Raises:
        SourceError: the file does not exist or is too large, or the connection failed `ATTEMPTS`
            times; the partial copy is kept.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _go_on(url, copy, limit, received)
            return
        except _BrokenOffError as error:
            if attempt == ATTEMPTS:
                raise SourceError(f"connection failed {ATTEMPTS} times: {error}") from error
            pause(2.0 ** (attempt - 1))


def _go_on(url: str, copy: Path, limit: int, received: Callable[[int], None]) -> None:
    have = copy.stat().st_size if copy.is_file() else 0
    if have == limit:  # complete, but not verified yet
        return
    with _open(url, have, copy) as answer:
        if answer.status != _PARTIAL_CONTENT:
            have = 0
        length = answer.headers.get("Content-Length", "")
        whole = have + int(length) if length.isdecimal() else None
        with copy.open("ab" if have else "wb") as file:
            while chunk := _read(answer):
                have += len(chunk)
                if have > limit:
                    file.close()
                    copy.unlink()
                    raise SourceError(f"more than the expected {limit} bytes")
                file.write(chunk)
                received(have)
    if whole is not None and have < whole:
        raise _BrokenOffError(f"only {have} of {whole} bytes received")


def _open(url: str, have: int, copy: Path) -> http.client.HTTPResponse:
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
        return answer
    except urllib.error.HTTPError as error:
        if error.code == _RANGE_NOT_SATISFIABLE and have:
            copy.unlink()
            raise _BrokenOffError(str(error)) from error
        if error.code >= 500:
            raise _BrokenOffError(str(error)) from error
        raise SourceError(str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        # If nothing was ever received, there is probably no network: do not wait.
        raise (_BrokenOffError if have else SourceError)(str(error)) from error
    except ValueError as error:  # not a valid address
        raise SourceError(str(error)) from error


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(str(error)) from error
