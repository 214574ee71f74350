"""All WebSocket callers of a process."""

from loadtest.callers.fleet import FleetContext
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile


class WebSocketFleet:
    """See `loadtest.callers.fleet.Fleet`."""

    def __init__(self, context: FleetContext) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        raise NotImplementedError

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
