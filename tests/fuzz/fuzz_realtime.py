"""Realtime events: anything a client sends is acted on or answered with one error."""

import itertools
import json

from antiphon_proto.realtime import RealtimeSession, encode_server_event
from transceiver.conversation import Conversation
from transceiver.conversation_outputs import SendEvent
from transceiver.ledger import LatencyLedger
from transceiver.transport import Transport

_MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
_TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}
_AUDIO = {"input": {"turn_detection": {"type": "semantic_vad"}}, "output": {"voice": {"id": "v"}}}
_EVENTS = [
    {"type": "session.update", "session": {"tools": [_TOOL], "audio": _AUDIO}},
    {"type": "conversation.item.create", "item": _MESSAGE, "previous_item_id": "root"},
    {"type": "conversation.item.retrieve", "item_id": "item_1"},
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 1},
    {"type": "response.create", "response": {"tools": [_TOOL], "metadata": {"a": "b"}}},
    {"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "mine"},
]
SEEDS = [json.dumps(event).encode() for event in _EVENTS]


def one_input(data: bytes) -> None:
    counter = itertools.count(1)
    conversation = Conversation(
        RealtimeSession(),
        call_id="rtc_fuzz",
        transport=Transport.WEBSOCKET,
        new_id=lambda prefix: f"{prefix}_{next(counter)}",
        heard_ms=lambda _response: 0,
        rtt_s=lambda: None,
        ledger=LatencyLedger(),
    )
    conversation.open()
    conversation.channel_opened(0.0)
    for _ in range(2):
        for output in conversation.client_event(data, 1.0):
            if isinstance(output, SendEvent):
                json.loads(encode_server_event(output.event))
