"""The files that say who may call: read at the start, and again when they change."""

import logging
from dataclasses import replace

from chassis.reloaded_file import ReloadedFile
from chassis.secret_file import read_secret_file
from chassis.settings import SettingError
from transceiver.sip.access import SipAccess
from transceiver.sip.phone_credentials import PhoneCredentials
from transceiver.sip.sip_config import SipConfig

logger = logging.getLogger(__name__)


class AccessFiles:
    """Either may be missing: there are no trunks then, or no phones."""

    def __init__(self, config_path: str | None, credentials_path: str | None) -> None:
        """Raises SettingError for files that cannot be used."""
        self.access = access = _read(config_path, credentials_path)
        self._config = config_path and ReloadedFile(config_path, SipConfig.parse, access.config)
        self._credentials = credentials_path and ReloadedFile(
            credentials_path, PhoneCredentials.parse, access.credentials
        )

    def changed(self) -> SipAccess | None:
        """Read the files; what they say, if that is not what is in use already.

        What cannot be used costs a line of log, and what was in use stands.
        """
        access = self.access
        if self._config and (config := self._config.changed()) is not None:
            access = replace(access, config=config)
        if self._credentials and (credentials := self._credentials.changed()) is not None:
            access = replace(access, credentials=credentials)
        if access is self.access:
            return None
        self.access = access
        for fault in access.faults:
            logger.warning("%s", fault)
        return access


def _read(config_path: str | None, credentials_path: str | None) -> SipAccess:
    """Raises SettingError."""
    config, credentials = SipConfig(), PhoneCredentials()
    if config_path:
        config = read_secret_file("--sip-config", config_path, SipConfig.parse)
    if credentials_path:
        credentials = read_secret_file(
            "--sip-credentials", credentials_path, PhoneCredentials.parse
        )
    access = SipAccess(config, credentials)
    for fault in access.faults:
        raise SettingError(fault)
    return access
