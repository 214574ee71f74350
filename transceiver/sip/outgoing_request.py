"""A request of ours, before it has a Via."""

from dataclasses import dataclass, field

from transceiver.sip.message import encode

MAX_FORWARDS = "70"


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """Everything but Via, Max-Forwards and Content-Length, which are added when it is sent."""

    method: str
    uri: str
    """As the peer wrote it, where it did: it may compare it character by character."""
    fields: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)

    def encode(self, via: str) -> bytes:
        fields = [("Via", via), ("Max-Forwards", MAX_FORWARDS), *self.fields]
        return encode(f"{self.method} {self.uri} SIP/2.0", fields, self.body)

    def values(self, *names: str) -> tuple[tuple[str, str], ...]:
        """The fields of these names."""
        return tuple(each for each in self.fields if each[0] in names)
