"""What waits for the next write on the trunk, bounded so that it never grows stale."""

from collections import deque
from collections.abc import Callable

from antiphon_proto.audio_block import pack_frames
from antiphon_proto.inference.v1 import inference_pb2 as pb
from antiphon_proto.trunk import Command
from antiphon_proto.trunk.command_codec import command_to_protobuf
from transceiver.counters import TrunkCounters

MAX_FRAMES = 10_000
"""One second of speech of 200 sessions: beyond it the oldest speech is shed."""

MAX_BYTES = 64 << 20
"""Of audio: what calls repeat to a replica that takes them over comes in longer frames. And of
commands: a replica that lets so many wait reads nothing any more."""

MAX_MESSAGE_BYTES = 4 << 20
"""A message is no longer than by one command or frame: a replica takes 16 MiB."""


class TrunkBacklog:
    """Audio frames and commands of all sessions, in order, until `take`."""

    def __init__(self, counters: TrunkCounters, unix_time: Callable[[], float]) -> None:
        """`unix_time` is the clock of `note_arrival`."""
        self._counters = counters
        self._unix_time = unix_time
        self._arrivals: list[tuple[float, int]] = []
        self._noted = 0
        self._frames: deque[tuple[int, int, bytes]] = deque()
        self._audio_bytes = 0
        self._gone = 0
        """Frames that were sent or shed."""
        self._commands: deque[tuple[int, int, pb.Command]] = deque()
        """Each with how many frames came before it, the gone ones among them, and its size."""
        self._command_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._frames or self._commands)

    @property
    def overfull(self) -> bool:
        """Whether more commands wait than a replica that reads would ever leave."""
        return self._command_bytes > MAX_BYTES

    def add_audio(self, session: int, position: int, pcm: bytes) -> None:
        """Queue a frame; sheds the oldest one when the replica has stopped reading."""
        while self._frames and (len(self._frames) >= MAX_FRAMES or self._audio_bytes > MAX_BYTES):
            self._shed_oldest()
        self._frames.append((session, position, pcm))
        self._audio_bytes += len(pcm)

    def note_arrival(self, arrived_at: float) -> None:
        """The frames added since the last note came at this Unix time, or a little later."""
        fresh = len(self._frames) - self._noted
        if fresh:
            self._arrivals.append((arrived_at, fresh))
            self._noted += fresh

    def add_command(self, session: int, command: Command) -> None:
        """Queue a command behind the frames queued so far; commands are never shed."""
        # Encoded here, so that one that cannot be is the fault of its own call alone.
        message = command_to_protobuf(session, 0, command)
        size = message.ByteSize()
        self._commands.append((self._gone + len(self._frames), size, message))
        self._command_bytes += size

    def take(self) -> pb.Uplink | None:
        """What is queued as one message, if it is not too much; None when there is nothing."""
        if not self:
            return None
        if self._audio_bytes + self._command_bytes > MAX_MESSAGE_BYTES:
            return self._take_part()
        for after, _size, command in self._commands:
            command.after_frames = max(0, after - self._gone)
        message = pb.Uplink(
            audio=pack_frames(self._frames),
            commands=[command for _after, _size, command in self._commands],
        )
        self._counters.frames_sent += len(self._frames)
        for arrived_at, count in self._arrivals:
            self._counters.arrival_to_engine.observe(self._unix_time() - arrived_at, count)
        self.clear()
        return message

    def _take_part(self) -> pb.Uplink:
        """The oldest of what is queued."""
        frames: list[tuple[int, int, bytes]] = []
        commands: list[pb.Command] = []
        room = MAX_MESSAGE_BYTES
        while self and room > 0:
            if self._commands and self._commands[0][0] <= self._gone:
                _after, size, command = self._commands.popleft()
                command.after_frames = len(frames)
                commands.append(command)
                self._command_bytes -= size
            else:
                frames.append(self._frames.popleft())
                size = len(frames[-1][2])
                self._audio_bytes -= size
                self._gone += 1
            room -= size
        self._counters.frames_sent += len(frames)
        # When each of these came has no meaning: they wait for one another.
        self._arrivals.clear()
        self._noted = 0
        return pb.Uplink(audio=pack_frames(frames), commands=commands)

    def _shed_oldest(self) -> None:
        self._audio_bytes -= len(self._frames.popleft()[2])
        self._gone += 1
        self._counters.frames_shed += 1
        if self._noted:
            (arrived_at, count), *later = self._arrivals
            self._arrivals = [(arrived_at, count - 1), *later] if count > 1 else later
            self._noted -= 1

    def clear(self) -> None:
        self._audio_bytes = self._command_bytes = 0
        self._frames.clear()
        self._commands.clear()
        self._arrivals.clear()
        self._noted = 0
        self._gone = 0
