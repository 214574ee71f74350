"""A relay's flow table is soft state: calls outlive the relay."""

import asyncio
from collections.abc import Iterator

import pytest

from antiphon.echo_call import tone_burst
from antiphon.realtime_call import RealtimeCall
from tests.e2e.running_deployment import RunningDeployment, running_deployment

HEALED_WITHIN_S = 20.0
"""The client's next consent check brings the flow back; how fast is not of this test."""


@pytest.fixture(scope="module")
def expendable() -> Iterator[RunningDeployment]:
    with running_deployment() as running:
        yield running


async def hears_an_echo(call: RealtimeCall, patience_s: float) -> bool:
    """Whether one of the sounds said from now on comes back."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    while loop.time() - began_at < patience_s:
        call.check()
        await call.microphone.say(tone_burst(0.2)).finished.wait()
        await asyncio.sleep(0.3)
        if call.heard.first_audible_after(began_at + 0.1) is not None:
            return True
    return False


async def test_a_call_goes_on_when_its_relay_is_killed(expendable: RunningDeployment) -> None:
    async with RealtimeCall() as call:
        session = {"type": "realtime", "model": "echo"}
        await call.place(expendable.url, expendable.api_key, session)
        assert await hears_an_echo(call, patience_s=5)

        events = len(call.events)
        expendable.tier("relay").kill()
        await asyncio.sleep(1.0)  # what was under way has arrived

        assert await hears_an_echo(call, HEALED_WITHIN_S)
        call.send({"type": "session.update", "session": {"type": "realtime"}})
        await call.event("session.updated", since=events, timeout_s=10)
    assert any("relay was killed by SIGKILL; starting it again" in line for line in expendable.log)
