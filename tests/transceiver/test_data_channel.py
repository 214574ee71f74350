"""The channel against aiortc's own SCTP as the client, over a link in memory."""

import asyncio
import inspect
import random
import struct
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_UNORDERED,
    AbortChunk,
    Chunk,
    DataChunk,
    ErrorChunk,
    HeartbeatChunk,
    ReconfigChunk,
    RTCSctpCapabilities,
    SackChunk,
    crc32c,
)

from transceiver.data_channel import (
    LABEL,
    MAX_BUFFERED_BYTES,
    MAX_CHANNELS,
    ChannelEnd,
    DataChannel,
    _Link,
)
from transceiver.sctp_association import MAX_STREAMS, MAX_WAITING_CHUNKS
from transceiver.sdp.answer import MAX_MESSAGE_BYTES


class Listener:
    """Remembers what it heard; `answer` is run with each message."""

    def __init__(self) -> None:
        self.opened = 0
        self.messages: list[str] = []
        self.ends: list[ChannelEnd] = []
        self.answer: Callable[[str], None] = lambda _text: None

    def channel_opened(self) -> None:
        self.opened += 1

    def message_received(self, text: str) -> None:
        self.messages.append(text)
        self.answer(text)

    def channel_closed(self, end: ChannelEnd) -> None:
        self.ends.append(end)


class Pair:
    """A server's `DataChannel` and a client's aiortc transport, joined."""

    def __init__(self, *, server_is_dtls_client: bool = True) -> None:
        loop = asyncio.get_running_loop()
        self.lose: Callable[[], bool] = lambda: False
        self.listener = Listener()
        self.server = DataChannel(
            self.listener,
            lambda packet: self._carry(loop, self.client_link.deliver, packet),
            client=server_is_dtls_client,
            remote_port=5000,
            max_message_bytes=262144,
        )
        self.client_link = _Link(
            lambda packet: self._carry(loop, self.server.receive, packet),
            "server" if server_is_dtls_client else "client",
        )
        self.client = RTCSctpTransport(self.client_link)

    def _carry(
        self, loop: asyncio.AbstractEventLoop, to: Callable[[bytes], None], packet: bytes
    ) -> None:
        if not self.lose():
            loop.call_soon(to, packet)

    def forge(self, *chunks: Chunk) -> None:
        """The client sends a packet of these, past its own SCTP."""
        head = struct.pack("!HHL", 5000, 5000, self.server._sctp._local_verification_tag)
        body = b"".join(map(bytes, chunks))
        checksum = struct.pack("<L", crc32c(head + bytes(4) + body))
        self.server.receive(head + checksum + body)

    async def start(self) -> None:
        self.server.start()
        await self.client.start(RTCSctpCapabilities(262144), 5000)
        await until(lambda: self.client.state == "connected")

    def open_channel(self, label: str = LABEL) -> RTCDataChannel:
        return RTCDataChannel(self.client, RTCDataChannelParameters(label=label))

    async def connect(self) -> RTCDataChannel:
        await self.start()
        channel = self.open_channel()
        await until(lambda: self.server.open and channel.readyState == "open")
        return channel


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    yield pair
    pair.server.close()
    await pair.client.stop()


@pytest.mark.parametrize("server_is_dtls_client", [True, False])
async def test_the_clients_channel_opens_and_carries_text_both_ways(
    server_is_dtls_client: bool,
) -> None:
    pair = Pair(server_is_dtls_client=server_is_dtls_client)
    channel = await pair.connect()
    received: list[str] = []
    channel.on("message", received.append)
    assert pair.listener.opened == 1

    channel.send('{"type": "input_audio_buffer.clear"}')
    pair.server.send('{"type": "session.created"}')
    await until(lambda: bool(received and pair.listener.messages))
    assert pair.listener.messages == ['{"type": "input_audio_buffer.clear"}']
    assert received == ['{"type": "session.created"}']
    pair.server.close()
    await pair.client.stop()


async def test_many_and_large_messages_arrive_whole_and_in_order(pair: Pair) -> None:
    channel = await pair.connect()
    received: list[str] = []
    channel.on("message", received.append)
    texts = [f"{number}:" + "é" * (number * 37 % 3000) for number in range(200)]
    texts.append("x" * 262144)
    for text in texts:
        channel.send(text)
        pair.server.send(text)
    await until(lambda: len(received) == len(pair.listener.messages) == len(texts))
    assert received == pair.listener.messages == texts


async def test_what_was_sent_before_the_end_arrives_before_it(pair: Pair) -> None:
    channel = await pair.connect()
    received: list[str] = []
    channel.on("message", received.append)
    pair.server.send('{"type": "error"}')
    pair.server.close()
    await until(lambda: channel.readyState == "closed")
    assert received == ['{"type": "error"}']


async def test_loss_is_repaired(pair: Pair) -> None:
    channel = await pair.connect()
    packets = iter(range(10**9))
    pair.lose = lambda: next(packets) % 5 == 1
    for number in range(50):
        channel.send(str(number))
    await until(lambda: len(pair.listener.messages) == 50)
    assert pair.listener.messages == [str(number) for number in range(50)]


async def test_a_message_may_be_answered_from_within(pair: Pair) -> None:
    channel = await pair.connect()
    received: list[str] = []
    channel.on("message", received.append)
    pair.listener.answer = lambda text: pair.server.send("re: " + text)
    channel.send("hello")
    await until(lambda: received == ["re: hello"])


async def test_a_fault_of_the_listener_is_not_taken_for_the_clients(pair: Pair) -> None:
    channel = await pair.connect()

    def fail(_text: str) -> None:
        raise ZeroDivisionError

    loop = asyncio.get_running_loop()
    failures: list[object] = []
    loop.set_exception_handler(lambda _loop, context: failures.append(context["exception"]))
    pair.listener.answer = fail
    channel.send("hello")
    await until(lambda: bool(failures))
    assert isinstance(failures[0], ZeroDivisionError)
    assert pair.server.malformed_packets == 0


async def test_other_channels_are_ignored(pair: Pair) -> None:
    await pair.start()
    other = pair.open_channel("chat")
    await until(lambda: other.readyState == "open")
    other.send("hello")
    channel = pair.open_channel()
    channel.send("event") if channel.readyState == "open" else channel.on(
        "open", lambda: channel.send("event")
    )
    await until(lambda: pair.listener.messages == ["event"])
    assert pair.listener.opened == 1


async def test_binary_messages_are_read_as_text(pair: Pair) -> None:
    channel = await pair.connect()
    channel.send(b"{}")
    await until(lambda: pair.listener.messages == ["{}"])


async def test_sending_before_the_channel_opens_does_nothing(pair: Pair) -> None:
    pair.server.send("too early")
    channel = await pair.connect()
    received: list[str] = []
    channel.on("message", received.append)
    pair.server.send("in time")
    await until(lambda: received == ["in time"])


async def test_the_client_closing_its_channel_is_the_end(pair: Pair) -> None:
    channel = await pair.connect()
    channel.close()
    await until(lambda: pair.listener.ends == [ChannelEnd.PEER])
    pair.server.send("nobody is there")
    assert not pair.server.open


async def test_the_client_aborting_is_the_end(pair: Pair) -> None:
    await pair.connect()
    await pair.client.stop()
    await until(lambda: pair.listener.ends == [ChannelEnd.PEER])


async def test_closing_reaches_the_client_and_not_the_listener(pair: Pair) -> None:
    channel = await pair.connect()
    pair.server.close()
    pair.server.close()
    await until(lambda: channel.readyState == "closed")
    assert pair.listener.ends == []


async def test_a_client_that_does_not_read_loses_the_channel(pair: Pair) -> None:
    await pair.connect()
    pair.lose = lambda: True
    text = "x" * 200_000
    for _ in range(2 + MAX_BUFFERED_BYTES // len(text)):
        pair.server.send(text)
    assert pair.listener.ends == [ChannelEnd.OVERFLOW]
    pair.server.send(text)


async def test_a_message_over_the_clients_limit_is_counted(pair: Pair) -> None:
    await pair.connect()
    pair.server.send("x" * 262145)
    assert pair.server.unsendable_messages == 1
    assert pair.server.open


async def test_opening_too_many_channels_is_the_end(pair: Pair) -> None:
    await pair.connect()
    for number in range(MAX_CHANNELS):
        pair.open_channel(str(number))
    await until(lambda: pair.listener.ends == [ChannelEnd.VIOLATION])


async def test_overrunning_the_receive_window_is_the_end(pair: Pair) -> None:
    await pair.connect()
    pair.server._sctp._advertised_rwnd = -1
    pair.server.receive(b"anything")
    assert pair.listener.ends == [ChannelEnd.VIOLATION]


async def test_malformed_packets_are_survived(pair: Pair) -> None:
    channel = await pair.connect()
    for packet in b"", b"\0" * 11, b"\xff" * 40, bytes(1200):
        pair.server.receive(packet)
    before = pair.server.malformed_packets
    # A checksum and tag that hold, around a SACK that is cut short: aiortc raises.
    pair.forge(LaidOut(SackChunk.type, b"\0"))
    assert pair.server.malformed_packets == before + 1
    channel.send("still here")
    await until(lambda: pair.listener.messages == ["still here"])


def data(tsn: int, *, stream: int = 1, flags: int = 0, text: bytes = b"x") -> DataChunk:
    """With neither flag set, the middle of a message."""
    chunk = DataChunk(flags)
    chunk.tsn, chunk.stream_id, chunk.protocol, chunk.user_data = tsn % 2**32, stream, 51, text
    return chunk


class TestHostileClients:
    """Who has a call can send any SCTP; the worker has other calls."""

    async def test_a_sack_of_everything_is_not_counted_through(self, pair: Pair) -> None:
        channel = await pair.connect()
        sack = SackChunk()
        sack.cumulative_tsn = pair.server._sctp._last_sacked_tsn
        sack.gaps = [(1, 65535)] * 250
        pair.forge(sack)
        assert pair.server.malformed_packets == 1
        channel.send("still here")
        await until(lambda: pair.listener.messages == ["still here"])

    async def test_a_parameter_of_no_length_is_not_read_for_ever(self, pair: Pair) -> None:
        await pair.connect()
        for kind in HeartbeatChunk, ReconfigChunk, AbortChunk, ErrorChunk:
            pair.forge(LaidOut(kind.type, bytes(4)))
        assert pair.server.malformed_packets == 4
        assert pair.server.open

    @pytest.mark.parametrize("flags", [0, SCTP_DATA_UNORDERED])
    async def test_pieces_without_end_are_not_kept(self, pair: Pair, flags: int) -> None:
        await pair.connect()
        tsn = pair.server._sctp._last_received_tsn + 1
        for start in range(0, 10 * MAX_WAITING_CHUNKS, 50):
            pair.forge(*(data(tsn + start + each, flags=flags) for each in range(50)))
        assert pair.listener.ends == [ChannelEnd.VIOLATION]

    async def test_nor_are_pieces_behind_one_that_never_comes(self, pair: Pair) -> None:
        await pair.connect()
        tsn = pair.server._sctp._last_received_tsn + 2
        for start in range(0, 10 * MAX_WAITING_CHUNKS, 50):
            pair.forge(*(data(tsn + start + each, flags=3, text=b"") for each in range(50)))
        assert pair.listener.ends == [ChannelEnd.VIOLATION]

    async def test_nor_those_of_many_streams(self, pair: Pair) -> None:
        await pair.connect()
        tsn = pair.server._sctp._last_received_tsn + 1
        for start in range(MAX_STREAMS + 1):
            pair.forge(data(tsn + start, stream=start))
        assert pair.listener.ends == [ChannelEnd.VIOLATION]

    async def test_what_it_does_not_acknowledge_is_kept_to_a_limit(self, pair: Pair) -> None:
        """Its SCTP answers, but takes no more data: an application that does not read."""
        await pair.connect()

        async def forget(_chunk: DataChunk) -> None: ...

        pair.client._receive_data_chunk = forget  # type: ignore[method-assign]
        sent = 0
        while not pair.listener.ends:
            pair.server.send("x" * 50_000)
            sent += 50_000
            await asyncio.sleep(0)
        assert pair.listener.ends == [ChannelEnd.OVERFLOW]
        assert sent < 2 * MAX_BUFFERED_BYTES


class LaidOut(Chunk):
    """A chunk whose bytes are given."""

    def __init__(self, kind: int, value: bytes) -> None:
        self._bytes = struct.pack("!BBH", kind, 0, 4 + len(value)) + value

    def __bytes__(self) -> bytes:
        return self._bytes


class TestLongAndMany:
    async def test_a_session_of_a_mebibyte_comes_in_events_of_the_longest_kind(
        self, pair: Pair
    ) -> None:
        channel = await pair.connect()
        events = [str(number) + "x" * (MAX_MESSAGE_BYTES - 1) for number in range(4)]
        for event in events:
            channel.send(event)
        await until(lambda: len(pair.listener.messages) == 4)
        assert pair.listener.messages == events

    async def test_ten_thousand_short_messages_arrive_in_order(self, pair: Pair) -> None:
        channel = await pair.connect()
        for number in range(10_000):
            channel.send(str(number))
            if number % 200 == 199:  # aiortc, here the client, is slow with more under way.
                await until(lambda sent=number + 1: len(pair.listener.messages) == sent)
        assert pair.listener.messages == [str(number) for number in range(10_000)]

    async def test_a_tenth_of_the_packets_may_be_lost_both_ways(self, pair: Pair) -> None:
        channel = await pair.connect()
        received: list[str] = []
        channel.on("message", received.append)
        losses = random.Random(5)
        pair.lose = lambda: losses.random() < 0.1
        texts = [str(number) + "x" * (number * 97 % 4000) for number in range(100)]
        for text in texts:
            channel.send(text)
            pair.server.send(text)
        await until(lambda: len(received) == len(pair.listener.messages) == len(texts))
        assert received == pair.listener.messages == texts


class TestContractWithAiortc:
    """The private names that `data_channel.py` builds on; look there before a new version."""

    def test_the_version_is_the_one_that_was_read(self) -> None:
        assert version("aiortc") == "1.16.0"

    def test_sctp_uses_exactly_the_links_names_of_its_transport(self) -> None:
        source = inspect.getsource(RTCSctpTransport)
        for use in (
            "transport.state",
            "self.transport._role",
            "self.__transport._register_data_receiver(self)",
            "self.__transport._unregister_data_receiver(self)",
            "self.__transport._send_data(",
        ):
            assert use in source
        allowed = ("_register_data_receiver", "_unregister_data_receiver", "_send_data")
        uses = source.split("self.__transport.")[1:]
        assert all(use.startswith(allowed) for use in uses)

    async def test_its_coroutines_run_to_their_end_at_once(self) -> None:
        sent: list[bytes] = []
        link = _Link(sent.append, "client")
        sctp = RTCSctpTransport(link)
        for coroutine in sctp.start(None, 5000), sctp._handle_data(bytes(20)), sctp.stop():
            with pytest.raises(StopIteration):
                coroutine.send(None)
        assert len(sent) == 2

    async def test_the_receive_window_shrinks_by_what_is_not_reassembled(self) -> None:
        pair = Pair()
        channel = await pair.connect()
        whole = pair.server._sctp._advertised_rwnd
        assert whole == 1024 * 1024
        lowest = whole
        original = pair.server.receive

        def watch(packet: bytes) -> None:
            nonlocal lowest
            original(packet)
            lowest = min(lowest, pair.server._sctp._advertised_rwnd)

        pair.server.receive = watch  # type: ignore[method-assign]
        channel.send("x" * 100_000)
        await until(lambda: bool(pair.listener.messages))
        assert lowest < whole - 90_000
        assert pair.server._sctp._advertised_rwnd == whole
        pair.server.close()
        await pair.client.stop()
