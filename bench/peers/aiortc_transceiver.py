"""The voice service that one writes first in Python: stock aiortc, an echo for an engine.

It takes the same POSTs as a transceiver. Each call's track is resampled to what engines hear,
24 kHz mono, and played back. `--http`, `--ready-fd`; `--notes FILE` has it write when each
frame reached the engine: see `bench.transceiver.frame_notes`.
"""

import argparse
import asyncio
import json
import logging
import time

import av
from aiohttp import web
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

from bench.transceiver.frame_notes import FrameNotes
from chassis.host_port import HostPort
from chassis.readiness import report_ready

ENGINE_RATE = 24_000


class EchoTrack(MediaStreamTrack):  # type: ignore[misc]
    """What the engine would hear of a track, played back as it comes."""

    kind = "audio"

    def __init__(self, heard: MediaStreamTrack, notes: FrameNotes) -> None:
        super().__init__()
        self._heard = heard
        self._notes = notes
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=ENGINE_RATE)

    async def recv(self) -> av.AudioFrame:
        while True:
            frame = await self._heard.recv()
            for pcm in self._resampler.resample(frame):
                bytes(pcm.planes[0])  # what an engine is handed
                self._notes.add(frame.pts / frame.sample_rate, time.monotonic())
                return pcm


class Calls:
    """The peer connections that are open."""

    def __init__(self, notes_file: str | None) -> None:
        self._open: set[RTCPeerConnection] = set()
        self._notes_file = notes_file

    async def create(self, request: web.Request) -> web.Response:
        """Answer an offer."""
        sdp, name = await _offer_and_name(request)
        peer = RTCPeerConnection()
        notes = FrameNotes(name, self._notes_file)
        self._open.add(peer)

        @peer.on("track")
        def play_back(track: MediaStreamTrack) -> None:
            peer.addTrack(EchoTrack(track, notes))

        @peer.on("connectionstatechange")
        async def forget_when_over() -> None:
            if peer.connectionState in ("failed", "closed"):
                self._open.discard(peer)
                notes.write()
                await peer.close()

        await peer.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return web.Response(
            status=201, text=peer.localDescription.sdp, content_type="application/sdp"
        )


async def _offer_and_name(request: web.Request) -> tuple[str, str]:
    """The SDP, and what the session's instructions say."""
    if request.content_type == "application/sdp":
        return await request.text(), ""
    form = await request.post()
    sdp, session = form["sdp"], form["session"]
    # What is not declared to be plain text comes as bytes.
    assert isinstance(sdp, bytes | bytearray)
    assert isinstance(session, bytes | bytearray)
    return sdp.decode(), json.loads(session)["instructions"]


async def serve(arguments: argparse.Namespace) -> None:
    app = web.Application()
    app.add_routes([web.post("/v1/realtime/calls", Calls(arguments.notes).create)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, arguments.http.host, arguments.http.port).start()
    host, port = runner.addresses[0][:2]
    report_ready(arguments.ready_fd, {"http": f"{host}:{port}"})
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=HostPort.parse, default=HostPort("127.0.0.1", 0))
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--notes")
    asyncio.run(serve(parser.parse_args()))
