"""What a defect does: it ends the call that met it, and no other."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from transceiver.close_reason import CloseReason


class Containing(Protocol):
    """Something that runs until it is closed."""

    closed: CloseReason | None

    def fail(self) -> None:
        """End for the defect that is being handled."""


Self = TypeVar("Self", bound=Containing)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def contained(
    method: Callable[Concatenate[Self, Arguments], Result],
) -> Callable[Concatenate[Self, Arguments], Result | None]:
    """A defect met in one call ends that call and no other; None from a call that ended."""

    @functools.wraps(method)
    def run(call: Self, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result | None:
        if call.closed is not None:
            return None
        try:
            return method(call, *args, **kwargs)
        except Exception:  # noqa: BLE001
            call.fail()
            return None

    return run
