"""The types of what Python gives to compiled code, and gets from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Scalar = type[np.uint64] | type[np.int64] | type[np.float64] | type[np.bool_]
Result = Scalar | tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class Array:
    """Of one dimension, and contiguous."""

    kind: Any
    """Its dtype, or what makes one."""
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """Arrays, or tuples of them, as in what `example` returns, which is only called to compile."""

    example: Callable[[], Any]


Argument = Scalar | Array | Like


@dataclass(frozen=True, slots=True)
class Signature:
    arguments: tuple[Argument, ...]
    result: Result = None
