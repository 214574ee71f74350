import pytest

from loadtest.callers.fleet import FleetContext, FleetError, Target
from loadtest.measures.measures import Measures
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Kind, Load, Scenario
from loadtest.worker.fleets import make_fleet, started_fleets


class NotedFleet:
    """A `Fleet` that notes what is done to it, and may not start."""

    def __init__(self, kind: Kind, noted: list[str], starts: bool = True) -> None:
        self._kind, self._noted, self._starts = kind, noted, starts

    async def start(self) -> None:
        self._noted.append(f"start {self._kind}")
        if not self._starts:
            raise FleetError("no")

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None: ...

    async def close(self) -> None:
        self._noted.append(f"close {self._kind}")


def context(*kinds: Kind) -> FleetContext:
    callers = tuple(CallerProfile(kind=kind) for kind in kinds)
    scenario = Scenario(name="small", load=Load(sessions=1), callers=callers)
    return FleetContext(Target(), scenario, Measures())


async def test_there_is_one_of_each_kind_and_it_is_closed() -> None:
    noted: list[str] = []
    known = context(Kind.SIP, Kind.WEBRTC, Kind.SIP)
    async with started_fleets(known, lambda kind, _: NotedFleet(kind, noted)) as fleets:
        assert list(fleets) == [Kind.SIP, Kind.WEBRTC]
    assert noted == ["start sip", "start webrtc", "close webrtc", "close sip"]


async def test_what_started_is_closed_where_another_cannot_start() -> None:
    noted: list[str] = []

    def factory(kind: Kind, _context: FleetContext) -> NotedFleet:
        return NotedFleet(kind, noted, starts=kind is Kind.SIP)

    with pytest.raises(FleetError):
        async with started_fleets(context(Kind.SIP, Kind.WEBRTC), factory):
            pass
    assert noted == ["start sip", "start webrtc", "close webrtc", "close sip"]


@pytest.mark.parametrize("kind", Kind)
def test_there_is_a_fleet_of_every_kind(kind: Kind) -> None:
    assert type(make_fleet(kind, context(kind))).__module__ == f"loadtest.callers.{kind}.fleet"
