package main

import (
	"encoding/binary"
	"errors"
	"io"
	"log"
	"os"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
)

// Encoded audio to send at its own pace.
type speech struct {
	File    string `json:"file"`     // packets, each after its length in two bytes, big endian
	FrameMs int    `json:"frame_ms"` // of every packet
}

func (c *call) speak(speech speech) {
	packets, err := readPackets(speech.File)
	if err != nil {
		log.Fatal(err)
	}
	frame := time.Duration(speech.FrameMs) * time.Millisecond
	pace := time.NewTicker(frame)
	defer pace.Stop()
	for _, packet := range packets {
		<-pace.C
		if err := c.track.WriteSample(media.Sample{Data: packet, Duration: frame}); err != nil {
			return // the call is over
		}
	}
	tell("spoken", fields{})
}

func readPackets(path string) (packets [][]byte, err error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for len(file) > 0 {
		if len(file) < 2 || len(file)-2 < int(binary.BigEndian.Uint16(file)) {
			return nil, errors.New("the speech ends within a packet")
		}
		end := 2 + int(binary.BigEndian.Uint16(file))
		packets, file = append(packets, file[2:end]), file[end:]
	}
	return packets, nil
}

// Tell every packet of the agent's voice.
func hear(track *webrtc.TrackRemote) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return // the call is over
		}
		tell("rtp", fields{
			"payload_type": packet.PayloadType,
			"sequence":     packet.SequenceNumber,
			"timestamp":    packet.Timestamp,
			"marker":       packet.Marker,
			"payload":      packet.Payload,
		})
	}
}

// Tell what the other side reports of the packets sent to it.
func readControl(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return // the call is over
		}
		if err != nil {
			log.Fatalf("RTCP that Pion cannot read: %v", err)
		}
		for _, packet := range packets {
			switch packet := packet.(type) {
			case *rtcp.TransportLayerCC:
				tell("feedback", feedback(packet))
			case *rtcp.ReceiverReport:
				tellReceptions(packet.Reports)
			case *rtcp.SenderReport:
				tellReceptions(packet.Reports)
			}
		}
	}
}

func tellReceptions(reports []rtcp.ReceptionReport) {
	for _, reception := range reports {
		tell("reception", fields{"lost": reception.TotalLost})
	}
}

// The sequence numbers that a transport-wide feedback packet is about.
func feedback(packet *rtcp.TransportLayerCC) fields {
	received, missing := []uint16{}, []uint16{}
	next, left := packet.BaseSequenceNumber, packet.PacketStatusCount
	for _, chunk := range packet.PacketChunks {
		for _, symbol := range symbols(chunk) {
			if left == 0 {
				break // the last chunk may be longer than the count
			}
			if symbol == rtcp.TypeTCCPacketNotReceived {
				missing = append(missing, next)
			} else {
				received = append(received, next)
			}
			next, left = next+1, left-1
		}
	}
	return fields{"received": received, "missing": missing}
}

func symbols(chunk rtcp.PacketStatusChunk) []uint16 {
	switch chunk := chunk.(type) {
	case *rtcp.RunLengthChunk:
		run := make([]uint16, chunk.RunLength)
		for at := range run {
			run[at] = chunk.PacketStatusSymbol
		}
		return run
	case *rtcp.StatusVectorChunk:
		return chunk.SymbolList
	}
	return nil
}
