"""Who may use the machine: the processes of a test run together, or one test alone.

Two locks on files that the processes share. A test that wants to be alone shuts the door
behind which the others wait for their turn, until those that run have ended: nobody that
comes later can overtake it.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait for one's turn, and have it."""
    with contextlib.ExitStack() as room:
        with _locked(folder / "door", fcntl.LOCK_EX):
            room.enter_context(_locked(folder / "room", fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        yield


@contextlib.contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, operation)
        yield
