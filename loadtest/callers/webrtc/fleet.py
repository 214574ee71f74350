"""All WebRTC callers of a worker process."""

import socket
from urllib.parse import urlsplit

from loadtest.callers.call_outcome import counted
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.media_socket import KernelClock
from loadtest.callers.own_address import own_address
from loadtest.callers.speech import recorded_speech
from loadtest.callers.speech_loudness import audible_frames, speech_loudness
from loadtest.callers.webrtc.call import Call
from loadtest.callers.webrtc.call_parts import Shared
from loadtest.callers.webrtc.dtls_endpoint import DtlsCertificate
from loadtest.callers.webrtc.pace import Pace
from loadtest.callers.webrtc.signaling import Signaling
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile


class WebRtcFleet:
    """See `loadtest.callers.fleet.Fleet`."""

    def __init__(self, context: FleetContext) -> None:
        self._context = context
        self._shared: Shared

    async def start(self) -> None:
        speech, clock = recorded_speech(), KernelClock()
        loudness = speech_loudness(speech)
        advertised = _own_address(self._context.target.http)
        any_address = "::" if ":" in advertised else "0.0.0.0"  # noqa: S104 - to call from
        self._shared = Shared(
            context=self._context,
            certificate=DtlsCertificate(),
            signaling=Signaling(self._context.target),
            pace=Pace(self._context.measures, clock.adjust),
            clock=clock,
            speech=speech,
            loudness=loudness,
            audible=audible_frames(loudness),
            hosts=self._context.addresses or (any_address,),
            advertised=advertised,
        )
        self._shared.pace.start()

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        call = Call(self._shared, plan, profile)
        await counted(call.carry_out(), plan.number, self._context.measures)

    async def close(self) -> None:
        await self._shared.signaling.close()
        await self._shared.pace.close()


def _own_address(http: str) -> str:
    """By which the server is reached. Raises FleetError."""
    try:
        url = urlsplit(http)
        found = socket.getaddrinfo(url.hostname, url.port or 443, type=socket.SOCK_DGRAM)
        host, port = found[0][4][:2]
        return own_address((str(host), int(port)))
    except (OSError, ValueError) as error:
        raise FleetError(f"{http}: {error}") from error
