"""The dialogs that sessions begin with."""

from collections.abc import Callable

from sipmessage import URI, Request

from transceiver.sip.application import Invitation, SentBy
from transceiver.sip.contact import Contact
from transceiver.sip.dialog import Dialog, caller_target, routes_of
from transceiver.sip.dialog_path import DialogPath
from transceiver.sip.flow import Flow, SipTransport


class DialogMaker:
    """For one user agent; what it is told is as in `UserAgent` and `DialogPath`."""

    def __init__(
        self, sent_by: Callable[[SipTransport], SentBy], may_reach: Callable[[URI], bool]
    ) -> None:
        self._sent_by = sent_by
        self._may_reach = may_reach

    def with_caller(
        self, invite: Request, tag: str, call_id: str, flow: Flow, *, keeps_hop: bool
    ) -> Dialog:
        """With who sent an INVITE; `tag` is ours, and `call_id` what our Contact is to name.

        Raises DialogError.
        """
        target, routes = caller_target(invite), tuple(routes_of(invite))
        path = DialogPath(target, routes, flow, keeps_hop, self._may_reach)
        return Dialog.of_request(invite, tag, path, Contact(call_id, self._sent_by))

    def with_called(self, invitation: Invitation, tag: str) -> Dialog:
        """With whoever is going to answer an INVITE of ours: its To has no tag."""
        target = str(invitation.target)
        path = DialogPath(target, (), invitation.hop, True, self._may_reach)
        return Dialog(
            call_id=invitation.call_id,
            local=f"{invitation.caller};tag={tag}",
            remote=f"<{target}>",
            local_sequence=0,
            remote_sequence=None,
            path=path,
            contact=Contact(invitation.call_id, self._sent_by),
        )
