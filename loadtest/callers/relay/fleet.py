"""All relay callers of a worker process."""

from loadtest.callers.fleet import FleetContext
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile


class RelayFleet:
    """A `Fleet` of `relay` callers.

    SET_UP is from the planned start until the first packet came back from the reflector.
    """

    def __init__(self, context: FleetContext) -> None:
        self._context = context

    async def start(self) -> None:
        """Reach the reflectors, and compile. Raises FleetError."""
        raise NotImplementedError

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
