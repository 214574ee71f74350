"""`python -m bench.inference.slow_chat`: a chat completions server that thinks for a set time.

Its answer begins `--first-token-ms` after each request and then comes word by word.
"""

import argparse
import asyncio

from chassis.readiness import report_ready
from tests.inference.engines.cascade.brain.chat_server import ChatServer, chat_server, text

WORD_S = 0.015
ANSWER = (
    "That is a good question, and here is what I know about it. There is more to say, "
    "but this much will do for now."
)


async def serve(first_token_s: float, ready_fd: int | None) -> None:
    def configure(server: ChatServer) -> None:
        first, *others = ANSWER.split()
        server.script = [first_token_s, text(first)]
        for word in others:
            server.script += [WORD_S, text(f" {word}")]

    async with chat_server(configure) as server:
        report_ready(ready_fd, {"url": server.url})
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-token-ms", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.first_token_ms / 1000, arguments.ready_fd))


if __name__ == "__main__":
    main()
