"""A cascade that hears and speaks by servers, and those servers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from inference.engines.cascade.counters import CascadeCounters
from inference.engines.cascade.embedded_recogniser import EmbeddedRecogniser
from inference.engines.cascade.engine import CascadeEngine
from inference.engines.cascade.servers.counters import SpeechServerCounters
from inference.engines.cascade.synthesiser import Synthesiser
from inference.model_server.counters import ModelServerCounters
from inference.model_server.http_client import ServerAccess
from tests.inference.engines.cascade.servers.model_servers import ModelServers, model_servers


@pytest_asyncio.fixture(loop_scope="session")
async def servers(
    cascade: CascadeEngine, recogniser: EmbeddedRecogniser, synthesiser: Synthesiser
) -> AsyncIterator[ModelServers]:
    """`cascade` runs the recogniser and the voice that the servers hear and speak with."""
    async with model_servers(recogniser, synthesiser) as servers:
        yield servers


@pytest.fixture
def access(servers: ModelServers) -> ServerAccess:
    return ServerAccess(urls=(servers.url,), api_key="sk-1")


@pytest.fixture
def server_counters() -> ModelServerCounters:
    return ModelServerCounters()


@pytest.fixture
def speech_counters() -> SpeechServerCounters:
    return SpeechServerCounters()


@pytest.fixture
def cascade_counters(
    server_counters: ModelServerCounters, speech_counters: SpeechServerCounters
) -> CascadeCounters:
    return CascadeCounters(model_servers=server_counters, speech_servers=speech_counters)
