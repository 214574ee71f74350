"""The fleets of one worker: one of each kind that its scenario has."""

import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack

from loadtest.callers.fleet import Fleet, FleetContext, FleetError
from loadtest.scenario.scenario import Kind

FleetFactory = Callable[[Kind, FleetContext], Fleet]

_CLASSES = {
    Kind.WEBRTC: "WebRtcFleet",
    Kind.WEBSOCKET: "WebSocketFleet",
    Kind.SIP: "SipFleet",
    Kind.RELAY: "RelayFleet",
}


def make_fleet(kind: Kind, context: FleetContext) -> Fleet:
    """Imports no more than this kind needs. Raises FleetError where that cannot be had."""
    try:
        module = importlib.import_module(f"loadtest.callers.{kind}.fleet")
    except ImportError as error:
        raise FleetError(f"callers of kind {kind}: {error}") from error
    fleet: Fleet = getattr(module, _CLASSES[kind])(context)
    return fleet


@contextlib.asynccontextmanager
async def started_fleets(
    context: FleetContext, factory: FleetFactory = make_fleet
) -> AsyncIterator[Mapping[Kind, Fleet]]:
    """All that the scenario needs, closed in the end. Raises FleetError."""
    kinds = dict.fromkeys(caller.kind for caller in context.scenario.callers)
    async with AsyncExitStack() as stack:
        fleets: dict[Kind, Fleet] = {}
        for kind in kinds:
            fleet = factory(kind, context)
            stack.push_async_callback(fleet.close)
            await fleet.start()
            fleets[kind] = fleet
        yield fleets
