"""How long our packets are: https://www.rfc-editor.org/rfc/rfc7587#section-6.1"""

from transceiver.sdp.description import MediaSection
from transceiver.sdp.payload_formats import number

FRAMES_MS = (10, 20, 40, 60)
"""What we can send."""

DEFAULT_MS = 20


def frame_ms(section: MediaSection, parameters: dict[str, str]) -> int:
    """The longest of ours within what the client asks for, and within its bounds.

    Its bounds are `a=maxptime` and, as clients write them into `a=fmtp`, `maxptime`
    and `minptime`. Where none of ours fits, the nearest.
    """
    longest = number(section.first("maxptime")) or number(parameters.get("maxptime"))
    asked = max(
        number(section.first("ptime")) or DEFAULT_MS, number(parameters.get("minptime")) or 0
    )
    if longest:
        asked = min(asked, longest)
    return max((each for each in FRAMES_MS if each <= asked), default=FRAMES_MS[0])
