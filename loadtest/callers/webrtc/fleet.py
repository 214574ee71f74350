"""All WebRTC callers of a worker process."""

import socket
from urllib.parse import urlsplit

from loadtest.callers.failed_call import FailedCallError
from loadtest.callers.fleet import FleetContext, FleetError
from loadtest.callers.media_socket import KernelClock
from loadtest.callers.speech import recorded_speech
from loadtest.callers.speech_loudness import audible_frames, speech_loudness
from loadtest.callers.webrtc.call import Call
from loadtest.callers.webrtc.call_parts import Shared
from loadtest.callers.webrtc.dtls_endpoint import DtlsCertificate
from loadtest.callers.webrtc.pace import Pace
from loadtest.callers.webrtc.signaling import Signaling
from loadtest.measures.names import Count, Failure
from loadtest.scenario.call_plan import CallPlan
from loadtest.scenario.scenario import CallerProfile

ANY_ADDRESS = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - to call from


class WebRtcFleet:
    """See `loadtest.callers.fleet.Fleet`."""

    def __init__(self, context: FleetContext) -> None:
        self._context = context
        self._shared: Shared

    async def start(self) -> None:
        speech, clock = recorded_speech(), KernelClock()
        loudness = speech_loudness(speech)
        family, address = _route(self._context.target.http)
        self._shared = Shared(
            context=self._context,
            certificate=DtlsCertificate(),
            signaling=Signaling(self._context.target),
            pace=Pace(self._context.measures, clock.adjust),
            clock=clock,
            speech=speech,
            loudness=loudness,
            audible=audible_frames(loudness),
            hosts=self._context.addresses or (ANY_ADDRESS[family],),
            advertised=address,
        )
        self._shared.pace.start()

    async def call(self, plan: CallPlan, profile: CallerProfile) -> None:
        measures = self._context.measures
        try:
            await Call(self._shared, plan, profile).carry_out()
        except FailedCallError as failed:
            measures.failed(plan.number, failed.reason, failed.detail)
        except Exception as defect:  # noqa: BLE001 - the run goes on, and its report tells
            measures.failed(plan.number, Failure.CALLER_DEFECT, repr(defect))
        else:
            measures.count(Count.CALLS_ENDED)

    async def close(self) -> None:
        await self._shared.signaling.close()
        await self._shared.pace.close()


def _route(http: str) -> tuple[socket.AddressFamily, str]:
    """By which address of ours the server is reached. Raises FleetError."""
    try:
        url = urlsplit(http)
        found = socket.getaddrinfo(url.hostname, url.port or 443, type=socket.SOCK_DGRAM)
        family, kind, _protocol, _name, address = found[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return family, probe.getsockname()[0]
    except (OSError, ValueError) as error:
        raise FleetError(f"{http}: {error}") from error
