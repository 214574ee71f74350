"""A call that cannot go on."""

from loadtest.measures.names import Failure


class FailedCallError(Exception):
    """Ends a call, and says what is counted for it."""

    def __init__(self, reason: Failure, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
