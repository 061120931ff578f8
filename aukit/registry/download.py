"""Files brought from the web: tried again, and gone on with where the connection broke off.

By hand on urllib: pooch and `torch.hub` begin anew when a connection breaks, and half a gigabyte
over a slow line then never arrives.
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
    """A source did not yield the file; the next one is tried."""


class _BrokenOffError(Exception):
    """The connection failed in a way that may be over in a moment."""


def download(
    url: str,
    copy: Path,
    limit: int,
    received: Callable[[int], None] = lambda count: None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Bring a file.

    Args:
        url: its address.
        copy: where it goes; what an earlier attempt left there is not asked for again, where the
            server can tell a part.
        limit: bytes that it has at most.
        received: is told how many bytes the copy has.
        pause: waits for some seconds.

    Raises:
        SourceError: there is no such file, it is too large, or the connection broke off
            `ATTEMPTS` times; what has come stays in `copy`.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _go_on(url, copy, limit, received)
            return
        except _BrokenOffError as error:
            if attempt == ATTEMPTS:
                raise SourceError(f"broke off {ATTEMPTS} times: {error}") from error
            pause(2.0 ** (attempt - 1))


def _go_on(url: str, copy: Path, limit: int, received: Callable[[int], None]) -> None:
    have = copy.stat().st_size if copy.is_file() else 0
    if have == limit:  # ended before it was checked
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
        raise _BrokenOffError(f"{have} of {whole} bytes came")


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
        # Where nothing has come yet there is probably no network, and waiting is in vain.
        raise (_BrokenOffError if have else SourceError)(str(error)) from error
    except ValueError as error:  # no address at all
        raise SourceError(str(error)) from error


def _read(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(str(error)) from error
