"""A conversation whose engine is at replicas that a test kills, drains and fills."""

from collections.abc import Collection

from antiphon_proto import trunk as engine
from chassis.host_port import HostPort
from tests.transceiver.conversation_driver import FRAME_MS, RATE, CommandT, Driver
from transceiver.conversation_outputs import Output, SendEngineCommand
from transceiver.engine_leg import EngineListener, Resumption
from transceiver.engine_link import EngineLink
from transceiver.hand_off import HandOffCounters

A, B = HostPort("10.0.0.1", 1), HostPort("10.0.0.2", 1)
READY = engine.Ready("test", RATE, RATE, full_duplex=False)


class ReplicaSession:
    """What a replica was told on one session."""

    def __init__(self, replica: HostPort, listener: EngineListener) -> None:
        self.replica = replica
        self.listener = listener
        self.commands: list[engine.Command] = []
        self.heard: list[tuple[int, int]] = []
        self.order: list[str] = []
        self.closed: str | None = None
        self.answer: engine.Ready | engine.Error = READY

    async def opened(self) -> engine.Ready | engine.Error:
        return self.answer

    def push_audio(self, position: int, pcm: bytes) -> None:
        self.heard.append((position, position + len(pcm) // 2))
        self.order.append("audio")

    def command(self, command: engine.Command) -> None:
        assert self.commands or isinstance(command, engine.Open)
        self.commands.append(command)
        self.order.append(type(command).__name__)

    def close(self, reason: str) -> None:
        self.closed = self.closed or reason

    def sent(self, kind: type[CommandT]) -> list[CommandT]:
        return [command for command in self.commands if isinstance(command, kind)]

    def tell(self, *events: engine.Event) -> None:
        for event in events:
            if self.closed is None:
                self.listener.engine_event(event)


class Replicas:
    def __init__(self) -> None:
        self.up = [A, B]
        self.draining_ones: set[HostPort] = set()
        self.failures: list[HostPort] = []
        self.sessions: list[ReplicaSession] = []

    def open(
        self, listener: EngineListener, but: Collection[HostPort] = ()
    ) -> ReplicaSession | None:
        usable = [each for each in self.up if each not in but and each not in self.draining_ones]
        if not usable:
            return None
        self.sessions.append(ReplicaSession(usable[0], listener))
        return self.sessions[-1]

    def succeeded(self, address: HostPort) -> None: ...

    def failed(self, address: HostPort) -> None:
        self.failures.append(address)

    def draining(self, address: HostPort) -> bool:
        return address in self.draining_ones


class HandedOffCall(Driver):
    """The driver's conversation, on an engine link."""

    def __init__(self, session: dict[str, object] | None = None) -> None:
        self.link: EngineLink | None = None
        self.unlinked: list[engine.Command] = []
        super().__init__(session)
        self.replicas = Replicas()
        self.counters = HandOffCounters()
        self.link = EngineLink(self.replicas, self, clock=lambda: self.now, counters=self.counters)
        for command in self.unlinked:
            self.link.command(command)
        self.first.tell(READY)

    @property
    def first(self) -> ReplicaSession:
        return self.replicas.sessions[0]

    @property
    def latest(self) -> ReplicaSession:
        return self.replicas.sessions[-1]

    # ---- as the link's host ----

    def engine_audio(self, response: int, _offset: int, pcm: bytes) -> None:
        self.act(self.conversation.engine_audio(response, pcm, self.now))

    def engine_event(self, event: engine.Event) -> None:
        self.engine(event)

    def engine_opening(self) -> engine.Open:
        return self.conversation.engine_opening()

    def engine_resumptions(self) -> tuple[Resumption, ...]:
        resumptions, outputs = self.conversation.engine_resumptions()
        self.act(outputs)
        return resumptions

    def engine_pauses(self) -> bool:
        return self.conversation.engine_pauses

    def fail(self) -> None:
        raise

    # ---- what happens ----

    def kill(self, replica: HostPort) -> None:
        """Its trunk breaks."""
        if replica in self.replicas.up:
            self.replicas.up.remove(replica)
        for session in list(self.replicas.sessions):
            if session.replica == replica and session.closed is None:
                session.listener.engine_lost()

    def drain(self, replica: HostPort, seconds: float = 20.0) -> None:
        self.replicas.draining_ones.add(replica)
        for session in list(self.replicas.sessions):
            if session.replica == replica:
                session.tell(engine.Draining(int(seconds * 1000)))

    def pass_time(self, seconds: float) -> None:
        """The call is tended ten times a second."""
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            if self.link is not None:
                self.link.tick(self.now)

    def input(self, milliseconds: int) -> None:
        for _ in range(milliseconds // FRAME_MS):
            position = self.position_ms * RATE // 1000
            super().input(FRAME_MS)
            if self.link is not None:
                self.link.push_audio(position, bytes(RATE * FRAME_MS // 1000 * 2))

    def say(self, session: ReplicaSession, response: int, text: str, milliseconds: int) -> None:
        """The engine answers, or goes on."""
        session.tell(engine.TextDelta(response, text))
        if session.closed is None:
            for _ in range(milliseconds // FRAME_MS):
                session.listener.engine_audio(response, 0, bytes(RATE * FRAME_MS // 1000 * 2))

    def turn(self, session: ReplicaSession, words: str = "", milliseconds: int = 1000) -> str:
        """The user's turn, heard by a session; the id of its item."""
        start = self.position_ms
        session.tell(engine.SpeechStarted(start))
        self.input(milliseconds)
        end = self.position_ms
        session.tell(engine.SpeechStopped(end), engine.TurnEnded(end - 500))
        [*_, commit] = session.sent(engine.Commit)
        if words:
            session.tell(engine.InputTranscript(commit.item_id, words, final=True))
        return commit.item_id

    def act(self, outputs: list[Output]) -> None:
        for output in outputs:
            if isinstance(output, SendEngineCommand):
                if self.link is None:
                    self.unlinked.append(output.command)
                else:
                    self.link.command(output.command)
            super().act([output])

    def deltas(self) -> str:
        kind = "response.output_audio_transcript.delta"
        return "".join(event["delta"] for event in self.events if event["type"] == kind)

    def transcripts(self) -> list[str]:
        kind = "response.output_audio_transcript.done"
        return [event["transcript"] for event in self.events if event["type"] == kind]

    def contents(self, session: ReplicaSession) -> list[object]:
        """Of the history that a session was opened with."""
        return [item.content for item in session.sent(engine.Open)[0].history]
