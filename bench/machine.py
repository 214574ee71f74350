"""What measured figures were measured on."""

import os
import platform
from pathlib import Path


def machine() -> dict[str, float | str]:
    """Cores, processor, kernel and Python, under `machine.`."""
    return {
        "machine.cores": float(os.cpu_count() or 0),
        "machine.architecture": platform.machine(),
        "machine.cpu": _cpu_model(),
        "machine.kernel": platform.release(),
        "machine.python": platform.python_version(),
    }


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _colon, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return "unknown"
