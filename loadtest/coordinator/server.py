"""Where workers find the coordinator."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc

from antiphon_proto.loadtest.v1 import loadtest_pb2_grpc as pb_grpc
from chassis.host_port import HostPort
from loadtest.coordinator.servicer import OPTIONS, CoordinationServicer

STOP_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """In PEM."""

    chain: bytes
    key: bytes


@contextlib.asynccontextmanager
async def serving(
    servicer: CoordinationServicer, bind: HostPort, certificate: ServerCertificate | None = None
) -> AsyncIterator[HostPort]:
    """Gives the address with the port that was taken. Raises OSError where it cannot be."""
    server = grpc.aio.server(options=OPTIONS)
    pb_grpc.add_CoordinationServicer_to_server(servicer, server)
    try:
        if certificate is None:
            port = server.add_insecure_port(str(bind))
        else:
            pair = [(certificate.key, certificate.chain)]
            port = server.add_secure_port(str(bind), grpc.ssl_server_credentials(pair))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {bind}") from error
    await server.start()
    try:
        yield HostPort(bind.host, port)
    finally:
        await server.stop(STOP_GRACE_S)
