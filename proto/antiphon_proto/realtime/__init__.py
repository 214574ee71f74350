"""Events of the OpenAI Realtime API, as far as a voice turn needs them.

Import what an event holds from the module that names it: `session`, `items`,
`response`, `client_events`, `server_events`, `response_events`.

https://platform.openai.com/docs/api-reference/realtime
"""

from antiphon_proto.realtime.client_events import ClientEvent, parse_client_event
from antiphon_proto.realtime.error import RealtimeError
from antiphon_proto.realtime.server_events import ServerEvent, encode_server_event
from antiphon_proto.realtime.session import RealtimeSession, parse_session

__all__ = [
    "ClientEvent",
    "RealtimeError",
    "RealtimeSession",
    "ServerEvent",
    "encode_server_event",
    "parse_client_event",
    "parse_session",
]
