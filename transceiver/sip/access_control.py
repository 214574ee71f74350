"""All of a worker that decides who is let in and knows where phones are, put together."""

from collections import Counter
from collections.abc import Callable

from transceiver.sip.access import CurrentAccess, SipAccess
from transceiver.sip.access_gatekeeper import AccessGatekeeper, Unproven
from transceiver.sip.digest_server import DigestServer
from transceiver.sip.nonces import Nonces
from transceiver.sip.registrar import Registrar
from transceiver.sip.registrations import Registrations

_KEY_BYTES = 32


class AccessControl:
    """One worker's."""

    def __init__(
        self,
        access: CurrentAccess,
        *,
        tell: Callable[[bytes], None],
        random: Callable[[int], bytes],
    ) -> None:
        """`tell` sends to every sibling what its `registrations.learn` takes; `random` gives so
        many random bytes."""
        self.unproven: Counter[Unproven] = Counter()
        self.registrations = Registrations(tell)
        self.registrar = Registrar(access, self.registrations)
        digest = DigestServer(Nonces(random(_KEY_BYTES), random), random(_KEY_BYTES))
        self.gatekeeper = AccessGatekeeper(access, digest, self.registrations, self.unproven)
        access.on_change(self._access_changed)

    def _access_changed(self, access: SipAccess) -> None:
        self.registrations.keep_only(access.is_phone)
