"""`python -m transceiver`: exit code 2, and one line, for a setting that cannot be used."""

import asyncio
import logging
import os
import sys
import time

from chassis.logs import configure_logging
from chassis.secret_file import read_secret_file
from chassis.settings import SettingError, load
from chassis.tracing.process_tracing import check_tracing
from transceiver.config import TransceiverConfig
from transceiver.regions.zones_watch import ZonesWatch
from transceiver.signaling.api_keys import ApiKeyError, ApiKeys
from transceiver.sip.access_files import AccessFiles
from transceiver.sip.client_tls import ClientTls, ClientTlsError
from transceiver.supervisor import supervise
from transceiver.tls import TlsError

logger = logging.getLogger(__name__)


def main() -> int:
    try:
        config = load(TransceiverConfig, sys.argv[1:], os.environ, prog="python -m transceiver")
        configure_logging("transceiver", config.log_level, config.log_format)
        keys = read_secret_file("--cluster-keys", config.cluster_keys, config.parse_keys)
        check_tracing(config)
        _check_tls(config)
        sip_access = AccessFiles(config.sip_config, config.sip_credentials)
        if config.serves_sip and sip_access.access.is_nobodys:
            logger.warning(
                "nobody can call by SIP: --sip-config and --sip-credentials name trunks and phones"
            )
        zones = ZonesWatch(config.zones, config.cluster_id)
        asyncio.run(supervise(config, keys, _read_api_keys(config), sip_access, zones))
    except SettingError as error:
        print(f"transceiver: {error}", file=sys.stderr)
        return 2
    return 0


def _check_tls(config: TransceiverConfig) -> None:
    """Raises SettingError."""
    try:
        if config.tls:
            config.tls.load()
    except TlsError as error:
        raise SettingError(f"--tls-certificate, --tls-key: {error}") from error
    if config.sip_tls_ca is None:
        return
    try:
        ClientTls(config.sip_tls_ca, time.monotonic).context()
    except ClientTlsError as error:
        raise SettingError(f"--sip-tls-ca: {error}") from error


def _read_api_keys(config: TransceiverConfig) -> ApiKeys:
    """Raises SettingError."""
    if config.api_keys:
        return read_secret_file("--api-keys", config.api_keys, config.parse_api_keys)
    if not config.api_key:
        raise SettingError("--api-keys (or ANTIPHON_API_KEYS, or ANTIPHON_API_KEY) is required")
    try:
        return config.parse_api_keys("")
    except ApiKeyError as error:
        raise SettingError(f"ANTIPHON_API_KEY: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
