"""How numba compiles the fast path: bounds-checked, and without reference counts.

These are atomic and took a tenth of the time: compiled code borrows its arrays from Python, makes
none of its own, and must not be called by code that numba compiles in another way, which would
count them wrong.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import llvmlite.binding as llvm
import numba
import numpy as np
from numba import types
from numba.core.caching import _CacheLocator

from chassis.compiled_code import place_of
from relay.fast.machine_code import (
    PACKAGE,
    MachineCode,
    sources_digest,
    target_machine,
)
from relay.fast.signature import Argument, Array, Like, Result, Signature

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

numba.config.CPU_NAME = "generic"
numba.config.CPU_FEATURES = ""
numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.PackageCacheLocator"

_SCALARS = {
    np.uint64: types.uint64,
    np.int64: types.int64,
    np.float64: types.float64,
    np.bool_: types.boolean,
}

_FOR_COMPILED_CODE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kept(function: FunctionT) -> FunctionT:
    """For tests and benchmarks: compile when first called, for the types of that call, and keep
    that."""
    return cast(FunctionT, _dispatcher(function, cache=True))


def part(function: Callable[..., Any]) -> Any:
    """The dispatcher of a function that compiled code calls."""
    return _dispatcher(function, **_FOR_COMPILED_CODE)


def type_of_external(name: str, result: str, arguments: tuple[str, ...]) -> Any:
    """The type, and with numba so the value, of a function of the C library."""
    kinds = [_named(each) for each in arguments]
    return types.ExternalFunction(name, _named(result)(*kinds))


def compiled(function: Callable[..., Any], signature: Signature) -> MachineCode:
    """Of a function that is called as in `entry_point`."""
    arguments = tuple(map(_argument, signature.arguments))
    typed = _result(signature.result)(*arguments)
    dispatcher = _dispatcher(function, typed, **_FOR_COMPILED_CODE)
    (overload,) = dispatcher.overloads.values()
    module = llvm.parse_assembly(dispatcher.inspect_llvm(arguments))
    return MachineCode(overload.fndesc.llvm_func_name, target_machine().emit_object(module))


def _dispatcher(function: Any, signature: Any = None, **options: bool) -> Any:
    return numba.njit(
        signature, nogil=True, boundscheck=True, error_model="numpy", _nrt=False, **options
    )(function)


def _named(name: str) -> Any:
    """A type of C by its name in numba; a pointer ends in a star."""
    if name.endswith("*"):
        return types.CPointer(_named(name[:-1]))
    return getattr(types, name)


def _argument(argument: Argument) -> Any:
    match argument:
        case Array():
            kind = numba.from_dtype(np.dtype(argument.kind))
            return types.Array(kind, 1, "C", readonly=argument.readonly)
        case Like():
            return numba.typeof(argument.example())
    return _SCALARS[argument]


def _result(result: Result) -> Any:
    if result is None:
        return types.void
    if isinstance(result, tuple):
        return types.Tuple([_SCALARS[each] for each in result])
    return _SCALARS[result]


class PackageCacheLocator(_CacheLocator):  # type: ignore[misc]  # numba has no types
    """Where the code of one function is kept."""

    def __init__(self, directory: Path, digest: str) -> None:
        self._directory = str(directory)
        self._digest = digest

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Self:
        digest, name = sources_digest(Path(py_file)), f"{Path(py_file).stem}.{py_func.__qualname__}"
        place = place_of(name, digest, package=PACKAGE / "__pycache__", cache_name="fast")
        return cls(place, digest)

    def get_cache_path(self) -> str:
        return self._directory

    def get_source_stamp(self) -> str:
        return self._digest

    def get_disambiguator(self) -> str:
        return self._digest
