"""`antiphon keys init DIRECTORY`: the secrets of a deployment, made once."""

import contextlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from antiphon.runtime_directory import new_api_key, new_cluster_keys
from chassis.settings import SettingError

FILES = {"cluster.keys": new_cluster_keys, "api.keys": new_api_key}


def run(argv: Sequence[str]) -> int:
    """Write what is not there, readable by this user only; say what was, never what it holds.

    Raises SettingError.
    """
    if len(argv) != 1:
        raise SettingError("init: expected a directory")
    directory = Path(argv[0])
    for name, make in FILES.items():
        try:
            written = _write(directory / name, make())
        except OSError as error:
            raise SettingError(f"init {directory / name}: {error.strerror}") from error
        print(f"{directory / name}: {'made' if written else 'is there already'}")
    return 0


def _write(path: Path, text: str) -> bool:
    """Whole or not at all; whether it was not there before."""
    if path.exists():
        return False
    # Not a process id: in containers, all are 1.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{text.rstrip()}\n")
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
            return True
        return False
    finally:
        beside.unlink(missing_ok=True)
