"""How far a call's client is from its owner, by the path of its media."""

import asyncio

from antiphon.realtime_call import RealtimeCall


async def round_trips_ms(call: RealtimeCall, count: int, patience_s: float) -> list[float]:
    """Times from an event to its answer on the data channel, the shortest first."""
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(count):
        since, sent_at = len(call.events), loop.time()
        call.send({"type": "session.update", "session": {"type": "realtime"}})
        updated = await call.event("session.updated", since=since, timeout_s=patience_s)
        times.append((updated.at - sent_at) * 1000)
    return sorted(times)
