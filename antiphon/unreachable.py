"""Why an HTTP server could not be reached, in few words."""

import os

import aiohttp


def why_unreachable(error: Exception) -> str:
    """`Connection refused`, where aiohttp would say it with its own internals."""
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno:
        return os.strerror(error.os_error.errno)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__
