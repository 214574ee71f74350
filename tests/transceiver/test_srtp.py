import struct

import pytest

from transceiver.srtp import (
    MAX_SOURCES,
    SrtpError,
    SrtpFault,
    SrtpKeys,
    SrtpProfile,
    SrtpReceiver,
    SrtpSender,
)


def pair(profile: SrtpProfile) -> tuple[SrtpSender, SrtpReceiver]:
    length = profile.key_length + profile.salt_length
    forth, back = bytes(range(length)), bytes(range(100, 100 + length))
    return SrtpSender(SrtpKeys(profile, forth, back)), SrtpReceiver(SrtpKeys(profile, back, forth))


def rtp(sequence: int, ssrc: int = 1) -> bytes:
    return struct.pack(">BBHII", 0x80, 111, sequence, sequence * 960, ssrc) + b"opus"


def rtcp(ssrc: int = 1) -> bytes:
    return struct.pack(">BBHI", 0x80, 201, 1, ssrc)


@pytest.mark.parametrize("profile", SrtpProfile)
def test_what_is_protected_is_unreadable_and_comes_back(profile: SrtpProfile) -> None:
    sender, receiver = pair(profile)
    protected = sender.protect(rtp(7))
    assert b"opus" not in protected
    assert receiver.unprotect(protected) == rtp(7)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()


def test_a_replayed_packet_is_refused() -> None:
    sender, receiver = pair(SrtpProfile.AEAD_AES_128_GCM)
    protected = sender.protect(rtp(7))
    receiver.unprotect(protected)
    with pytest.raises(SrtpError) as caught:
        receiver.unprotect(protected)
    assert caught.value.fault is SrtpFault.REPLAY


@pytest.mark.parametrize("profile", SrtpProfile)
def test_a_tampered_packet_is_refused(profile: SrtpProfile) -> None:
    sender, receiver = pair(profile)
    for protected, unprotect in [
        (sender.protect(rtp(7)), receiver.unprotect),
        (sender.protect_rtcp(rtcp()), receiver.unprotect_rtcp),
    ]:
        tampered = protected[:-6] + bytes([protected[-6] ^ 1]) + protected[-5:]
        with pytest.raises(SrtpError) as caught:
            unprotect(tampered)
        assert caught.value.fault is SrtpFault.AUTHENTICATION


@pytest.mark.parametrize("size", [0, 3, 12, 20, 1500, 4000])
def test_bytes_that_are_not_srtp_raise_only_the_documented_error(size: int) -> None:
    _, receiver = pair(SrtpProfile.AES128_CM_SHA1_80)
    for unprotect in receiver.unprotect, receiver.unprotect_rtcp:
        with pytest.raises(SrtpError):
            unprotect(b"\x80" * size)


def test_the_number_of_sources_is_bounded_and_known_ones_go_on() -> None:
    sender, receiver = pair(SrtpProfile.AEAD_AES_128_GCM)
    for ssrc in range(1, MAX_SOURCES + 1):
        receiver.unprotect(sender.protect(rtp(1, ssrc)))
    with pytest.raises(SrtpError) as caught:
        receiver.unprotect(sender.protect(rtp(1, 99)))
    assert caught.value.fault is SrtpFault.TOO_MANY_SOURCES
    receiver.unprotect(sender.protect(rtp(2, 1)))


@pytest.mark.parametrize("profile", SrtpProfile)
def test_late_packets_are_told_from_the_newest(profile: SrtpProfile) -> None:
    sender, receiver = pair(profile)
    media = [sender.protect(rtp(sequence % 2**16)) for sequence in range(65534, 65540)]
    newest = []
    for index in (0, 2, 1, 5, 3, 4):
        receiver.unprotect(media[index])
        newest.append(receiver.newest)
    assert newest == [True, True, False, True, False, False]


@pytest.mark.parametrize("profile", SrtpProfile)
def test_late_reports_are_told_from_the_newest(profile: SrtpProfile) -> None:
    sender, receiver = pair(profile)
    reports = [sender.protect_rtcp(rtcp()) for _ in range(4)]
    newest = []
    for index in (1, 0, 3, 2):
        receiver.unprotect_rtcp(reports[index])
        newest.append(receiver.newest)
    assert newest == [True, False, True, False]


def test_each_source_has_a_newest_packet_of_its_own() -> None:
    sender, receiver = pair(SrtpProfile.AEAD_AES_128_GCM)
    receiver.unprotect(sender.protect(rtp(100, ssrc=1)))
    receiver.unprotect(sender.protect(rtp(5, ssrc=2)))
    assert receiver.newest


def test_keys_do_not_print_themselves() -> None:
    assert "secret" not in repr(SrtpKeys(SrtpProfile.AEAD_AES_128_GCM, b"secret", b"secret"))
