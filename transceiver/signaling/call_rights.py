"""Who may use a call that is open: the holder of an API key, or of the secret that made it."""

from transceiver.signaling.authentication import Authenticator
from transceiver.signaling.calls import CallFactory, CallNotFoundError


class CallRights:
    """Asked before anything is done to a call."""

    def __init__(self, calls: CallFactory, authenticator: Authenticator) -> None:
        self._calls = calls
        self._authenticator = authenticator

    def require(self, call_id: str, authorization: str | None) -> None:
        """Whether a call is there is told to those alone who have a key.

        Raises ApiError (401, 403), CallNotFoundError.
        """
        try:
            creator = self._calls.creator(call_id)
        except CallNotFoundError:
            self._authenticator.identify(authorization)
            raise
        self._authenticator.require_rights_to(creator, authorization)
