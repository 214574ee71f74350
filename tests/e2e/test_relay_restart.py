"""A relay's flow table is soft state: calls outlive the relay."""

import asyncio

from antiphon.realtime_call import RealtimeCall
from tests.e2e.echo import hears_an_echo
from tests.e2e.nat import Nat
from tests.e2e.running_deployment import RunningDeployment, running_deployment

HEALED_WITHIN_S = 20.0


async def test_a_call_goes_on_by_media_alone_when_its_relay_is_killed() -> None:
    """Not one of its checks reaches the relay that is started in its place."""
    nat = Nat()
    host, port = nat.inside
    with running_deployment(f"--advertise={host}:{port}") as expendable:
        nat.open((expendable.public.host, expendable.public.port))
        async with RealtimeCall() as call:
            session = {"type": "realtime", "model": "echo"}
            await call.place(expendable.url, expendable.api_key, session)
            assert await hears_an_echo(call, patience_s=5)
            nat.checks_pass = False
            await kill_relay(expendable)

            events = len(call.events)
            assert await hears_an_echo(call, HEALED_WITHIN_S)
            call.send({"type": "session.update", "session": {"type": "realtime"}})
            await call.event("session.updated", since=events, timeout_s=10)
        nat.shut()
    nat.close()
    assert any("relay was killed by SIGKILL; starting it again" in line for line in expendable.log)


async def kill_relay(deployment: RunningDeployment) -> None:
    deployment.tier("relay").kill()
    await asyncio.sleep(1.0)  # what was under way has arrived
