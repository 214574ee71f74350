"""Where a cluster's key file is kept, and how it is replaced in one step."""

import asyncio
import base64
import binascii
import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from antiphon.kubernetes_api import KubernetesApi, KubernetesApiError, PodAccess
from antiphon.namespaced_name import NamespacedName


class KeyStoreError(Exception):
    """The keys could not be read, or not be written; the text quotes none."""


class ChangedMeanwhileError(KeyStoreError):
    """Somebody else has written since the keys were read: read again."""


@dataclass(frozen=True, slots=True)
class StoredKeys:
    text: str
    version: str
    """Of what was read; a store replaces no other."""


class KeyStore(Protocol):
    async def read(self) -> StoredKeys:
        """Raises KeyStoreError."""

    async def replace(self, text: str, version: str) -> None:
        """Write, if the keys are still what they were. Raises KeyStoreError."""


class KeyFile:
    """A file on this machine, which is replaced by renaming another one over it."""

    def __init__(self, path: str) -> None:
        self._path = Path(path).resolve()

    async def read(self) -> StoredKeys:
        return await asyncio.to_thread(self._read)

    async def replace(self, text: str, version: str) -> None:
        await asyncio.to_thread(self._replace, text, version)

    def _read(self) -> StoredKeys:
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise KeyStoreError(f"{self._path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise KeyStoreError(f"{self._path}: not a text file") from error
        return StoredKeys(text, text)

    def _replace(self, text: str, version: str) -> None:
        try:
            with _locked(self._path.parent):
                if self._read().version != version:
                    raise ChangedMeanwhileError(f"{self._path}: was changed meanwhile")
                _write(self._path, text)
        except OSError as error:
            raise KeyStoreError(f"{self._path}: cannot be replaced: {error.strerror}") from error


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Alone among those who lock the directory: of two rotations one writes after the other."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    """In one step for whoever reads, and with the owner and the mode that the file has.

    Alone, so that what lies beside it is of one that was killed.
    """
    before = path.stat()
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


class KeySecret:
    """A Secret of Kubernetes, by the service account of the pod that this runs in."""

    def __init__(self, access: PodAccess, name: NamespacedName, key: str) -> None:
        """`key`: of the Secret's data."""
        self._access = access
        self._path = name.path("secrets")
        self._name = name
        self._key = key

    async def read(self) -> StoredKeys:
        try:
            async with KubernetesApi(self._access) as api:
                secret = await api.get(self._path)
        except KubernetesApiError as error:
            raise KeyStoreError(str(error)) from error
        try:
            encoded = secret["data"][self._key]
            text = base64.b64decode(encoded, validate=True).decode()
            return StoredKeys(text, str(secret["metadata"]["resourceVersion"]))
        except (KeyError, TypeError, binascii.Error, ValueError):
            raise KeyStoreError(f"Secret {self._name}: has no text {self._key!r}") from None

    async def replace(self, text: str, version: str) -> None:
        data = {self._key: base64.b64encode(text.encode()).decode()}
        patch = {"metadata": {"resourceVersion": version}, "data": data}
        try:
            async with KubernetesApi(self._access) as api:
                await api.merge_patch(self._path, patch)
        except KubernetesApiError as error:
            if error.status == HTTPStatus.CONFLICT:
                raise ChangedMeanwhileError(
                    f"Secret {self._name}: was changed meanwhile"
                ) from error
            raise KeyStoreError(str(error)) from error
