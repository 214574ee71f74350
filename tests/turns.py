"""Who may use the machine: the processes of a test run together, or one test alone.

Two locks on files that the processes share. A test that wants to be alone shuts the door
behind which the others wait for their turn, until those that run have ended: nobody that
comes later can overtake it.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


class Turns:
    """Of one process, among all that share `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = contextlib.ExitStack()
        self._alone = False

    @contextlib.contextmanager
    def turn(self, *, alone: bool, next_alone: bool = False) -> Iterator[None]:
        """Wait for one's turn, and have it.

        Who is alone keeps the machine for a next one that is: the others would begin tests in
        between, which it would have to wait for.
        """
        if self._alone and not alone:
            self._leave()
        if not self._alone:
            self._enter(alone=alone)
        try:
            yield
        finally:
            if not (alone and next_alone):
                self._leave()

    def take_over(self) -> None:
        """Within a turn: wait until the others have ended, and be alone for the rest of it."""
        if not self._alone:
            self._leave()
            self._enter(alone=True)

    def _enter(self, *, alone: bool) -> None:
        with _locked(self._folder / "door", fcntl.LOCK_EX):
            operation = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
            self._room.enter_context(_locked(self._folder / "room", operation))
        self._alone = alone

    def _leave(self) -> None:
        self._alone = False
        self._room.close()


@contextlib.contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, operation)
        yield
