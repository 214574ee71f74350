"""Who may use the machine: the processes of a test run together, those whose tests are calm, or
one test alone.

Locks on files that the processes share. A test that must not run beside what others are at shuts
the door behind which all wait for their turn, until those have ended: nobody that comes later
can overtake it.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from enum import Enum
from pathlib import Path


class Company(Enum):
    """Whom a test may run beside."""

    ANYBODY = "anybody"
    """But those that want other company."""
    CALM = "calm"
    """Others that do, too."""
    NOBODY = "nobody"


class Turns:
    """Of one process, among all that share `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = contextlib.ExitStack()
        self._company: Company | None = None
        """Of the room that this process is in."""

    @contextlib.contextmanager
    def turn(self, company: Company, upcoming: Company = Company.ANYBODY) -> Iterator[None]:
        """Wait for one's turn, and have it.

        Who does not run beside anybody keeps the machine for an `upcoming` test of the same kind:
        the others would begin tests in between, which it would have to wait for.
        """
        self._enter(company)
        try:
            yield
        finally:
            if self._company is Company.ANYBODY or self._company is not upcoming:
                self._leave()

    def take_over(self) -> None:
        """Within a turn: wait until the others have ended, and be alone for the rest of it."""
        self._enter(Company.NOBODY)

    def _enter(self, company: Company) -> None:
        """Be in that room, and in no other."""
        if self._company is company:
            return
        self._leave()
        with _locked(self._folder / "door", fcntl.LOCK_EX):
            for other in Company:
                if other is not company:
                    with _locked(self._folder / other.value, fcntl.LOCK_EX):
                        pass  # Nobody is in that room any more.
            operation = fcntl.LOCK_EX if company is Company.NOBODY else fcntl.LOCK_SH
            self._room.enter_context(_locked(self._folder / company.value, operation))
        self._company = company

    def _leave(self) -> None:
        self._company = None
        self._room.close()


@contextlib.contextmanager
def _locked(path: Path, operation: int) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, operation)
        yield
