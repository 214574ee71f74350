"""How loops are compiled: without the GIL, bounds-checked, and kept on disk.

Without reference counts too: compiled code borrows its arrays from Python and makes none.
numba keeps a function's machine code by that function's own file, and would not notice a change
in a file that it calls into. Here the name of what is kept says what all of them held. The code
is for any processor of the architecture, so that an image may be built on one machine and run on
another.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from chassis.compiled_code import place_of

_PACKAGE = Path(__file__).parents[1]
SOURCES = (
    "compiled/*.py",
    "reflected_packet.py",
    "callers/relay/call_loop.py",
    "callers/relay/call_rows.py",
    "callers/relay/reflected_check.py",
    "callers/relay/talk_spurts.py",
    "callers/relay/timing_wheel.py",
    "reflector/counts.py",
    "reflector/reflection.py",
    "reflector/session_rows.py",
    "simulation/core/*.py",
)
"""Patterns, below `loadtest`, of all that is compiled, or whose values are."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

numba.config.CPU_NAME = "generic"
numba.config.CPU_FEATURES = ""


def jit(function: FunctionT) -> FunctionT:
    """Compile as a part of compiled code that calls it; Python cannot."""
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def kept(function: FunctionT) -> FunctionT:
    """Compile when first called from Python, for the types of that call."""
    compiled = _compiled(function)
    compiled._cache = _KeptCode(function)  # type: ignore[attr-defined]  # what cache=True does
    return compiled


def _compiled(function: FunctionT, **options: bool) -> FunctionT:
    compiled: FunctionT = numba.njit(
        nogil=True, boundscheck=True, error_model="numpy", _nrt=False, **options
    )(function)
    return compiled


class _Locator(_CacheLocator):  # type: ignore[misc]  # numba has no types
    """Where the code of one function is kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self:
        name = f"{Path(py_file).stem}.{py_func.__qualname__}"
        beside = _PACKAGE / "compiled" / "__pycache__"
        return cls(place_of(name, _digest(), package=beside, cache_name="loadtest"))

    def get_cache_path(self) -> str:
        return self._directory

    def get_source_stamp(self) -> str:
        return _digest()

    def get_disambiguator(self) -> str:
        return _digest()


class _KeptResults(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _KeptCode(FunctionCache):  # type: ignore[misc]
    _impl_class = _KeptResults


@cache
def _digest() -> str:
    """Of every source whose change changes the machine code."""
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for source in sorted(_PACKAGE.glob(pattern)):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
