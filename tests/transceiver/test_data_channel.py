"""The channel against aiortc's own SCTP as the client, over a link in memory."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version

import pytest
from aiortc import RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport
from aiortc.rtcsctptransport import Chunk, RTCSctpCapabilities, SackChunk, serialize_packet

from transceiver.data_channel import (
    LABEL,
    MAX_BUFFERED_BYTES,
    MAX_CHANNELS,
    ChannelEnd,
    DataChannel,
    _Link,
)


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


class CutShortSack(Chunk):
    type = SackChunk.type


async def test_malformed_packets_are_survived(pair: Pair) -> None:
    channel = await pair.connect()
    for packet in b"", b"\0" * 11, b"\xff" * 40, bytes(1200):
        pair.server.receive(packet)
    # A checksum and tag that hold, around a SACK that is cut short: aiortc raises.
    tag = pair.server._sctp._local_verification_tag
    pair.server.receive(serialize_packet(5000, 5000, tag, CutShortSack(body=b"\0")))
    assert pair.server.malformed_packets == 1
    channel.send("still here")
    await until(lambda: pair.listener.messages == ["still here"])


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
