"""What a reader of a result must know of how it came about."""

from collections.abc import Iterator

from loadtest.coordinator.roll import Roll

MAX_CLOCK_ERROR_S = 0.005
"""By how much the clocks of two workers may differ before one is told: less than a frame."""


def remarks(roll: Roll, seconds_left: float | None) -> Iterator[str]:
    """One sentence each; `seconds_left` of a run that was stopped."""
    if seconds_left is not None:
        yield f"The run was stopped {seconds_left:.0f} s before its end."
    unfinished = sum(member.unfinished for member in roll.members)
    if unfinished:
        yield f"{unfinished} calls were hung up before their time, for the run was stopped."
    overdue = sum(member.overdue for member in roll.members)
    if overdue:
        yield f"{overdue} calls did not end when they were to, and count as failed."
    for member in roll.members:
        if member.clock_error_s > MAX_CLOCK_ERROR_S:
            yield (
                f"The clock of {member} is known to {member.clock_error_s * 1000:.1f} ms only: "
                "its calls may be that much out of step with the others'."
            )
