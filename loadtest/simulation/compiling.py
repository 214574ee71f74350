"""How the simulation's core is compiled."""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def jit(function: FunctionT) -> FunctionT:
    compiled: FunctionT = numba.njit(nogil=True, error_model="numpy")(function)
    return compiled
