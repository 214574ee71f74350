"""Who of the machine's programs goes first."""

import contextlib
import os


def go_first() -> str:
    """Put this process, and those that it will start, before others' where that is allowed.

    The kernel leaves others 5 % of a core that real-time threads want whole, which no run that
    is counted does.
    """
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        return "SCHED_RR"
    return "SCHED_OTHER"
