"""What a server answers by HTTP, as far as an answer can be long: it may never end."""

import aiohttp


class LongBodyError(ValueError):
    """There is more than may be."""


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """At most so many bytes. Raises LongBodyError, and what aiohttp raises."""
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > most:
            raise LongBodyError(f"the answer has more than {most} bytes")
    return bytes(body)
