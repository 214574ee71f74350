"""What the functions of compiled code are: entry points for Python, and what these are made of.

Nothing here imports the compiler, which takes half a second and a third of a relay's memory:
machine code that was kept is loaded without it.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, cast

from relay.fast.entry_point import EntryPoint
from relay.fast.signature import Argument, Result, Signature

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def jit(function: FunctionT) -> FunctionT:
    """A part of compiled code that calls it; Python cannot."""
    return cast(FunctionT, _Part(function))


def entry(*arguments: Argument, result: Result = None) -> Callable[[FunctionT], FunctionT]:
    """Compiled for these types, for Python to call."""

    def entry_point(function: FunctionT) -> FunctionT:
        return cast(FunctionT, EntryPoint(function, Signature(arguments, result)))

    return entry_point


def external(name: str, result: str, *arguments: str) -> Any:
    """A function of the C library, for compiled code to call; its types are named as by numba."""
    return _External(name, result, arguments)


class _Part:
    """A function that numba compiles when it comes across it in another one.

    https://numba.readthedocs.io/en/stable/extending/high-level.html
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @cached_property
    def _dispatcher(self) -> Any:
        from relay.fast.numba_code import part

        return part(self._function)

    @property
    def _numba_type_(self) -> Any:
        return self._dispatcher._numba_type_


class _External:
    """A function that numba calls by its name, and not by its address, which would keep the machine
    code from being kept on disk."""

    def __init__(self, name: str, result: str, arguments: tuple[str, ...]) -> None:
        self._signature = name, result, arguments

    @property
    def _numba_type_(self) -> Any:
        from relay.fast.numba_code import type_of_external

        return type_of_external(*self._signature)
