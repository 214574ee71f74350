"""How many sessions this replica holds, over all its trunks."""

from inference.error_code import EngineError, ErrorCode


class Admission:
    """Counts sessions against the replica's capacity."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.sessions = 0
        self.draining = False

    def enter(self) -> None:
        """Take a place for one session; raises EngineError when there is none."""
        if self.draining:
            raise EngineError(ErrorCode.DRAINING, "this replica is about to stop")
        if self.sessions >= self.capacity:
            raise EngineError(
                ErrorCode.AT_CAPACITY, f"this replica holds its {self.capacity} sessions"
            )
        self.sessions += 1

    def leave(self) -> None:
        self.sessions -= 1
