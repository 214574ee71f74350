"""Which of the two agents nominates."""

from collections.abc import Callable

from antiphon_proto.stun import StunMessage

ROLE_CONFLICT = 487


class IceRole:
    """Ours: at first as told, for the answerer to a full agent is controlled.

    It lasts over restarts: "an ICE agent MUST NOT redetermine the roles as part of an ICE
    restart", but for a conflict. https://www.rfc-editor.org/rfc/rfc8445#section-6.1.1
    """

    def __init__(self, random_bytes: Callable[[int], bytes], *, controlling: bool = False) -> None:
        self._random_bytes = random_bytes
        self.controlling = controlling
        self.tie_breaker = self._new_tie_breaker()

    def settle(self, request: StunMessage) -> bool:
        """Compare with the client's; False asks for a 487 response.

        https://www.rfc-editor.org/rfc/rfc8445#section-7.3.1.1
        """
        claimed = request.ice_controlling if self.controlling else request.ice_controlled
        if claimed is None:
            return True
        if (self.tie_breaker >= claimed) == self.controlling:
            return False
        self.controlling = not self.controlling
        return True

    def refused(self, *, controlling: bool) -> None:
        """The client answered 487 to a check that was sent in the role `controlling`.

        https://www.rfc-editor.org/rfc/rfc8445#section-7.2.5.1
        """
        if self.controlling == controlling:
            self.controlling = not self.controlling
            self.tie_breaker = self._new_tie_breaker()

    def _new_tie_breaker(self) -> int:
        return int.from_bytes(self._random_bytes(8), "big")
