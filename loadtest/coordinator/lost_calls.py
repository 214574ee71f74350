"""What becomes of a lost worker's calls: those that it had in hand failed."""

from dataclasses import dataclass

from loadtest.coordinator.roll import Member
from loadtest.measures.interval import Interval
from loadtest.measures.names import Count, Failure
from loadtest.scenario.call_plan import plan_calls
from loadtest.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class LostCalls:
    in_hand: int
    """Begun, by plan, and not over as far as was told."""
    untold: int
    """Of those, how many had begun since the worker's last report."""
    unplaced: int
    """Still to begin."""

    def interval(self, second: int) -> Interval:
        """What is reported in the worker's stead."""
        return Interval(
            second,
            counts={Count.CALLS_STARTED: self.untold, Count.CALLS_FAILED: self.in_hand},
            failed={Failure.WORKER_LOST: self.in_hand} if self.in_hand else {},
        )

    def __str__(self) -> str:
        return (
            f"{self.in_hand} calls that it had in hand count as failed, "
            f"and {self.unplaced} that it was still to place were not placed"
        )


def lost_calls(scenario: Scenario, workers: int, member: Member, elapsed_s: float) -> LostCalls:
    """Of a worker that is lost so long after the run's start."""
    starts = [plan.start_s for plan in plan_calls(scenario, worker=member.number, workers=workers)]
    begun = max(member.calls_started, sum(start <= elapsed_s for start in starts))
    return LostCalls(
        in_hand=begun - member.calls_over,
        untold=begun - member.calls_started,
        unplaced=len(starts) - begun,
    )
