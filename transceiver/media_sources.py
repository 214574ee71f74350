"""The RTP sources (SSRC) of a call's client: those it named, and those that were heard."""

MAX_SOURCES = 8
"""RTP sources of the client that are remembered."""


class MediaSources:
    """A bounded number, and `revision`, which changes with them."""

    def __init__(self, named: tuple[int, ...]) -> None:
        self.known = dict.fromkeys(named[:MAX_SOURCES], False)
        """Whether authentic media came from each."""
        self.revision = 0

    def name(self, sources: tuple[int, ...]) -> None:
        """The client has named these by signaling, beside those before."""
        for source in sources[: MAX_SOURCES - len(self.known)]:
            if source not in self.known:
                self.known[source] = False
                self.revision += 1

    def note(self, source: int) -> None:
        """Remember the first ones that are heard, in place of those only named."""
        if source not in self.known and len(self.known) >= MAX_SOURCES:
            unheard = next((known for known, heard in self.known.items() if not heard), None)
            if unheard is None:
                return
            del self.known[unheard]
        self.known[source] = True
        self.revision += 1
