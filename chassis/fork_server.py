"""The process that workers are forked from: it has imported what they need, and does nothing else.

There is one of a process, multiprocessing's own:
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

import multiprocessing
from collections.abc import Sequence
from multiprocessing import forkserver

_CONTEXT = multiprocessing.get_context("forkserver")


class ForkServer:
    """With these modules; the import of one that is missing is left to who is forked."""

    def __init__(self, modules: Sequence[str]) -> None:
        # Else it would outlive a parent that was killed, as workers keep it alive.
        _CONTEXT.set_forkserver_preload(["chassis.fork_server_life", *modules])

    def begin(self) -> None:
        """Have it import them, while this process does something else."""
        # By this thread: the kernel ends a process with the thread that began it.
        forkserver.ensure_running()

    def wait(self) -> None:
        """Return when it has imported all, after `begin`; a process started before waits, too."""
        first = _CONTEXT.Process(target=_nothing, name="first")
        first.start()
        first.join()
        first.close()


def _nothing() -> None:
    """What the first one that is forked does."""
