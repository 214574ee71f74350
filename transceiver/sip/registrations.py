"""Where registered phones are, as all workers of a host know it.

Each binding is made by the worker that the REGISTER came to, and told to the others. What is
newer wins; nobody asks anybody, but a worker that begins: see `ask`.
"""

from dataclasses import dataclass

from transceiver.sip.flow import Flow


@dataclass(frozen=True, slots=True)
class Binding:
    """A contact of a user: https://www.rfc-editor.org/rfc/rfc3261#section-10"""

    contact: str
    """URI: the Request-URI of calls to it."""
    flow: Flow
    """By which it registered, and calls to it go."""
    path: tuple[str, ...]
    """Route of calls to it, topmost first: https://www.rfc-editor.org/rfc/rfc3327"""
    expires_at: float
    """By the clock of the host."""
