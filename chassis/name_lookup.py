"""Every address of a name, such as that of a headless Service of Kubernetes."""

import asyncio
import socket


async def addresses_of_name(host: str) -> list[str]:
    """In a fixed order; none where the name is not known at the moment, or cannot be one."""
    loop = asyncio.get_running_loop()
    try:
        answers = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(answer[4][0]) for answer in answers})
