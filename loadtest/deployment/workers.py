"""The worker processes of a tier, wherever among its descendants they are."""

from contextlib import suppress

import psutil

from chassis.worker_processes import WORKER_NAME


def workers_of(pid: int) -> list[psutil.Process]:
    """Of the tier whose first process this is, by their names. Raises psutil.NoSuchProcess."""
    return [each for each in psutil.Process(pid).children(recursive=True) if _is_worker(each)]


def _is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.name().startswith(WORKER_NAME))
    return False
