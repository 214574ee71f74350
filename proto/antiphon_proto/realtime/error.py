"""The one error of this format."""


class RealtimeError(ValueError):
    """A request that the API refuses, in the terms of its `error` event.

    `code` is stable and lower_snake_case, `param` the path of the member at fault
    (`session.audio.input.turn_detection.type`), `event_id` the client's own id of
    the event that asked.
    """

    def __init__(
        self, code: str, message: str, *, param: str | None = None, event_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.event_id = event_id
