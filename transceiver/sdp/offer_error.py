"""Why an offer cannot be answered."""

import enum


class OfferFault(enum.Enum):
    """The value is the API's error code."""

    TOO_LARGE = "sdp_too_large"
    MALFORMED = "invalid_sdp"
    NO_AUDIO = "sdp_without_audio"
    NO_CODEC = "sdp_without_codec"
    NO_RTCP_MUX = "sdp_without_rtcp_mux"
    NO_ICE_CREDENTIALS = "sdp_without_ice_credentials"
    ICE_LITE = "sdp_with_ice_lite"
    NO_FINGERPRINT = "sdp_without_fingerprint"
    NO_SETUP = "sdp_without_setup"
    NO_KEYS = "sdp_without_keys"
    NO_ADDRESS = "sdp_without_address"
    SECTIONS_CHANGED = "sdp_sections_changed"
    TRANSPORT_CHANGED = "sdp_transport_changed"
    FORMAT_CHANGED = "sdp_format_changed"


class OfferError(ValueError):
    """An offer that cannot be answered, as the fields of an API error."""

    param = "sdp"

    def __init__(self, fault: OfferFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message

    @property
    def code(self) -> str:
        return self.fault.value
