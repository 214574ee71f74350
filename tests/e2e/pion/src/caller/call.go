package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/pion/webrtc/v3"
)

// A call: audio both ways, and a data channel for events.
type call struct {
	settings settings
	peer     *webrtc.PeerConnection
	track    *webrtc.TrackLocalStaticSample
	events   *webrtc.DataChannel
	resource string // the call's URL, once it is placed
}

func newCall(settings settings) (*call, error) {
	codec, err := codecNamed(settings.codec)
	if err != nil {
		return nil, err
	}
	api, err := newAPI(settings, codec)
	if err != nil {
		return nil, err
	}
	peer, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	track, err := webrtc.NewTrackLocalStaticSample(codec.RTPCodecCapability, "audio", "caller")
	if err != nil {
		return nil, err
	}
	sender, err := peer.AddTrack(track)
	if err != nil {
		return nil, err
	}
	events, err := peer.CreateDataChannel("oai-events", nil)
	if err != nil {
		return nil, err
	}
	made := &call{settings: settings, peer: peer, track: track, events: events}
	made.observe(sender)
	return made, nil
}

// Have everything that happens to the call told.
func (c *call) observe(sender *webrtc.RTPSender) {
	c.peer.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		tell("ice", fields{"state": state.String()})
	})
	sender.Transport().OnStateChange(func(state webrtc.DTLSTransportState) {
		tell("dtls", fields{"state": state.String()})
	})
	c.events.OnOpen(func() { tell("data", fields{"state": "open"}) })
	c.events.OnClose(func() { tell("data", fields{"state": "closed"}) })
	c.events.OnMessage(func(message webrtc.DataChannelMessage) {
		tell("event", fields{"event": json.RawMessage(message.Data)})
	})
	c.peer.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { hear(track) })
	go readControl(sender)
}

// Place the call: exchange SDP, and let the transport come up.
func (c *call) place() error {
	return c.negotiate(nil, func(offer string) (*http.Request, error) {
		form := new(bytes.Buffer)
		writer := multipart.NewWriter(form)
		for name, value := range map[string]string{"sdp": offer, "session": c.settings.session} {
			if err := writer.WriteField(name, value); err != nil {
				return nil, err
			}
		}
		if err := writer.Close(); err != nil {
			return nil, err
		}
		return c.request(c.settings.url+"/v1/realtime/calls", writer.FormDataContentType(), form)
	})
}

// Offer again, with new ICE credentials and from a new port.
func (c *call) restart() error {
	return c.negotiate(&webrtc.OfferOptions{ICERestart: true}, func(offer string) (*http.Request, error) {
		return c.request(c.resource, "application/sdp", strings.NewReader(offer))
	})
}

// Hang up. That fails where the server has done so before, which is no fault.
func (c *call) close() {
	_ = c.peer.Close()
}

func (c *call) negotiate(options *webrtc.OfferOptions, request func(string) (*http.Request, error)) error {
	offer, err := c.peer.CreateOffer(options)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(c.peer)
	if err := c.peer.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	offered, err := c.offered()
	if err != nil {
		return err
	}
	tell("offer", fields{"sdp": offered})
	post, err := request(offered)
	if err != nil {
		return err
	}
	answer, err := c.exchange(post)
	if err != nil {
		return err
	}
	tell("answer", fields{"sdp": answer, "resource": c.resource})
	return c.peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// The offer as the settings want it where Pion itself has no say.
func (c *call) offered() (string, error) {
	local := c.peer.LocalDescription()
	if c.settings.dataFirst {
		parsed, err := local.Unmarshal()
		if err != nil {
			return "", err
		}
		sections := parsed.MediaDescriptions
		sections[0], sections[1] = sections[1], sections[0]
		swapped, err := parsed.Marshal()
		if err != nil {
			return "", err
		}
		local.SDP = string(swapped)
	}
	return strings.ReplaceAll(local.SDP, "a=setup:actpass", "a=setup:"+c.settings.setup), nil
}

func (c *call) request(url, contentType string, body io.Reader) (*http.Request, error) {
	post, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		return nil, err
	}
	post.Header.Set("Authorization", "Bearer "+c.settings.key)
	post.Header.Set("Content-Type", contentType)
	return post, nil
}

func (c *call) exchange(post *http.Request) (answer string, err error) {
	response, err := http.DefaultClient.Do(post)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode/100 != 2 {
		return "", fmt.Errorf("%s: %s", response.Status, body)
	}
	if location := response.Header.Get("Location"); location != "" {
		c.resource = c.settings.url + location
	}
	return string(body), nil
}
