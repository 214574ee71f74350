package main

import (
	"encoding/json"
	"log"
	"os"
	"sync"
	"time"
)

// What a line on standard output tells besides `kind` and `at`, the seconds since the start:
//
//	offer             sdp
//	answer            sdp, resource: the call's URL
//	ice, dtls, data   state: of the transport, of the data channel
//	event             event: a server event
//	rtp               payload_type, sequence, timestamp, marker, payload (base64): a packet came
//	sent, dropped     transport_sequence: of a packet; null when it has none
//	spoken            nothing: all of a speech was sent
//	feedback          received, missing: transport-wide sequence numbers
//	reception         lost: packets in all, of a reception report
type fields map[string]any

var (
	started = time.Now()
	output  = json.NewEncoder(os.Stdout)
	writing sync.Mutex
)

func tell(kind string, told fields) {
	told["kind"], told["at"] = kind, time.Since(started).Seconds()
	writing.Lock()
	defer writing.Unlock()
	if err := output.Encode(told); err != nil {
		log.Fatal(err)
	}
}
