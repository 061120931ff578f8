"""Requests to the servers behind URLs, through fsspec, repeated while there is no answer.

Credentials, endpoints and other settings are those of fsspec and of the package for the kind of
store (for `s3://`, s3fs): environment variables and their own configuration files.
"""

from __future__ import annotations

import errno
import functools
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from aukit.errors import ConfigError, StoreError
from aukit.faults import reason

Answer = TypeVar("Answer")

PAUSES_S = (0.5, 1.0, 2.0)
"""Seconds between attempts."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://[^/]*")
_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_url(text: str) -> bool:
    """Whether a text is a URL, such as `s3://bucket/photos`."""
    return _URL.match(text) is not None


def ask(url: str, request: Callable[[Any, str], Answer]) -> Answer:
    """The answer to a request.

    Args:
        url: the file or folder that the request is about.
        request: is given the fsspec file system and the path in it.

    Raises:
        FileNotFoundError: there is no such file or bucket.
        ConfigError: the kind of URL is unknown, or the package for it is not installed.
        StoreError: access is refused, or there was no answer to repeated requests.
    """
    place = _URL.match(url)
    if place is None:
        raise _missing(url)
    for pause in (*PAUSES_S, None):
        try:
            system = _system(place[0], place[1].lower())
            return request(system, system._strip_protocol(url))
        except ConfigError:
            raise
        except FileNotFoundError:
            raise _missing(url) from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
            if isinstance(error, PermissionError) or "credentials" in str(error).lower():
                raise StoreError(
                    f"{url}: access refused ({reason(error)})",
                    "check the credentials in the environment, and what they may read and list",
                ) from error
            if pause is None:
                raise StoreError(
                    f"{url}: no answer after {len(PAUSES_S) + 1} attempts ({reason(error)})",
                    "run the same command again to continue",
                ) from error
            time.sleep(pause)
    raise AssertionError


def _missing(url: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, "no such file or folder", url)


@functools.cache
def _system(place: str, protocol: str) -> Any:
    """The file system of a bucket or server, made once: fsspec makes one for each thread."""
    import fsspec

    if protocol not in fsspec.available_protocols():
        raise ConfigError(
            f"{place} is a URL of an unknown kind", "known are s3, gs, abfs, https and others"
        )
    try:
        return fsspec.core.url_to_fs(place)[0]
    except ImportError as error:
        hint = "pip install 'aukit-facs[stores]'" if protocol in ("s3", "s3a") else None
        raise ConfigError(f"{place} cannot be read: {error}", hint) from error
