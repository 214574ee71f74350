"""Calls by SIP: how they ring, are taken and made, over what `transceiver.sip` signals."""
