"""The deployment that SDKs are pointed at: https, as some insist on, and tools that get called."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.e2e.running_deployment import RunningDeployment, running_deployment
from tests.e2e.stand_in_model import stand_in_model


@dataclass(frozen=True)
class SdkDeployment:
    running: RunningDeployment
    certificate: Path
    """To be trusted: the one that `antiphon up --tls` made."""

    @property
    def api_key(self) -> str:
        return self.running.api_key

    @property
    def base_url(self) -> str:
        return f"{self.running.url}/v1"

    @property
    def websocket_url(self) -> str:
        return f"{self.base_url.replace('https', 'wss', 1)}/realtime?model=gpt-realtime"

    async def client_secret(self) -> str:
        """What a page may know."""
        trusted = ssl.create_default_context(cafile=str(self.certificate))
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with (
            aiohttp.ClientSession(
                headers=headers, connector=aiohttp.TCPConnector(ssl=trusted)
            ) as http,
            http.post(f"{self.base_url}/realtime/client_secrets", json={}) as response,
        ):
            value: str = (await response.json())["value"]
            return value


@contextmanager
def sdk_deployment(directory: Path) -> Iterator[SdkDeployment]:
    """`directory` gets the certificate."""
    with stand_in_model() as model:
        flags = ("--tls", f"--llm-url={model.url}", "--llm-model=m")
        with running_deployment(*flags, variables={"XDG_STATE_HOME": str(directory)}) as running:
            yield SdkDeployment(running, directory / "antiphon" / "tls.crt")
