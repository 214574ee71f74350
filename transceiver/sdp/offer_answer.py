"""The offers and answers of one SIP session, either way: https://www.rfc-editor.org/rfc/rfc3264

What a later one may change: the direction, where the peer is, its ICE credentials, its keys, and
the codec, which stays as long as the peer has it. What may not: from protected to plain.
"""

from dataclasses import replace

from antiphon_proto.address import Address
from transceiver.ice import IceCredentials
from transceiver.sdp.agreed_media import AgreedDtls, AgreedIce, AgreedMedia, MediaSecurity
from transceiver.sdp.crypto_attribute import Crypto
from transceiver.sdp.direction import Direction
from transceiver.sdp.local_description import LocalDescription
from transceiver.sdp.media_address import check_reachable
from transceiver.sdp.offer_error import OfferError, OfferFault
from transceiver.sdp.own_offers import (
    LocalMedia,
    OfferedMedia,
    first_offer,
    later_offer,
    new_crypto,
)
from transceiver.sdp.remote_media import RemoteIce, RemoteMedia, read_media
from transceiver.srtp import SrtpKeys

MAX_LITE_CANDIDATES = 4
"""Of an ICE-lite peer, to each of which checks are sent that nobody asked for."""


class OfferAnswer:
    """A session's negotiation; nothing of what was agreed changes when a step fails."""

    def __init__(self, local: LocalMedia, offered: OfferedMedia | None = None) -> None:
        self._local = local
        self._offered = OfferedMedia() if offered is None else offered
        self._session_id = int.from_bytes(local.random_bytes(8), "big") >> 2
        self._said: LocalDescription | None = None
        """In the latest offer or answer."""
        self._version = 0
        self._agreed: AgreedMedia | None = None
        self._theirs: RemoteMedia | None = None
        """That `_agreed` came of."""
        self._pending: LocalDescription | None = None
        """Our offer that waits for its answer."""
        self._minted: dict[IceCredentials, IceCredentials] = {}
        """Ours for the peer's, the latest last."""

    @property
    def agreed(self) -> AgreedMedia | None:
        """The latest agreement; None before the first."""
        return self._agreed

    def answer(self, offer: str) -> str:
        """The answer to an offer of the peer, the first or a later one. Raises OfferError."""
        codec = None if self._agreed is None else self._agreed.format.codec
        theirs = read_media(offer, codec=codec, ice=self._local.ice)
        self._check(theirs)
        ice = self._answered_ice(theirs)
        crypto = self._answered_crypto(theirs)
        dtls = self._answered_dtls(theirs)
        keys = _keys(crypto, theirs.cryptos[0]) if crypto else None
        agreed = _agreement(theirs, ice=ice, keys=keys, dtls=dtls)
        said = LocalDescription(
            address=self._local.address,
            sections=theirs.sections,
            audio=theirs.audio,
            formats=(agreed.format,),
            direction=agreed.direction,
            bundled=bool(theirs.bundle),
            multiplexed=theirs.multiplexed,
            ice=ice.local if ice else None,
            ice_mismatch=theirs.ice is not None and theirs.ice.mismatch,
            cryptos=(crypto,) if crypto else (),
            fingerprint=self._local.fingerprint if dtls else None,
            setup=("active" if dtls.client else "passive") if dtls else "",
            extensions=theirs.extensions,
        )
        self._pending = None
        self._conclude(agreed, theirs)
        return self._say(said)

    def offer(self) -> str:
        """An offer of ours: of what is agreed, or else of all that `OfferedMedia` says."""
        agreed, theirs = self._agreed, self._theirs
        if agreed is None or theirs is None:
            self._pending = self._pending or first_offer(self._local, self._offered)
        else:
            self._pending = later_offer(self._local, self._offered, agreed, theirs)
        return self._say(self._pending)

    def accept(self, answer: str) -> None:
        """The peer's answer to the latest `offer`; the same one again does nothing.

        Raises OfferError.
        """
        offered = self._pending
        if offered is None:
            raise OfferError(OfferFault.MALFORMED, "an answer came, and there was no offer")
        theirs = read_media(answer, answer=True, ice=offered.ice is not None)
        if theirs == self._theirs:
            return
        self._check(theirs)
        if len(theirs.sections) != len(offered.sections) or theirs.audio != offered.audio:
            raise OfferError(OfferFault.SECTIONS_CHANGED, "the answer has other m= lines")
        if theirs.format.codec not in [each.codec for each in offered.formats]:
            raise OfferError(OfferFault.FORMAT_CHANGED, "the answer has a codec of its own")
        agreed = _agreement(
            theirs,
            ice=self._accepted_ice(offered, theirs),
            keys=_accepted_keys(offered.cryptos, theirs.cryptos),
            dtls=self._accepted_dtls(offered, theirs),
        )
        self._conclude(replace(agreed, codecs_open=len(theirs.codecs) > 1), theirs)

    def _conclude(self, agreed: AgreedMedia, theirs: RemoteMedia) -> None:
        if agreed != self._agreed:
            self._agreed = agreed
        self._theirs = theirs

    def _say(self, said: LocalDescription) -> str:
        """https://www.rfc-editor.org/rfc/rfc3264#section-8: a version a change."""
        if said != self._said:
            self._said = said
            self._version += 1
        return said.text(self._session_id, self._version)

    def _check(self, theirs: RemoteMedia) -> None:
        before = self._agreed
        if before is not None and before.security.encrypted and not theirs.security.encrypted:
            reason = "what was protected stays so; the call goes on as it was"
            raise OfferError(OfferFault.TRANSPORT_CHANGED, reason)
        for address in (theirs.address, theirs.rtcp):
            if address is not None:
                check_reachable(address, self._local.address)

    # ---- our side of an answer -------------------------------------------------

    def _answered_ice(self, theirs: RemoteMedia) -> AgreedIce | None:
        ice = theirs.ice
        if ice is None or ice.mismatch:
            return None
        local = self._minted.get(ice.credentials) or self._local.mint()
        # What a peer takes back, an ICE restart, it may offer once more.
        latest = list(self._minted.items())[-1:]
        self._minted = dict([*latest, (ice.credentials, local)])
        return self._agreed_ice(local, ice, controlling=ice.lite)

    def _agreed_ice(self, local: IceCredentials, ice: RemoteIce, *, controlling: bool) -> AgreedIce:
        """Roles last: https://www.rfc-editor.org/rfc/rfc8445#section-6.1.1"""
        before = self._agreed and self._agreed.ice
        role = before.controlling if before else controlling
        return AgreedIce(local, ice.credentials, role, self._lite_candidates(ice))

    def _lite_candidates(self, ice: RemoteIce) -> tuple[Address, ...]:
        """Those that a check of ours may be sent to; other peers send theirs to us."""
        if not ice.lite:
            return ()
        return tuple(filter(self._is_reachable, ice.candidates))[:MAX_LITE_CANDIDATES]

    def _is_reachable(self, address: Address) -> bool:
        try:
            check_reachable(address, self._local.address)
        except OfferError:
            return False
        return True

    def _answered_crypto(self, theirs: RemoteMedia) -> Crypto | None:
        """Ours, for the first of theirs. It stays while theirs does: behind another key there
        may be another phone, which cannot know how far ours has counted."""
        if theirs.security is not MediaSecurity.SDES:
            return None
        wanted, before = theirs.cryptos[0], self._agreed and self._agreed.keys
        if before and (before.profile, before.receive) == (wanted.profile, wanted.key):
            return Crypto(wanted.tag, wanted.profile, before.send)
        return new_crypto(self._local, wanted.tag, wanted.profile)

    def _answered_dtls(self, theirs: RemoteMedia) -> AgreedDtls | None:
        """We begin if we may, for the handshake is under way sooner; but where we know not yet
        where the peer is, it has to."""
        if theirs.security is not MediaSecurity.DTLS:
            return None
        client = theirs.setup != "active" and (self._local.ice or theirs.setup == "passive")
        return self._kept_dtls(theirs) or AgreedDtls(theirs.fingerprints, client)

    def _kept_dtls(self, theirs: RemoteMedia) -> AgreedDtls | None:
        """The association that goes on: https://www.rfc-editor.org/rfc/rfc8842#section-4"""
        before = self._agreed and self._agreed.dtls
        if not before or set(before.fingerprints) != set(theirs.fingerprints):
            return None
        role = "passive" if before.client else "active"
        return before if theirs.setup in ("actpass", role) else None

    # ---- the peer's answer --------------------------------------------------------

    def _accepted_ice(self, offered: LocalDescription, theirs: RemoteMedia) -> AgreedIce | None:
        ice = theirs.ice
        if offered.ice is None or ice is None or ice.mismatch:
            return None
        self._minted = {ice.credentials: offered.ice}
        return self._agreed_ice(offered.ice, ice, controlling=True)

    def _accepted_dtls(self, offered: LocalDescription, theirs: RemoteMedia) -> AgreedDtls | None:
        if offered.fingerprint is None:
            return None
        if theirs.security is not MediaSecurity.DTLS:
            raise OfferError(OfferFault.NO_FINGERPRINT, "the answer lacks a=fingerprint")
        client = theirs.setup == "passive"
        return self._kept_dtls(theirs) or AgreedDtls(theirs.fingerprints, client)


def _agreement(
    theirs: RemoteMedia, *, ice: AgreedIce | None, keys: SrtpKeys | None, dtls: AgreedDtls | None
) -> AgreedMedia:
    direction = theirs.direction.mirrored
    if theirs.address is None and ice is None and direction.sends:
        direction = Direction.RECVONLY if direction.receives else Direction.INACTIVE
    return AgreedMedia(
        format=theirs.format,
        direction=direction,
        remote=theirs.address,
        remote_rtcp=theirs.rtcp if theirs.multiplexed or dtls is None else None,
        ice=ice,
        keys=keys,
        dtls=dtls,
        sources=theirs.ssrcs,
        multiplexed=theirs.multiplexed,
    )


def _keys(ours: Crypto, theirs: Crypto) -> SrtpKeys:
    return SrtpKeys(ours.profile, send=ours.key, receive=theirs.key)


def _accepted_keys(offered: tuple[Crypto, ...], theirs: tuple[Crypto, ...]) -> SrtpKeys | None:
    """By the tag: https://www.rfc-editor.org/rfc/rfc4568#section-5.1.3"""
    if not offered:
        return None
    ours = {(each.tag, each.profile): each for each in offered}
    for each in theirs:
        chosen = ours.get((each.tag, each.profile))
        if chosen is not None:
            return _keys(chosen, each)
    raise OfferError(OfferFault.NO_KEYS, "the answer has none of the offered a=crypto")
