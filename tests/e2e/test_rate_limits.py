"""The limit of a session's key, as OpenAI's own client for Python hears of it."""

import asyncio

from tests.e2e.running_deployment import RunningDeployment
from tests.e2e.test_websocket import session
from tests.e2e.tier_process import Transceiver

TEXT = {"type": "realtime", "output_modalities": ["text"]}


async def test_responses_are_requests_of_the_key(deployment: RunningDeployment) -> None:
    """Two a minute: one connected, one is answered."""
    transceiver = await asyncio.to_thread(
        lambda: Transceiver(deployment, "--key-requests-per-minute=2")
    )
    try:
        async with session(transceiver.url, transceiver.api_key, TEXT) as caller:
            await caller.write("stop")
            await caller.connection.response.create()
            await caller.event("response.created")
            [limit] = (await caller.event("rate_limits.updated")).rate_limits
            assert (limit.name, limit.limit, limit.remaining) == ("requests", 2, 0)
            assert 30 < limit.reset_seconds <= 60
            await caller.event("response.done")

            await caller.connection.response.create()
            refused = (await caller.event("error")).error
            assert refused.code == "rate_limit_exceeded"
            await caller.write("go on")
            await caller.event("conversation.item.done")
        counted = transceiver.metrics()
        assert counted['antiphon_transceiver_key_refusals_total{reason="request_rate"}'] == 1
    finally:
        transceiver.end()
