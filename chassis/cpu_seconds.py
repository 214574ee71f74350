"""The CPU time that another process of this machine has used."""

import os
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process_id: int) -> float:
    """User and system time of all its threads; 0 when there is no such process.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 14 and 15, counted
    behind the name, which may hold spaces and brackets.
    """
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS_A_SECOND
