"""How the fast path is compiled: bounds-checked, without the GIL, and kept on disk.

numba keeps the machine code of a function by that function's own file, so a change in
a file that it calls into would go unnoticed. Here the name of what is kept says what
every source of the fast path held. The code is for any processor of the architecture,
so that an image may be built on one machine and run on another.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import numba
from numba.core.caching import _CacheLocator

from antiphon_proto import demux
from relay import counters, drop_reason, flows

_PACKAGE = Path(__file__).parent
_CONSTANTS = (demux, counters, drop_reason, flows)
"""Modules outside of the package whose values are compiled in."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

numba.config.CPU_NAME = "generic"
numba.config.CPU_FEATURES = ""
numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.PackageCacheLocator"


def jit(function: FunctionT) -> FunctionT:
    """Compile when first called, for the types of that call."""
    compiled: FunctionT = numba.njit(nogil=True, cache=True, boundscheck=True, error_model="numpy")(
        function
    )
    return compiled


def jit_as(signature: Any) -> Callable[[FunctionT], FunctionT]:
    """Compile for `signature` alone, when the module is imported."""

    def compile_(function: FunctionT) -> FunctionT:
        compiled: FunctionT = numba.njit(
            signature, nogil=True, cache=True, boundscheck=True, error_model="numpy"
        )(function)
        return compiled

    return compile_


@cache
def sources_digest() -> str:
    """Of every source whose change changes the machine code."""
    digest = hashlib.sha256()
    constants = [Path(str(module.__file__)) for module in _CONSTANTS]
    for source in sorted(_PACKAGE.glob("*.py")) + constants:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


class PackageCacheLocator(_CacheLocator):  # type: ignore[misc]  # numba has no types
    """Where the code of one function is kept.

    Beside the package; the user's cache where that cannot be written, unless an
    installation filled it; and a directory of this process alone as the last resort:
    what is loaded is run, so a place that others can write to is none.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self:
        pattern = f"{Path(py_file).stem}.{py_func.__qualname__}-{sources_digest()}.*.nbi"
        for directory in (_PACKAGE / "__pycache__", _user_directory()):
            if _writable(directory) or next(directory.glob(pattern), None):
                return cls(directory)
        return cls(_process_directory())

    def get_cache_path(self) -> str:
        return self._directory

    def get_source_stamp(self) -> str:
        return sources_digest()

    def get_disambiguator(self) -> str:
        return sources_digest()


def _user_directory() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "antiphon" / "fast"


@cache
def _process_directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="antiphon-fast-"))


@cache
def _writable(directory: Path) -> bool:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(directory, os.W_OK | os.X_OK)
