package main

import (
	"fmt"
	"net"

	"github.com/pion/dtls/v2"
	"github.com/pion/ice/v2"
	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v3"
)

var codecs = []webrtc.RTPCodecParameters{
	codec(webrtc.MimeTypeOpus, 111, 48000, 2, "minptime=10;useinbandfec=1"),
	codec(webrtc.MimeTypePCMU, 0, 8000, 0, ""),
	codec(webrtc.MimeTypePCMA, 8, 8000, 0, ""),
}

var srtpProfiles = map[string][]dtls.SRTPProtectionProfile{
	"":     {dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80},
	"gcm":  {dtls.SRTP_AEAD_AES_128_GCM},
	"sha1": {dtls.SRTP_AES128_CM_HMAC_SHA1_80},
}

func codec(
	mimeType string, payloadType webrtc.PayloadType, rate uint32, channels uint16, format string,
) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{
		PayloadType: payloadType,
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mimeType, ClockRate: rate, Channels: channels, SDPFmtpLine: format,
		},
	}
}

func codecNamed(name string) (webrtc.RTPCodecParameters, error) {
	for _, known := range codecs {
		if known.MimeType == "audio/"+name {
			return known, nil
		}
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("no codec %q", name)
}

// Pion with one codec and the parts that the settings ask for, on loopback.
func newAPI(settings settings, codec webrtc.RTPCodecParameters) (*webrtc.API, error) {
	media := new(webrtc.MediaEngine)
	if err := media.RegisterCodec(codec, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	parts := new(interceptor.Registry)
	// The first is nearest to the network: what it loses has been numbered, and is in reports.
	parts.Add(&lossFactory{share: settings.drop, seed: settings.seed})
	if err := webrtc.ConfigureRTCPReports(parts); err != nil {
		return nil, err
	}
	if settings.transportFeedback {
		if err := webrtc.ConfigureTWCCHeaderExtensionSender(media, parts); err != nil {
			return nil, err
		}
		media.RegisterFeedback(
			webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, webrtc.RTPCodecTypeAudio)
	}
	engine, err := loopbackEngine(settings)
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(parts),
		webrtc.WithSettingEngine(engine),
	), nil
}

func loopbackEngine(settings settings) (engine webrtc.SettingEngine, err error) {
	profiles, known := srtpProfiles[settings.srtp]
	if !known {
		return engine, fmt.Errorf("no SRTP profile %q", settings.srtp)
	}
	engine.SetSRTPProtectionProfiles(profiles...)
	engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetIPFilter(net.IP.IsLoopback)
	engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return engine, nil
}

// The id under which packets carry their transport-wide sequence number; 0 when they do not.
func transportSequenceID(stream *interceptor.StreamInfo) uint8 {
	for _, extension := range stream.RTPHeaderExtensions {
		if extension.URI == sdp.TransportCCURI {
			return uint8(extension.ID)
		}
	}
	return 0
}
