// A relay of the published design ("How OpenAI delivers low-latency voice AI at scale",
// May 2026), in the language it was described in: SO_REUSEPORT sockets, a goroutine locked to
// its thread for each direction, preallocated buffers, one datagram a call, and a flow that
// follows the owner that a STUN check's ufrag names.
//
// It speaks Antiphon's wire format, so that it runs under the same load. It does less than
// Antiphon's relay: it verifies neither a check's integrity nor a tunnel's tag, and forgets no
// flow. Standard library only.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

const (
	tunnelHeader = 20
	frameHeader  = 10 // length, type, family, port, IPv4 host
	headroom     = tunnelHeader + frameHeader
	packetBytes  = 2048
	bufferBytes  = 4 << 20
	familyIPv4   = 4
	typeData     = 0
	soReusePort  = 15

	ufragLength   = 23
	stunHeader    = 20
	stunCookie    = 0x2112A442
	stunRequest   = 0x0001
	stunUsername  = 0x0006
	expectedFlows = 1 << 14
)

// An owner of calls, and how every tunnel datagram to it starts.
type owner struct {
	address netip.AddrPort
	header  [tunnelHeader]byte
}

type owners map[netip.AddrPort]*owner

func (o owners) String() string { return fmt.Sprint(len(o), " owners") }

// Set reads "HOST:PORT=HEADER IN HEXADECIMAL".
func (o owners) Set(text string) error {
	name, header, _ := strings.Cut(text, "=")
	address, err := netip.ParseAddrPort(name)
	if err != nil {
		return err
	}
	bytes, err := hex.DecodeString(header)
	if err != nil || len(bytes) != tunnelHeader {
		return fmt.Errorf("a header is %d bytes in hexadecimal", tunnelHeader)
	}
	known := &owner{address: address}
	copy(known.header[:], bytes)
	o[address] = known
	return nil
}

type relay struct {
	ufrags     cipher.Block
	owners     owners
	lockThread bool
}

// Sends what clients send to their owners, each packet with its client's address.
func (r *relay) up(public, tunnel *net.UDPConn) {
	if r.lockThread {
		runtime.LockOSThread()
	}
	buffer := make([]byte, headroom+packetBytes)
	flows := make(map[netip.AddrPort]*owner, expectedFlows)
	for {
		size, client, err := public.ReadFromUDPAddrPort(buffer[headroom:])
		if err != nil || size == 0 {
			continue
		}
		packet := buffer[headroom : headroom+size]
		to := r.route(flows, client, packet)
		if to == nil {
			continue
		}
		copy(buffer, to.header[:])
		binary.BigEndian.PutUint16(buffer[20:], uint16(size))
		buffer[22], buffer[23] = typeData, familyIPv4
		binary.BigEndian.PutUint16(buffer[24:], client.Port())
		host := client.Addr().Unmap().As4()
		copy(buffer[26:], host[:])
		tunnel.WriteToUDPAddrPort(buffer[:headroom+size], to.address)
	}
}

// The owner of a packet; a STUN check makes the flow of its source address follow its ufrag.
func (r *relay) route(flows map[netip.AddrPort]*owner, client netip.AddrPort, packet []byte) *owner {
	// https://datatracker.ietf.org/doc/html/rfc7983#section-7
	switch first := packet[0]; {
	case first < 4:
		if to := r.ownerOfCheck(packet); to != nil {
			flows[client] = to
			return to
		}
		return flows[client]
	case first >= 20 && first < 64, first >= 128 && first < 192:
		return flows[client]
	}
	return nil
}

func (r *relay) ownerOfCheck(packet []byte) *owner {
	if len(packet) < stunHeader || len(packet)%4 != 0 ||
		binary.BigEndian.Uint16(packet) != stunRequest ||
		int(binary.BigEndian.Uint16(packet[2:]))+stunHeader != len(packet) ||
		binary.BigEndian.Uint32(packet[4:]) != stunCookie {
		return nil
	}
	for at := stunHeader; at+4 <= len(packet); {
		kind := binary.BigEndian.Uint16(packet[at:])
		size := int(binary.BigEndian.Uint16(packet[at+2:]))
		if at+4+size > len(packet) {
			return nil
		}
		if kind == stunUsername {
			return r.ownerOfUfrag(packet[at+4 : at+4+size])
		}
		at += 4 + (size+3)&^3
	}
	return nil
}

// docs/wire/ufrag.md, layout ipv4.
func (r *relay) ownerOfUfrag(username []byte) *owner {
	if len(username) <= ufragLength || username[ufragLength] != ':' {
		return nil
	}
	var block [aes.BlockSize]byte
	if _, err := base64.RawStdEncoding.Decode(block[:], username[1:ufragLength]); err != nil {
		return nil
	}
	r.ufrags.Decrypt(block[:], block[:])
	if block[14] != 0 || block[15] != 0 {
		return nil
	}
	host := netip.AddrFrom4([4]byte{block[0], block[1], block[2], block[3]})
	return r.owners[netip.AddrPortFrom(host, binary.BigEndian.Uint16(block[4:]))]
}

// Sends what owners send to the clients that each frame names.
func (r *relay) down(public, tunnel *net.UDPConn) {
	if r.lockThread {
		runtime.LockOSThread()
	}
	buffer := make([]byte, 1<<16)
	for {
		size, _, err := tunnel.ReadFromUDPAddrPort(buffer)
		if err != nil || size < tunnelHeader || buffer[0] != 0x10 {
			continue
		}
		for at := tunnelHeader; at+frameHeader <= size; {
			frame := buffer[at:size]
			end := frameHeader + int(binary.BigEndian.Uint16(frame))
			if frame[2] != typeData || frame[3] != familyIPv4 || end > len(frame) {
				break
			}
			host := netip.AddrFrom4([4]byte{frame[6], frame[7], frame[8], frame[9]})
			client := netip.AddrPortFrom(host, binary.BigEndian.Uint16(frame[4:]))
			public.WriteToUDPAddrPort(frame[frameHeader:end], client)
			at += end
		}
	}
}

func listen(address string) *net.UDPConn {
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort, 1)
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, bufferBytes)
			syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, bufferBytes)
		})
	}}
	connection, err := config.ListenPacket(context.Background(), "udp4", address)
	if err != nil {
		log.Fatal(err)
	}
	return connection.(*net.UDPConn)
}

func main() {
	relay := relay{owners: owners{}}
	public := flag.String("public", "127.0.0.1:0", "address that clients send to")
	tunnel := flag.String("tunnel", "127.0.0.1:0", "address that owners send to")
	workers := flag.Int("workers", 1, "pairs of sockets, two threads each")
	key := flag.String("ufrag-key", "", "AES-128 key of the ufrags, in hexadecimal")
	readyFd := flag.Uint("ready-fd", 1, "pipe on which to report readiness")
	flag.BoolVar(&relay.lockThread, "lock-threads", true, "lock each goroutine to a thread")
	flag.Var(relay.owners, "owner", "HOST:PORT=HEADER, for each owner")
	flag.Parse()

	bytes, err := hex.DecodeString(*key)
	if err != nil {
		log.Fatal(err)
	}
	if relay.ufrags, err = aes.NewCipher(bytes); err != nil {
		log.Fatal(err)
	}
	ready := struct {
		Public  string   `json:"public"`
		Tunnels []string `json:"tunnels"`
	}{Public: *public}
	for worker := 0; worker < *workers; worker++ {
		p, t := listen(ready.Public), listen(*tunnel)
		ready.Public = p.LocalAddr().String()
		ready.Tunnels = append(ready.Tunnels, t.LocalAddr().String())
		go relay.up(p, t)
		go relay.down(p, t)
	}
	pipe := os.NewFile(uintptr(*readyFd), "ready")
	json.NewEncoder(pipe).Encode(ready)
	pipe.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
