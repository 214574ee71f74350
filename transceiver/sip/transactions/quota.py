"""How many requests of peers are kept at once: no call takes those of others, nor does a source."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sipmessage import Request

from transceiver.sip.flow import Flow
from transceiver.sip.source_limits import source_of

MAX_OF_ALL = 8192
MAX_OF_ONE_SOURCE = 2048
"""Each is kept for half a minute by UDP: a trunk begins and ends some 30 calls a second."""
MAX_OF_ONE_CALL = 256
"""Of one Call-ID: whoever presses keys by INFO presses 8 a second."""


@dataclass(slots=True)
class TransactionQuota:
    """Those that are kept are `taken`, and given back by what that returns."""

    _all: int = 0
    _of_source: Counter[str] = field(default_factory=Counter)
    _of_call: Counter[str] = field(default_factory=Counter)

    def allows(self, request: Request, flow: Flow) -> bool:
        return (
            self._all < MAX_OF_ALL
            and self._of_source[source_of(flow.remote[0])] < MAX_OF_ONE_SOURCE
            and self._of_call[request.headers["Call-ID"]] < MAX_OF_ONE_CALL
        )

    def taken(self, request: Request, flow: Flow) -> Callable[[], None]:
        """One more is kept; to be called once when it is not any more."""
        source, call = source_of(flow.remote[0]), request.headers["Call-ID"]
        self._all += 1
        self._of_source[source] += 1
        self._of_call[call] += 1

        def given_back() -> None:
            self._all -= 1
            _less(self._of_source, source)
            _less(self._of_call, call)

        return given_back


def _less(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
