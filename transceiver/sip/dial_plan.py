"""What becomes of a call, by the number that was called and where it comes from.

The first rule that fits decides; a call that none fits is announced to the application
(`realtime.call.incoming`), and where there is none it is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sipmessage import URI

from antiphon_proto.realtime.session import RealtimeSession
from transceiver.sip.gatekeeper import Caller
from transceiver.sip.number_pattern import NumberPattern

PHONES = "phones"
"""Stands for all registered phones where a rule says where calls come from."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The call is answered at once, with this session."""

    session: RealtimeSession
    greeting: str | None = None
    """Instructions of the response that begins it; None leaves the first word to the caller."""


@dataclass(frozen=True, slots=True)
class Announce:
    """The application is asked by webhook."""


@dataclass(frozen=True, slots=True)
class Reject:
    """The call is refused with this status, 400 to 699."""

    status: int


Action = Answer | Announce | Reject


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits calls to one of `numbers`, of one of `callers`; to any, of any, if there are none."""

    action: Action
    numbers: tuple[NumberPattern, ...] = ()
    callers: tuple[str, ...] = ()
    """Names of trunks, or PHONES."""

    def fits(self, number: str, caller: Caller) -> bool:
        origin = caller.name if caller.is_trunk else PHONES
        if self.callers and origin not in self.callers:
            return False
        return not self.numbers or any(each.matches(number) for each in self.numbers)


class DialPlan:
    """The rules, in order."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = tuple(rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DialPlan) and self._rules == other._rules

    __hash__ = None  # type: ignore[assignment]

    def action(self, called: URI, caller: Caller) -> Action:
        """What to do with a call to the INVITE's Request-URI."""
        number = dialled(called)
        for rule in self._rules:
            if rule.fits(number, caller):
                return rule.action
        return Announce()


def dialled(uri: URI) -> str:
    """The number or user of a URI, a global number without its visual separators."""
    return uri.global_phone_number or uri.user or ""
