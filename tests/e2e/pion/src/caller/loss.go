package main

import (
	"math/rand"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// Loses a share of the packets that are sent, as a network would, and tells which.
type loss struct {
	interceptor.NoOp
	share  float64
	random *rand.Rand
}

type lossFactory struct {
	share float64
	seed  int64
}

func (f *lossFactory) NewInterceptor(string) (interceptor.Interceptor, error) {
	return &loss{share: f.share, random: rand.New(rand.NewSource(f.seed))}, nil
}

func (l *loss) BindLocalStream(stream *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	id := transportSequenceID(stream)
	send := func(header *rtp.Header, payload []byte, attributes interceptor.Attributes) (int, error) {
		about := fields{"transport_sequence": transportSequence(header, id)}
		if l.random.Float64() < l.share {
			tell("dropped", about)
			return len(payload), nil
		}
		tell("sent", about)
		return next.Write(header, payload, attributes)
	}
	return interceptor.RTPWriterFunc(send)
}

func transportSequence(header *rtp.Header, id uint8) *uint16 {
	var extension rtp.TransportCCExtension
	if id == 0 || extension.Unmarshal(header.GetExtension(id)) != nil {
		return nil
	}
	return &extension.TransportSequence
}
