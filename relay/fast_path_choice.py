"""Whether a relay forwards in compiled code, and what its workers import then."""

from chassis.settings import SettingError
from relay import fast


def fallback(choice: str) -> str | None:
    """Why not to use the fast path, by `--fast-path`; None where it is used.

    Raises SettingError where it is wanted and cannot be had.
    """
    if choice == "off":
        return "--fast-path off"
    if fast.available:
        return None
    if choice == "on":
        raise SettingError("--fast-path on: the Python packages numba and numpy are not installed")
    return "numba is not installed"


def worker_imports(why_not: str | None) -> list[str]:
    """Modules with which a worker is up in milliseconds; `why_not` is the `fallback`."""
    own = ["relay.worker_process"]
    return own if why_not is not None else [*own, "relay.fast.precompiled"]
