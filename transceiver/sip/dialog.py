"""What two user agents have in common between the requests of a session.

https://www.rfc-editor.org/rfc/rfc3261#section-12
"""

import contextlib
import dataclasses
from collections.abc import Callable

from sipmessage import Request, Response

from transceiver.sip.branch import has_unique_branch
from transceiver.sip.dialog_path import DialogPath
from transceiver.sip.flow import Flow
from transceiver.sip.header_list import (
    header_addresses,
    header_values,
    parse_address,
    parse_uri,
    uri_text,
)
from transceiver.sip.message import tag_of, top_via
from transceiver.sip.outgoing_request import OutgoingRequest

Fields = tuple[tuple[str, str], ...]


class DialogError(ValueError):
    """A message that should make a dialog lacks what a dialog needs."""


class Dialog:
    """One side's; early or confirmed is its session's to know."""

    def __init__(
        self,
        *,
        call_id: str,
        local: str,
        remote: str,
        local_sequence: int,
        remote_sequence: int | None,
        path: DialogPath,
        contact: Callable[[DialogPath], str],
    ) -> None:
        """`local` and `remote` are From and To of our requests, with their tags, `contact` the
        Contact."""
        self.call_id = call_id
        self.remote_tag = tag_of(remote)
        self.remote_sequence = remote_sequence
        self.path = path
        self.is_left = False
        """We said BYE though the session goes on without it."""
        self._local = local
        self._remote = remote
        self._local_sequence = local_sequence
        self._contact = contact

    @classmethod
    def of_request(
        cls, request: Request, tag: str, path: DialogPath, contact: Callable[[DialogPath], str]
    ) -> "Dialog":
        """Of somebody who calls; `tag` is ours."""
        headers = request.headers
        return cls(
            call_id=headers["Call-ID"],
            local=f"{headers['To']};tag={tag}",
            remote=headers["From"],
            local_sequence=0,
            remote_sequence=request.cseq.sequence,
            path=path,
            contact=contact,
        )

    @classmethod
    def of_response(cls, response: Response, path: DialogPath, of: "Dialog") -> "Dialog":
        """Of somebody called, who answered; `of` is with whom we wanted to reach."""
        return cls(
            call_id=of.call_id,
            local=of._local,
            remote=response.headers["To"],
            local_sequence=of._local_sequence,
            remote_sequence=None,
            path=path,
            contact=of._contact,
        )

    @property
    def contact(self) -> tuple[str, str]:
        """The header field of requests and responses that may change the peer's target."""
        return "Contact", self._contact(self.path)

    @property
    def local_uri(self) -> str:
        """A name-addr of whom we are."""
        return f"<{uri_text(self._local)}>"

    def request(self, method: str, fields: Fields = (), body: bytes = b"") -> OutgoingRequest:
        """The next request of ours."""
        self._local_sequence += 1
        return self._request(method, self._local_sequence, fields, body)

    @property
    def last_sequence(self) -> int:
        """The number of our latest request."""
        return self._local_sequence

    def acknowledgement(
        self, sequence: int, fields: Fields = (), body: bytes = b""
    ) -> OutgoingRequest:
        """The ACK of a 2xx to the INVITE of that number."""
        return self._request("ACK", sequence, fields, body)

    def takes(self, request: Request) -> bool:
        """Whether a request is newer than those before: else it came late.

        https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
        """
        sequence = request.cseq.sequence
        if self.remote_sequence is not None and sequence <= self.remote_sequence:
            return False
        self.remote_sequence = sequence
        return True

    def retargeted(self, message: Request | Response) -> None:
        """Take the Contact of what may change the target; one that cannot be read changes none.

        https://www.rfc-editor.org/rfc/rfc3261#section-12.2
        """
        with contextlib.suppress(DialogError):
            self.path = dataclasses.replace(self.path, target=target_of(message))

    def reached_by(self, flow: Flow) -> None:
        """The peer's latest request came by this flow: the one before may be gone."""
        self.path = dataclasses.replace(self.path, hop=flow)

    def flow_lost(self, flow: Flow) -> None:
        """A connection is gone, maybe this dialog's."""
        self.path = self.path.without(flow)

    def _request(self, method: str, sequence: int, fields: Fields, body: bytes) -> OutgoingRequest:
        uri, routes = self.path.request_uri()
        dialog = (
            *(("Route", route) for route in routes),
            ("From", self._local),
            ("To", self._remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
        )
        return OutgoingRequest(method, uri, (*dialog, *fields), body)


def target_of(message: Request | Response) -> str:
    """The URI that the peer wants to be reached by. Raises DialogError."""
    written = header_values(message.headers, "Contact")
    if len(written) != 1:
        raise DialogError("not one Contact")
    try:
        parse_address(written[0])
        uri = parse_uri(uri_text(written[0]))
    except ValueError as error:
        raise DialogError("a Contact that cannot be read") from error
    if uri.scheme not in ("sip", "sips"):
        raise DialogError("a Contact that is no SIP URI")
    return uri_text(written[0])


def caller_target(invite: Request) -> str:
    """As `target_of`; for peers of RFC 2543, which may tell no Contact, From. Raises
    DialogError."""
    if invite.headers.getlist("Contact") or has_unique_branch(top_via(invite.headers)):
        return target_of(invite)
    return uri_text(invite.headers["From"])


def routes_of(message: Request | Response) -> list[str]:
    """Record-Route, in the order of a request. Raises DialogError."""
    try:
        header_addresses(message.headers, "Record-Route")
    except ValueError as error:
        raise DialogError("a Record-Route that cannot be read") from error
    return header_values(message.headers, "Record-Route")
