"""How the fast path is compiled: bounds-checked, without the GIL, and kept on disk.

And without reference counts, which are atomic and took a tenth of the time: compiled
code borrows its arrays from Python, makes none of its own, and must not be called by
code that numba compiles in another way, which would count them wrong.

numba keeps the machine code of a function by that function's own file, so a change in
a file that it calls into would go unnoticed. Here the name of what is kept says what
every source of the fast path held. The code is for any processor of the architecture,
so that an image may be built on one machine and run on another.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self, TypeVar

import numba
from numba.core.caching import _CacheLocator

from antiphon_proto import demux, stun, tunnel
from chassis.compiled_code import place_of
from relay import (
    address_key,
    counters,
    drop_reason,
    flows,
    receive_buffers,
    table_snapshot,
)

_PACKAGE = Path(__file__).parent
_CONSTANTS = (
    demux,
    stun,
    tunnel,
    address_key,
    counters,
    drop_reason,
    flows,
    receive_buffers,
    table_snapshot,
)
"""Modules outside of the package whose values are compiled in."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

numba.config.CPU_NAME = "generic"
numba.config.CPU_FEATURES = ""
numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.PackageCacheLocator"


def jit(function: FunctionT) -> FunctionT:
    """Compile as a part of compiled code that calls it; Python cannot."""
    return _compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def kept(function: FunctionT) -> FunctionT:
    """Compile when first called from Python, for the types of that call."""
    return _compiled(function, cache=True)


def kept_for(signature: Any) -> Callable[[FunctionT], FunctionT]:
    """Compile for the types of `signature` alone, when the module is imported."""

    def compile_(function: FunctionT) -> FunctionT:
        return _compiled(function, signature, cache=True)

    return compile_


def _compiled(function: FunctionT, signature: Any = None, **options: bool) -> FunctionT:
    compiled: FunctionT = numba.njit(
        signature, nogil=True, boundscheck=True, error_model="numpy", _nrt=False, **options
    )(function)
    return compiled


@cache
def sources_digest(source: Path) -> str:
    """Of every source whose change changes the machine code of a function in `source`."""
    digest = hashlib.sha256()
    constants = [Path(str(module.__file__)) for module in _CONSTANTS]
    for each in [*sorted(_PACKAGE.glob("*.py")), *constants, source]:
        digest.update(each.read_bytes())
    return digest.hexdigest()[:16]


class PackageCacheLocator(_CacheLocator):  # type: ignore[misc]  # numba has no types
    """Where the code of one function is kept."""

    def __init__(self, directory: Path, digest: str) -> None:
        self._directory = str(directory)
        self._digest = digest

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self:
        digest, name = sources_digest(Path(py_file)), f"{Path(py_file).stem}.{py_func.__qualname__}"
        place = place_of(name, digest, package=_PACKAGE / "__pycache__", cache_name="fast")
        return cls(place, digest)

    def get_cache_path(self) -> str:
        return self._directory

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return self._digest
