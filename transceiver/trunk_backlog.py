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
"""What calls repeat to a replica that takes them over comes in longer frames."""

MAX_MESSAGE_BYTES = 4 << 20
"""Of audio in one message: a replica takes 16 MiB."""


class TrunkBacklog:
    """Audio frames and commands of all sessions, in order, until `take`."""

    def __init__(self, counters: TrunkCounters, unix_time: Callable[[], float]) -> None:
        """`unix_time` is the clock of `note_arrival`."""
        self._counters = counters
        self._unix_time = unix_time
        self._arrivals: list[tuple[float, int]] = []
        self._noted = 0
        self._frames: deque[tuple[int, int, bytes]] = deque()
        self._bytes = 0
        self._shed = 0
        self._commands: list[tuple[int, pb.Command]] = []

    def __bool__(self) -> bool:
        return bool(self._frames or self._commands)

    def add_audio(self, session: int, position: int, pcm: bytes) -> None:
        """Queue a frame; sheds the oldest one when the replica has stopped reading."""
        if len(self._frames) >= MAX_FRAMES or self._bytes > MAX_BYTES:
            self._shed_oldest()
        self._frames.append((session, position, pcm))
        self._bytes += len(pcm)

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
        self._commands.append((self._shed + len(self._frames), message))

    def take(self) -> pb.Uplink | None:
        """What is queued as one message, if it is not too much; None when there is nothing."""
        if not self:
            return None
        if self._bytes > MAX_MESSAGE_BYTES:
            return self._take_part()
        for after, command in self._commands:
            command.after_frames = max(0, after - self._shed)
        message = pb.Uplink(
            audio=pack_frames(self._frames),
            commands=[command for _after, command in self._commands],
        )
        self._counters.frames_sent += len(self._frames)
        for arrived_at, count in self._arrivals:
            self._counters.arrival_to_engine.observe(self._unix_time() - arrived_at, count)
        self.clear()
        return message

    def _take_part(self) -> pb.Uplink:
        """The oldest frames, as many as fit, and the commands between them."""
        frames: list[tuple[int, int, bytes]] = []
        room = MAX_MESSAGE_BYTES
        while self._frames and (not frames or room >= len(self._frames[0][2])):
            frames.append(self._frames.popleft())
            room -= len(frames[-1][2])
        self._bytes -= MAX_MESSAGE_BYTES - room
        commands: list[pb.Command] = []
        for after, command in self._commands:
            command.after_frames = max(0, after - self._shed)
            if command.after_frames <= len(frames):
                commands.append(command)
        self._commands = [
            (after - len(frames), command) for after, command in self._commands[len(commands) :]
        ]
        self._counters.frames_sent += len(frames)
        # When each of these came has no meaning: they wait for one another.
        self._arrivals.clear()
        self._noted = 0
        return pb.Uplink(audio=pack_frames(frames), commands=commands)

    def _shed_oldest(self) -> None:
        self._bytes -= len(self._frames.popleft()[2])
        self._shed += 1
        self._counters.frames_shed += 1
        if self._noted:
            (arrived_at, count), *later = self._arrivals
            self._arrivals = [(arrived_at, count - 1), *later] if count > 1 else later
            self._noted -= 1

    def clear(self) -> None:
        self._bytes = 0
        self._frames.clear()
        self._commands.clear()
        self._arrivals.clear()
        self._noted = 0
        self._shed = 0
