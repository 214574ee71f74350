"""Every scenario on every transport that it is for, through a relay and a transceiver."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conformance import official_types
from tests.conformance.clients import Event
from tests.conformance.performance import ScenarioFailedError, perform
from tests.conformance.scenario import Scenario, Transport, read_scenario
from tests.conformance.stage import Stage, raised_stage
from tests.transceiver.mcp.mcp_server import shop_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCENARIOS = [read_scenario(path) for path in sorted(Path(__file__).parent.glob("scenarios/*.txt"))]
PLAYED = [
    (scenario, transport)
    for transport in Transport
    for scenario in SCENARIOS
    if transport in scenario.transports
]
SHOP_HOST = "localhost"
"""Of the remote tools, which alone may be asked."""
HAS_NPM = shutil.which("node") and (official_types.NODE_MODULES / "typescript").is_dir()


class Performances:
    """Plays each scenario once, whoever asks for it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._events: dict[tuple[str, Transport], list[Event]] = {}

    async def of(self, scenario: Scenario, transport: Transport) -> list[Event]:
        """What the client got. Raises ScenarioFailedError."""
        key = scenario.name, transport
        if key not in self._events:
            self._events[key] = await perform(self._stage, scenario, transport)
        return self._events[key]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def performances() -> AsyncIterator[Performances]:
    async with shop_server() as shop, raised_stage(**{"mcp-servers": SHOP_HOST}) as stage:
        url = shop.url.replace("127.0.0.1", SHOP_HOST)
        yield Performances(replace(stage, names={"$shop": url}))


@pytest.mark.parametrize(
    ("scenario", "transport"),
    PLAYED,
    ids=[f"{scenario.name}-{transport.value}" for scenario, transport in PLAYED],
)
async def test_scenario(
    performances: Performances, scenario: Scenario, transport: Transport
) -> None:
    assert await performances.of(scenario, transport)


async def test_events_are_what_the_packages_for_javascript_read(performances: Performances) -> None:
    if not HAS_NPM:
        pytest.skip("npm's packages are not installed: events were not held to their types")
    events: list[Event] = []
    for scenario, transport in PLAYED:
        with contextlib.suppress(ScenarioFailedError):  # which has a test of its own
            events += await performances.of(scenario, transport)
    assert len({event["type"] for event in events}) > 20
    verdicts = await official_types.verdicts(official_types.of_each_shape(events))
    assert not any(verdict.wrong for verdict in verdicts), "\n".join(
        str(verdict) for verdict in verdicts if verdict.wrong
    )
