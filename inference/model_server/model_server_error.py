"""Why a model server gave no answer, or only part of one."""

from inference.model_server.counters import Outcome


class ModelServerError(Exception):
    """The text goes behind the server's kind ("the language model ..."), and is safe to show a
    client: it names no address and quotes no server."""

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        retry_after_s: float | None = None,
        detail: str = "",
        status: int | None = None,
    ) -> None:
        """`retry_after_s`: when the server wants to be asked again, if it said so.

        `detail`: the start of the server's own words, to learn from, never to pass on.

        `status`: of the HTTP response, if it was that which failed.
        """
        super().__init__(message)
        self.outcome = outcome
        self.retry_after_s = retry_after_s
        self.detail = detail
        self.status = status
