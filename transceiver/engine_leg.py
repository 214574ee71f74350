"""One session of a call at one replica, and what it knows of the call."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from antiphon_proto.trunk import (
    Cancel,
    Command,
    Commit,
    Error,
    Event,
    InputTranscript,
    Item,
    ItemCreate,
    ItemTruncate,
    Open,
    PlaybackCredit,
    Ready,
    Respond,
    SpeechDismissed,
    SpeechStarted,
    SpeechStopped,
    TurnEnded,
    Update,
)
from chassis.host_port import HostPort
from transceiver.engine_history import HistoryBounds, catch_up, compacted
from transceiver.input_replay import Committed, Heard

TELLING = Commit | Respond | ItemCreate
"""By each of these an engine knows of one more item."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """An answer that was interrupted: what asks for the rest of it."""

    request: Respond
    audio_ms: int
    """How much audio of it came before."""


class Session(Protocol):
    """A session at a replica."""

    replica: HostPort

    async def opened(self) -> Ready | Error: ...

    def push_audio(self, position: int, pcm: bytes) -> None: ...

    def command(self, command: Command) -> None: ...

    def close(self, reason: str) -> None: ...


class EngineListener(Protocol):
    """What a call does with its engine's output."""

    def engine_audio(self, response: int, offset: int, pcm: bytes) -> None:
        """Take samples of `response` that start at sample `offset` of it."""

    def engine_event(self, event: Event) -> None: ...

    def engine_lost(self) -> None:
        """The trunk broke; the session no longer exists at the replica."""


class Replicas(Protocol):
    """Where sessions are opened."""

    def open(self, listener: EngineListener, but: Collection[HostPort] = ()) -> Session | None: ...

    def succeeded(self, address: HostPort) -> None: ...

    def failed(self, address: HostPort) -> None: ...

    def draining(self, address: HostPort) -> bool: ...


class EngineLeg:
    """One of the sessions that follow one another as if there were one for all.

    To one after the first, its history is text, a response that was resumed begins with what is
    its own of it, and of responses before that it knows nothing.
    """

    def __init__(self, session: Session, opening: Callable[[], Open], opened_at: float) -> None:
        """`opening`: the conversation as it is."""
        self.session = session
        self.opened_at = opened_at
        self.ready: Ready | None = None
        self.told_items = 0
        """Since it was opened, and then."""
        self._opening = opening
        self._told: tuple[Item, ...] = ()
        self._left_out: frozenset[str] = frozenset()
        self._config: object = None
        self._later = False
        self._first_response = 0
        self._resumed: dict[int, Resumption] = {}
        self._repeats_until = 0

    def open(self, bounds: HistoryBounds) -> None:
        """Tell it of the conversation."""
        opening = self._opening()
        self._later = True
        self._told, self._config = compacted(opening.history, bounds), opening.config
        told = {item.id for item in self._told}
        self._left_out = frozenset(each.id for each in opening.history if each.id not in told)
        self.told_items = len(self._told)
        self.session.command(replace(opening, history=self._told))

    def resume(
        self, script: list[Heard | Committed], resumptions: Sequence[Resumption] = ()
    ) -> None:
        """Have it hear again what is nowhere but in the audio, and go on with answers."""
        commits = [at for at, part in enumerate(script) if isinstance(part, Committed)]
        asked_at = commits[-1] + 1 if commits else 0
        self._perform(script[:asked_at])
        for resumption in resumptions:
            self._resumed[resumption.request.response] = resumption
            self.session.command(resumption.request)
        self._perform(script[asked_at:])

    def catch_up(self, script: list[Heard | Committed]) -> None:
        """Tell it what happened since it was told of the conversation."""
        opening = self._opening()
        history = tuple(item for item in opening.history if item.id not in self._left_out)
        for command in catch_up(self._told, history):
            self.session.command(command)
        if opening.config != self._config:
            self.session.command(Update(opening.config))
        self._told, self._config = history, opening.config
        self.told_items = len(history)
        self.resume(script)

    def command(self, command: Command) -> None:
        """Tell it what it can know."""
        self.told_items += isinstance(command, TELLING)
        if self._later:
            known = self._known(command)
            if known is None:
                return
            command = known
        self.session.command(command)

    def heard(self, event: Event, milliseconds: Callable[[int], int]) -> Event | None:
        """The event; None where it is of a turn that was told of before the leg heard it again.

        `milliseconds` of a position of the input clock.
        """
        if self._repeats_until and self._is_repeated(event, milliseconds(self._repeats_until)):
            return None
        return event

    def _perform(self, script: list[Heard | Committed]) -> None:
        for part in script:
            if isinstance(part, Heard):
                self.session.push_audio(part.position, part.pcm)
            else:
                self._repeats_until = part.position
                self.session.command(Commit(part.item_id))

    def _known(self, command: Command) -> Command | None:
        """The command in the session's own terms; None where it has none for it."""
        match command:
            case Respond(response):
                self._first_response = self._first_response or response
            case Commit():
                self._repeats_until = 0
            case PlaybackCredit(response) | Cancel(response) if not self._asked_for(response):
                if isinstance(command, Cancel):
                    self._repair()
                return None
            case PlaybackCredit(response, played_ms) | Cancel(response, played_ms):
                return replace(command, played_ms=self._own_ms(response, played_ms))
            case ItemTruncate(item_id, audio_end_ms):
                if any(item.id == item_id for item in self._told):
                    self._repair()
                    return None
                for resumed in self._resumed.values():
                    if item_id == resumed.request.item_id:
                        return ItemTruncate(item_id, max(0, audio_end_ms - resumed.audio_ms))
        return command

    def _asked_for(self, response: int) -> bool:
        return response in self._resumed or 0 < self._first_response <= response

    def _own_ms(self, response: int, played_ms: int) -> int:
        resumed = self._resumed.get(response)
        return played_ms if resumed is None else max(0, played_ms - resumed.audio_ms)

    def _repair(self) -> None:
        """Tell it what has become of the items that it was told of."""
        current = {item.id: item for item in self._opening().history}
        now = tuple(current[item.id] for item in self._told if item.id in current)
        for command in catch_up(self._told, now):
            self.session.command(command)
        self._told = now

    def _is_repeated(self, event: Event, until_ms: int) -> bool:
        match event:
            case SpeechStarted(at_ms) | TurnEnded(at_ms):
                repeated = at_ms < until_ms
            case SpeechStopped(at_ms) | SpeechDismissed(at_ms):
                repeated = at_ms <= until_ms
            case InputTranscript(item_id=""):
                return True
            case _:
                return False
        if not repeated:
            self._repeats_until = 0
        return repeated
