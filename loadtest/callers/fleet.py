"""All callers of one kind in one worker process."""

import time
from dataclasses import dataclass, field
from typing import Protocol

from loadtest.measures.measures import Measures
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile, Scenario


@dataclass(frozen=True, slots=True)
class Target:
    """What is tested, as callers reach it."""

    http: str = "http://127.0.0.1:8080"
    """The Realtime API's base, without a path."""
    api_key: str = field(default="", repr=False)
    model: str = ""
    """Of the sessions; the deployment's own unless given. `echo` is an engine of Antiphon."""
    sip: str = ""
    """`HOST:PORT` of its SIP over UDP, with `NUMBER@` before it where another number than the
    model's name is dialled; needed by callers of kind `sip`."""
    sip_user: str = ""
    sip_password: str = field(default="", repr=False)
    """With which they prove who they are, where they are asked."""
    reflector: str = ""
    """Base URLs of reflectors, with commas between them; needed by callers of kind `relay`."""
    certificate_authority: str = ""
    """PEM file that vouches for `http`; the system's unless given."""


@dataclass(slots=True)
class RunClock:
    """When the run began, by this process's `time.monotonic`; the worker sets it."""

    started_at: float = field(default_factory=time.monotonic)

    def planned(self, plan: CallPlan) -> float:
        """When the call was to begin: what its set-up is counted from."""
        return self.started_at + plan.start_s


@dataclass(frozen=True, slots=True)
class FleetContext:
    """What every fleet of a process works with."""

    target: Target
    scenario: Scenario
    measures: Measures
    addresses: tuple[str, ...] = ()
    """Of this host, that callers may call from; any unless given."""
    clock: RunClock = field(default_factory=RunClock)


class Fleet(Protocol):
    """Places calls; one event loop runs it."""

    async def start(self) -> None:
        """Make ready what calls share. Raises FleetError where nothing could ever work."""

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        """Carry one call out, from set-up to hang-up.

        Returns when it is over. All that is to be known of it is in the measures: a call that
        fails is counted there and raises nothing. Cancelled, it hangs up, and counts as ended
        only before its time. Whoever begins the call counts it as started, notes how late it did
        so, and counts one that has to be cancelled after its time as failed.
        """

    async def close(self) -> None:
        """Let go of what calls shared."""


class FleetError(Exception):
    """The target cannot be called at all; the text says why, for whoever started the run."""
