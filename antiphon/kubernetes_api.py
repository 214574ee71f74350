"""The Kubernetes API as a pod reaches it, by its service account.

https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from chassis.host_port import HostPort
from chassis.settings import SettingError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token and the authority of the API server's certificate."""

MERGE_PATCH = "application/merge-patch+json"
"""https://datatracker.ietf.org/doc/html/rfc7396"""

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_LARGEST_ANSWER = 4 << 20


class KubernetesApiError(Exception):
    """A request was not answered, or not with 2xx; the text says why, and quotes no object."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """None where nobody answered."""


@dataclass(frozen=True, slots=True)
class PodAccess:
    """How a pod reaches the API server."""

    server: HostPort
    account: Path = SERVICE_ACCOUNT

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> "PodAccess":
        """Raises SettingError outside of a pod."""
        host = environ.get("KUBERNETES_SERVICE_HOST", "")
        port = environ.get("KUBERNETES_SERVICE_PORT_HTTPS") or environ.get(
            "KUBERNETES_SERVICE_PORT", "443"
        )
        if not host or not port.isdecimal():
            raise SettingError("KUBERNETES_SERVICE_HOST and _PORT: not in a pod of Kubernetes")
        return cls(HostPort(host, int(port)))

    @property
    def url(self) -> str:
        return f"https://{self.server}"

    def authority(self) -> ssl.SSLContext:
        """Raises KubernetesApiError where the pod has no service account's files."""
        try:
            return ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        except OSError as error:
            raise KubernetesApiError(f"{self.account}/ca.crt: {error.strerror}") from error

    def token(self) -> str:
        """As the file has it now, for it is renewed. Raises KubernetesApiError."""
        try:
            return (self.account / "token").read_text(encoding="ascii").strip()
        except OSError as error:
            raise KubernetesApiError(f"{self.account}/token: {error.strerror}") from error


class KubernetesApi:
    """Requests for objects, inside an `async with` block."""

    def __init__(self, access: PodAccess) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "KubernetesApi":
        connector = aiohttp.TCPConnector(ssl=self._access.authority())
        self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> dict[str, Any]:
        """The object at `path`, such as `/api/v1/namespaces/NS/services/NAME`.

        Raises KubernetesApiError.
        """
        return await self._ask("GET", path)

    async def merge_patch(self, path: str, patch: Mapping[str, Any]) -> dict[str, Any]:
        """The object as it is then. A `metadata.resourceVersion` in the patch that is not the
        object's is answered with status 409. Raises KubernetesApiError.
        """
        return await self._ask("PATCH", path, json.dumps(patch).encode())

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        if self._session is None:
            raise RuntimeError("outside of `async with`")
        headers = {"Authorization": f"Bearer {self._access.token()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = MERGE_PATCH
        url = f"{self._access.url}{path}"
        try:
            async with self._session.request(
                # A Secret, which a patch may be of, is sent to nobody else.
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                return _object(method, path, answer.status, await _whole(answer))
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise KubernetesApiError(f"{method} {path}: {reason}") from error


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """Raises aiohttp.ClientError for an answer beyond all reason."""
    text = bytearray()
    async for chunk in answer.content.iter_any():
        text += chunk
        if len(text) > _LARGEST_ANSWER:
            raise aiohttp.ClientPayloadError(f"the answer is larger than {_LARGEST_ANSWER} bytes")
    return bytes(text)


def _object(method: str, path: str, status: int, text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if not 200 <= status < 300:
        message = answer.get("message") if isinstance(answer, dict) else None
        raise KubernetesApiError(f"{method} {path}: {status} {message or ''}".rstrip(), status)
    if not isinstance(answer, dict):
        raise KubernetesApiError(f"{method} {path}: the answer is no object")
    return answer
