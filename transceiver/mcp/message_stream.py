"""Messages over a socket: see `messages`."""

import asyncio
from collections.abc import AsyncIterator

from transceiver.mcp.messages import LENGTH, Message, decode, message_length


async def received(reader: asyncio.StreamReader) -> AsyncIterator[Message]:
    """Until the other side is gone. Raises MessageError."""
    try:
        while True:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            yield decode(await reader.readexactly(message_length(length)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return
