"""The voice service that one writes first in Python: stock aiortc, which plays back what it hears.

`python -m loadtest.third_party.aiortc_echo [--http HOST:PORT]` takes the POST of the Realtime
API's calls, by any key: https://platform.openai.com/docs/api-reference/realtime/create-call.
No events come by its data channel. What it hears is decoded, brought to the rate that speech models
take, 24 kHz mono, and encoded again, as a service with a model in between does at the least.
"""

import argparse
import asyncio

import av
import uvloop
from aiohttp import web
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from chassis.host_port import HostPort
from chassis.readiness import report_ready

MODEL_RATE = 24_000


class EchoTrack(MediaStreamTrack):
    """What a model would hear of a track, played back as it comes."""

    kind = "audio"

    def __init__(self, heard: MediaStreamTrack) -> None:
        super().__init__()
        self._heard = heard
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=MODEL_RATE)

    async def recv(self) -> av.AudioFrame:
        while True:
            frame = await self._heard.recv()
            assert isinstance(frame, av.AudioFrame)
            for pcm in self._resampler.resample(frame):
                return pcm


class Calls:
    """The peer connections that are open."""

    def __init__(self) -> None:
        self._open: set[RTCPeerConnection] = set()

    async def create(self, request: web.Request) -> web.Response:
        """Answer an offer."""
        peer = RTCPeerConnection()
        self._open.add(peer)

        @peer.on("track")
        def play_back(track: MediaStreamTrack) -> None:
            peer.addTrack(EchoTrack(track))

        @peer.on("connectionstatechange")
        async def forget_when_over() -> None:
            if peer.connectionState in ("failed", "closed"):
                self._open.discard(peer)
                await peer.close()

        await peer.setRemoteDescription(RTCSessionDescription(await _offer(request), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        answer = peer.localDescription.sdp
        return web.Response(status=201, text=answer, content_type="application/sdp")


async def _offer(request: web.Request) -> str:
    """The SDP, whichever way it is sent. Raises HTTPBadRequest."""
    if request.content_type == "application/sdp":
        return await request.text()
    sdp = (await request.post()).get("sdp")
    if isinstance(sdp, bytes | bytearray):  # as what is not declared to be plain text comes
        return sdp.decode()
    if isinstance(sdp, str):
        return sdp
    raise web.HTTPBadRequest(text="there is no part named sdp")


async def serve(http: HostPort, ready_fd: int | None) -> None:
    """Until cancelled."""
    app = web.Application()
    app.add_routes([web.post("/v1/realtime/calls", Calls().create)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, http.host, http.port).start()
    host, port = runner.addresses[0][:2]
    report_ready(ready_fd, {"http": f"{host}:{port}"})
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Stock aiortc, which plays back what it hears.")
    parser.add_argument("--http", type=HostPort.parse, default=HostPort("127.0.0.1", 0))
    parser.add_argument("--ready-fd", type=int)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.http, arguments.ready_fd))


if __name__ == "__main__":
    main()
