"""Processes that end with those that started them, however these end."""

import ctypes
import multiprocessing
import os
import signal

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its parent, ends however it ends.

    https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
    """
    _ask_for_it()
    if os.getppid() != parent:
        os._exit(1)


def die_with_starter() -> None:
    """The same, for a process that multiprocessing started: the kernel's parent may be another,
    which ends with the one that asked for it."""
    _ask_for_it()
    starter = multiprocessing.parent_process()
    if starter is None or not starter.is_alive():
        os._exit(1)


def _ask_for_it() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
