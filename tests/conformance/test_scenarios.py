"""Every scenario on every transport that it is for, through a relay and a transceiver."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conformance.performance import perform
from tests.conformance.scenario import Scenario, Transport, read_scenario
from tests.conformance.stage import Stage, raised_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCENARIOS = [read_scenario(path) for path in sorted(Path(__file__).parent.glob("scenarios/*.txt"))]
SERVED = (Transport.WEBSOCKET, Transport.WEBRTC)
PLAYED = [
    pytest.param(scenario, transport, id=f"{scenario.name}-{transport.value}")
    for transport in SERVED
    for scenario in SCENARIOS
    if transport in scenario.transports
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[Stage]:
    async with raised_stage() as raised:
        yield raised


@pytest.mark.parametrize(("scenario", "transport"), PLAYED)
async def test_scenario(stage: Stage, scenario: Scenario, transport: Transport) -> None:
    await perform(stage, scenario, transport)
