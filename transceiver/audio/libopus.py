"""The libopus in use, its requests and its buffers.

Every codec of a process writes into the same two buffers: not for use from several threads.
"""

import ctypes
import importlib.util
import re
import sys
from functools import lru_cache
from pathlib import Path

from antiphon_proto.audio_block import BYTES_PER_SAMPLE
from transceiver.audio.codec import AudioCodecError

OLDEST_VERSION = (1, 5)

# https://gitlab.xiph.org/xiph/opus/-/blob/main/include/opus_defines.h
OK = 0
APPLICATION_VOIP = 2048
SIGNAL_VOICE, SIGNAL_MUSIC = 3001, 3002
NARROWBAND, MEDIUMBAND, WIDEBAND, SUPERWIDEBAND, FULLBAND = 1101, 1102, 1103, 1104, 1105
SET_BITRATE = 4002
SET_MAX_BANDWIDTH = 4004
SET_VBR = 4006
SET_COMPLEXITY = 4010
SET_INBAND_FEC = 4012
SET_PACKET_LOSS_PERC = 4014
SET_SIGNAL = 4024
RESET_STATE = 4028

MAX_PACKET_BYTES = 1275
MAX_PACKET_SECONDS = 0.12
MAX_SAMPLES = int(48000 * MAX_PACKET_SECONDS)

pcm_buffer = ctypes.create_string_buffer(MAX_SAMPLES * BYTES_PER_SAMPLE)
packet_buffer = ctypes.create_string_buffer(MAX_PACKET_BYTES)
pcm_view = memoryview(pcm_buffer)
packet_view = memoryview(packet_buffer)


class LibraryNotFoundError(OSError):
    """There is no libopus that is new enough."""


class OpusError(AudioCodecError):
    """Not an Opus packet, or not a frame that Opus can code."""


def checked(result: int) -> int:
    """What a function returned. Raises OpusError when that is an error."""
    if result < OK:
        raise OpusError(f"libopus error {result}")
    return result


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL:
    """libopus: the system's if it is new enough, else the one in PyAV's wheel.

    Its functions take states, buffers, bytes and ints, which ctypes passes on rightly without
    being told their types; told, it takes up to a microsecond a call longer.
    Raises LibraryNotFoundError; call it at start-up to fail early.
    """
    for name in ("libopus.so.0", "libopus.so", "libopus.0.dylib", *_in_pyav()):
        try:
            candidate = ctypes.CDLL(name)
        except OSError:
            continue
        if _version(candidate) >= OLDEST_VERSION:
            return candidate
    oldest = ".".join(map(str, OLDEST_VERSION))
    raise LibraryNotFoundError(
        f"libopus {oldest} or newer was found neither on the system nor in PyAV "
        "(pip install av, or your system's package of libopus)"
    )


def _in_pyav() -> list[str]:
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        return []
    package = Path(spec.origin).parent
    folder = package / ".dylibs" if sys.platform == "darwin" else package.parent / "av.libs"
    return sorted(str(path) for path in folder.glob("libopus*"))


def _version(candidate: ctypes.CDLL) -> tuple[int, ...]:
    """As `opus_get_version_string` writes it: "libopus 1.6.1", with any suffix."""
    candidate.opus_get_version_string.restype = ctypes.c_char_p
    found = re.search(rb"(\d+)\.(\d+)", candidate.opus_get_version_string())
    return tuple(map(int, found.groups())) if found else ()
