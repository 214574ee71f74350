"""How much may be sent to an address that has not proved that it receives.

"Prior to validating the client address, servers MUST NOT send more than three times as
many bytes as the number of bytes they have received": whoever forges a source address
gains no more by us than that. https://www.rfc-editor.org/rfc/rfc9000#section-8
"""

FACTOR = 3


class AmplificationLimit:
    """The account of one address, in bytes of UDP payload, until it is lifted."""

    def __init__(self) -> None:
        self._allowance = 0
        self._lifted = False

    def received(self, size: int) -> None:
        """A datagram of `size` bytes came from the address."""
        self._allowance += FACTOR * size

    def spend(self, size: int) -> bool:
        """Whether a datagram of `size` bytes may leave now; if so, it is taken to have left."""
        if self._lifted:
            return True
        if size > self._allowance:
            return False
        self._allowance -= size
        return True

    def lift(self) -> None:
        """The address proved that it receives."""
        self._lifted = True
