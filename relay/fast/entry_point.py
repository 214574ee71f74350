"""Functions of compiled code that Python calls.

They are called as numba's own code calls them, without numba: a function takes where to put its
result, where to put what it failed with, and its arguments, arrays and tuples member by member; it
returns a status. ctypes lets other threads run meanwhile.
https://github.com/numba/numba/blob/main/numba/core/callconv.py (CPUCallConv)
"""

import ctypes
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

from relay.fast.signature import Array, Like, Result, Signature

_OK = (0, -2)
"""RETCODE_OK and RETCODE_NONE."""

_C_TYPES: dict[Any, Any] = {
    np.uint64: ctypes.c_uint64,
    np.int64: ctypes.c_int64,
    np.float64: ctypes.c_double,
    np.bool_: ctypes.c_bool,
}

ENTRY_POINTS: dict[str, "EntryPoint"] = {}
"""Those of the modules that were imported, by name."""


class CompiledCodeError(RuntimeError):
    """Compiled code found something that cannot be, such as an index out of bounds."""


class Block(tuple[Any, ...]):
    """An array of bytes as entry points take it, read once for many calls. The array must live as
    long."""

    __slots__ = ()

    @classmethod
    def of(cls, array: Any) -> Self:
        return cls(_members([array]))


class EntryPoint:
    """Takes arrays, tuples of them, and numbers, as its signature says."""

    def __init__(self, function: Callable[..., Any], signature: Signature) -> None:
        self.function = function
        self.signature = signature
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._result = _result_type(signature.result)
        self._call: Any = None
        arrays = [i for i, each in enumerate(signature.arguments) if isinstance(each, Array | Like)]
        self._head = max(arrays, default=-1) + 1
        """How many arguments there are up to the last that is no number."""
        ENTRY_POINTS[self.name] = self

    def __call__(self, *arguments: Any) -> Any:
        """Raises CompiledCodeError."""
        if self._call is None:
            self._call = self._loaded(arguments)
        result, failure = self._result(), ctypes.c_void_p()
        head, numbers = arguments[: self._head], arguments[self._head :]
        status = self._call(ctypes.byref(result), ctypes.byref(failure), *_members(head), *numbers)
        if status not in _OK:
            raise CompiledCodeError(f"{self.name} failed with status {status}")
        return _read(result, self.signature.result)

    def _loaded(self, arguments: Iterable[Any]) -> Any:
        # Imported here: it imports those who have entry points.
        from relay.fast.machine_code import addresses

        kinds = [
            kind
            for declared, argument in zip(self.signature.arguments, arguments, strict=True)
            for kind in _c_types(declared, argument)
        ]
        prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *kinds)
        return prototype(addresses()[self.name])


def _members(values: Iterable[Any]) -> list[Any]:
    """Of an array: its owner and parent, which compiled code does not look at, its size, the size
    of an item, its memory, shape and strides."""
    members: list[Any] = []
    for value in values:
        if isinstance(value, Block):
            members += value
        elif isinstance(value, np.ndarray):
            members += (None, None, value.size, value.itemsize, value.ctypes.data)
            members += (*value.shape, *value.strides)
        elif isinstance(value, tuple):
            members += _members(value)
        else:
            members.append(value)
    return members


def _c_types(declared: Any, value: Any) -> list[Any]:
    """Of `value`'s members. Raises TypeError for another array than is declared."""
    if isinstance(value, Block):
        return _array_types(1)
    if isinstance(value, np.ndarray):
        if isinstance(declared, Array) and value.dtype != np.dtype(declared.kind):
            raise TypeError(f"an array of {value.dtype}, not of {np.dtype(declared.kind)}")
        return _array_types(value.ndim)
    if isinstance(value, tuple):
        return [kind for member in value for kind in _c_types(None, member)]
    return [_C_TYPES[declared]]


def _array_types(dimensions: int) -> list[Any]:
    pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
    return [pointer, pointer, size, size, pointer, *[size] * (2 * dimensions)]


def _result_type(result: Result) -> Any:
    if result is None:
        return ctypes.c_void_p
    if not isinstance(result, tuple):
        return _C_TYPES[result]
    fields = [(f"_{index}", _C_TYPES[each]) for index, each in enumerate(result)]
    return type("Results", (ctypes.Structure,), {"_fields_": fields})


def _read(place: Any, result: Result) -> Any:
    if result is None:
        return None
    if not isinstance(result, tuple):
        return place.value
    return tuple(getattr(place, name) for name, _kind in place._fields_)
