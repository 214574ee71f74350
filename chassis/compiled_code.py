"""Where machine code that was compiled here is kept, to be loaded by the next process."""

import os
import tempfile
from functools import cache
from pathlib import Path


def place_of(name: str, digest: str, *, package: Path, cache_name: str) -> Path:
    """The directory for files `NAME-DIGEST.*`: of what has this name, and sources of this digest.

    `package`, beside its sources; the user's cache where that cannot be written, unless an
    installation filled it; and a directory of this process alone as the last resort: what is
    loaded is run, so a place that others can write to is none. Where it can be written, code of
    what had the name before is removed. `cache_name` tells packages apart in the cache.
    """
    for directory in (package, _user_directory(cache_name)):
        if _writable(directory):
            _remove_others(directory, name, digest)
            return directory
        if any(directory.glob(f"{name}-{digest}.*")):
            return directory
    return _process_directory(cache_name)


def _remove_others(directory: Path, name: str, digest: str) -> None:
    for kept in directory.glob(f"{name}-*"):
        if not kept.name.startswith(f"{name}-{digest}."):
            kept.unlink(missing_ok=True)


def _user_directory(cache_name: str) -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "antiphon" / cache_name


@cache
def _process_directory(cache_name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=f"antiphon-{cache_name}-"))


@cache
def _writable(directory: Path) -> bool:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(directory, os.W_OK | os.X_OK)
