"""Answers the client's checks: https://www.rfc-editor.org/rfc/rfc8445#section-7.3"""

from collections import Counter
from collections.abc import Callable

from antiphon_proto import stun
from antiphon_proto.address import Address
from transceiver.ice.credentials import IceCredentials
from transceiver.ice.path import Path
from transceiver.ice.rejection import IceRejection
from transceiver.ice.role import ROLE_CONFLICT, IceRole

UNKNOWN_ATTRIBUTE = 420


class IceResponder:
    """Judges checks by one session's credentials; refuses some by an error response."""

    def __init__(
        self,
        local: IceCredentials,
        role: IceRole,
        *,
        send: Callable[[bytes, Address], None],
        rejections: Counter[IceRejection],
    ) -> None:
        self.ufrag = local.ufrag.encode()
        """What the client's checks name us by."""
        self._password = local.password.encode()
        self._role = role
        self._send = send
        self._rejections = rejections

    def admits(self, request: stun.StunMessage, client: Address) -> bool:
        """Whether the check is the client's and sound; settles who controls."""
        # No error response tells a stranger that a session lives here.
        if request.local_ufrag != self.ufrag or not request.verify(self._password):
            self._rejections[IceRejection.UNAUTHENTICATED] += 1
            return False
        if request.unknown_required:
            self._rejections[IceRejection.UNKNOWN_ATTRIBUTE] += 1
            unknown = request.unknown_required
            self._refuse(request, client, UNKNOWN_ATTRIBUTE, "Unknown Attribute", unknown)
            return False
        if not self._role.settle(request):
            self._rejections[IceRejection.ROLE_CONFLICT] += 1
            self._refuse(request, client, ROLE_CONFLICT, "Role Conflict")
            return False
        return True

    def confirm(self, request: stun.StunMessage, path: Path) -> None:
        """Answer a check that was admitted, if the path's limit lets that leave."""
        response = stun.binding_success(
            request.transaction_id, mapped=path.client, password=self._password
        )
        if path.limit.spend(len(response)):
            self._send(response, path.client)

    def _refuse(
        self,
        request: stun.StunMessage,
        client: Address,
        code: int,
        reason: str,
        unknown: tuple[int, ...] = (),
    ) -> None:
        response = stun.binding_error(
            request.transaction_id,
            code=code,
            reason=reason,
            password=self._password,
            unknown_attributes=unknown,
        )
        self._send(response, client)
