"""The text of an answer that another engine goes on with."""


class ResumedText:
    """Finds what is new in it.

    Text runs ahead of audio, so the client was told of words whose audio never came, `told`.
    The other engine says the same words again behind `said`, or others in their place.
    """

    def __init__(self, told: str = "", said: str = "") -> None:
        self.rest = told
        """What the client was told of and did not come again yet."""
        self._in_word = said[-1:].isalnum() or said[-1:] in tuple(".,;:!?")

    def spaced(self, delta: str) -> str:
        """The first words behind `said` with the space between that engines may leave out."""
        in_word, self._in_word = self._in_word, False
        return f" {delta}" if in_word and delta[0].isalnum() else delta

    def new(self, delta: str) -> str:
        """What of `delta` the client was not told; all of it once the words differ."""
        expected = self.rest[: len(delta)]
        if delta.startswith(expected):
            self.rest = self.rest[len(expected) :]
            return delta[len(expected) :]
        self.rest = ""
        return delta
