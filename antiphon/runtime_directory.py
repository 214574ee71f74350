"""A private directory for the secrets that the tiers read from files."""

import os
import secrets
import tempfile
from pathlib import Path
from types import TracebackType

from antiphon_proto.cluster_keys import ClusterKeys


def new_api_key() -> str:
    return f"sk-antiphon-{secrets.token_urlsafe(24)}"


def new_cluster_keys() -> str:
    """The text of a cluster key file with one fresh secret a layout."""
    return ClusterKeys.generate(secrets.token_bytes(32))


class RuntimeDirectory:
    """Readable by this user alone, and gone when the `with` block ends."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="antiphon-")
        self.path = Path(self._directory.name)

    def __enter__(self) -> "RuntimeDirectory":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._directory.cleanup()

    def write_secret(self, name: str, text: str) -> Path:
        """Write a file of mode 0600 that did not exist before."""
        path = self.path / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{text.rstrip()}\n")
        return path
