"""When a request to a model server may be made again, and after which pause."""

from collections.abc import Callable
from dataclasses import dataclass

from inference.model_server.counters import Outcome
from inference.model_server.model_server_error import ModelServerError

SAFE_TO_REPEAT = frozenset({Outcome.UNREACHABLE, Outcome.OVERLOADED})
"""Nothing of an answer came: the request was not carried out, or not to anybody's profit."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses grow and are drawn at random, so that what failed together is not retried together."""

    tries: int = 3
    first_pause_s: float = 0.05

    def pause_s(
        self, error: ModelServerError, tries: int, left_s: float, random: Callable[[], float]
    ) -> float | None:
        """Seconds until the next try, or None: give up.

        `tries`: how many there were. `left_s`: how much time is left for the answer to begin.
        `random`: numbers from 0 to 1.
        """
        if error.outcome not in SAFE_TO_REPEAT or tries >= self.tries:
            return None
        pause_s = self.first_pause_s * 2 ** (tries - 1) * (0.5 + random())
        pause_s = max(pause_s, error.retry_after_s or 0.0)
        return pause_s if pause_s < left_s else None


def retry_after_s(header: str | None) -> float | None:
    """Seconds in a Retry-After header; a date in it, which few servers send, counts as none.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    if header is None or not (header.isascii() and header.strip().isdigit()):
        return None
    return float(header.strip()[:9])
