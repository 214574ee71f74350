"""What an agent's sessions bring about."""

from antiphon_proto.address import Address


class IceEffects:
    """Known to the sessions in the agent's stead: they would know one another in a cycle."""

    __slots__ = ("datagrams", "revision")

    def __init__(self) -> None:
        self.datagrams: list[tuple[bytes, Address]] = []
        """To be sent, with the client address that each is for."""
        self.revision = 0

    def send(self, datagram: bytes, client: Address) -> None:
        self.datagrams.append((datagram, client))

    def note_change(self) -> None:
        """The paths, or what is known of them, changed."""
        self.revision += 1

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        """Hand over the datagrams to send since the last call."""
        taken, self.datagrams = self.datagrams, []
        return taken
