"""What a run's figures were measured on."""

import os
import platform
from pathlib import Path

import psutil

from loadtest.version import VERSION


def describe() -> dict[str, str | float]:
    """Of this host."""
    return {
        "processor": _processor(),
        "cores": float(len(os.sched_getaffinity(0))),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "antiphon": VERSION,
    }


def _processor() -> str:
    """https://man7.org/linux/man-pages/man5/proc_cpuinfo.5.html"""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
