"""A server that answers calls with stock aiortc: what it hears, it sends back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

API_KEY = "sk-right"
ERROR = {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error"}}


class AnsweringPeer:
    def __init__(self) -> None:
        self.sessions: list[dict[str, object]] = []
        self.received: list[dict[str, object]] = []
        self.echo = True
        self._peers: list[RTCPeerConnection] = []

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"Bearer {API_KEY}":
            return web.json_response(ERROR, status=401)
        form = await request.post()
        self.sessions.append(json.loads(form["session"]))
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._peers.append(peer)
        peer.on("datachannel", self._greet)
        if self.echo:
            peer.on("track", lambda track: peer.addTrack(MediaRelay().subscribe(track)))
        await peer.setRemoteDescription(RTCSessionDescription(form["sdp"].decode(), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return web.Response(
            status=201,
            text=peer.localDescription.sdp,
            content_type="application/sdp",
            headers={"Location": "/v1/realtime/calls/rtc_1"},
        )

    def _greet(self, channel: object) -> None:
        channel.on("message", lambda text: self.received.append(json.loads(text)))
        channel.send(json.dumps({"type": "session.created", "session": {}}))

    async def hang_up(self) -> None:
        await asyncio.gather(*(peer.close() for peer in self._peers))


@contextlib.asynccontextmanager
async def answering_peer() -> AsyncIterator[tuple[AnsweringPeer, str]]:
    """The peer and the URL that it is served at."""
    peer = AnsweringPeer()
    app = web.Application()
    app.router.add_post("/v1/realtime/calls", peer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield peer, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await peer.hang_up()
        await runner.cleanup()
