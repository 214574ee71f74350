"""Who may ask for something outside of a dialog, and what the others hear."""

from dataclasses import dataclass
from typing import Protocol

from sipmessage import URI, Request

from transceiver.sip.flow import Flow


@dataclass(frozen=True, slots=True)
class Caller:
    """A peer that has proved who it is."""

    name: str
    """Of the trunk, or the user of the phone."""
    is_trunk: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that is not let in; headers such as WWW-Authenticate."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


class Silence:
    """Nothing is answered: whoever asks is not to learn that there is a server."""


Verdict = Caller | Refusal | Silence


class Gatekeeper(Protocol):
    """Judges requests that begin something: INVITE, REGISTER, OPTIONS and whatever else."""

    def judge(self, request: Request, flow: Flow, now: float) -> Verdict: ...

    def may_reach(self, uri: URI) -> bool:
        """Whether a trunk is at the URI's host, as the operator says: requests in dialogs go to
        no other, whatever their Contact and Record-Route name."""
        ...
