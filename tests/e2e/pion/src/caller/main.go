// Places calls on the Realtime API with Pion, a WebRTC stack that shares no code with libwebrtc,
// aiortc or OpenSSL.
//
// It takes commands as JSON lines on its standard input, and ends the call where that ends. What
// happens to the call it tells as JSON lines on its standard output; see report.go.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
)

// What a line on standard input asks for; exactly one field is set.
type command struct {
	Speak *speech         `json:"speak"`
	Send  json.RawMessage `json:"send"` // a client event
	// Restart replaces the ICE credentials, and with them the transport's addresses.
	Restart bool `json:"restart"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("caller: ")
	settings := settingsFromFlags()
	call, err := newCall(settings)
	if err != nil {
		log.Fatal(err)
	}
	if err := call.place(); err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if err := obey(call, lines.Bytes()); err != nil {
			log.Fatal(err)
		}
	}
	call.close()
}

func obey(call *call, line []byte) error {
	var asked command
	if err := json.Unmarshal(line, &asked); err != nil {
		return fmt.Errorf("not a command: %w", err)
	}
	switch {
	case asked.Speak != nil:
		go call.speak(*asked.Speak)
	case asked.Send != nil:
		return call.events.SendText(string(asked.Send))
	case asked.Restart:
		return call.restart()
	}
	return nil
}

// What the call offers, and to whom.
type settings struct {
	url, key, session string
	codec             string
	setup             string
	srtp              string
	transportFeedback bool
	dataFirst         bool
	drop              float64
	seed              int64
}

func settingsFromFlags() settings {
	var s settings
	flag.StringVar(&s.url, "url", "", "of the deployment")
	flag.StringVar(&s.key, "key", "", "the API key")
	flag.StringVar(&s.session, "session", `{"type": "realtime"}`, "the session's configuration, JSON")
	flag.StringVar(&s.codec, "codec", "opus", "the only one offered: opus, PCMU or PCMA")
	flag.StringVar(&s.setup, "setup", "actpass", "the DTLS role offered: actpass, active or passive")
	flag.StringVar(&s.srtp, "srtp", "", "the only SRTP profile: gcm or sha1; both by default")
	flag.BoolVar(&s.transportFeedback, "transport-feedback", false, "ask for transport-wide feedback")
	flag.BoolVar(&s.dataFirst, "data-first", false, "put the data channel before the audio")
	flag.Float64Var(&s.drop, "drop", 0, "the share of RTP packets to lose on the way out")
	flag.Int64Var(&s.seed, "seed", 1, "which packets are lost")
	flag.Parse()
	return s
}
