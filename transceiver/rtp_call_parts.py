"""What a worker makes calls on RTP tracks of, by whatever they are signalled."""

from dataclasses import dataclass

from antiphon_proto.address import Address
from chassis.host_port import HostPort
from transceiver.admission import Admission
from transceiver.audio.encoder_policy import EncoderPolicy
from transceiver.call_environment import CallEnvironment
from transceiver.call_mint import CallMint
from transceiver.call_routes import RoutedCall
from transceiver.call_table import CallTable
from transceiver.dtls import DtlsCertificate
from transceiver.relay_paths import RelayPaths
from transceiver.reoffer_limit import ReofferLimit
from transceiver.rtp_call import RtpCall
from transceiver.tunnel_endpoint import TunnelEndpoint


@dataclass(frozen=True, slots=True, eq=False)
class RtpCallParts:
    """One for each worker."""

    table: CallTable
    """Serves calls once they are made."""
    mint: CallMint
    advertise: HostPort
    """The relay that clients are told to send to."""
    certificate: DtlsCertificate
    endpoint: TunnelEndpoint
    environment: CallEnvironment
    admission: Admission
    encoder_policy: EncoderPolicy

    @property
    def relay(self) -> Address:
        """`advertise`, as an address."""
        return self.advertise.host, self.advertise.port

    def check_room(self) -> None:
        """Raises CallRefusedError where there is none for one more call."""
        self.admission.check(self.environment.counters.open.total())

    def routed(self, call: RtpCall, paths: RelayPaths, creator: bytes | None = None) -> RoutedCall:
        """The call as the table takes it, new."""
        return RoutedCall(call, paths, ReofferLimit(self.environment.clock()), creator)
