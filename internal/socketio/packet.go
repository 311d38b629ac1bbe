// Package socketio is the part of Engine.IO 4 and Socket.IO 5 that a realtime
// session of the Conversation API needs: text packets of the root namespace over
// one websocket, with acknowledgements and pings, for both ends of it. Polling,
// other namespaces, rooms and binary data are left out.
//
// [Parse] and [Append] turn packets from text and to it, [Dial] and [Accept] make
// a [Conn] of a websocket.
package socketio

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// Type is the type of a packet: that of the engine's, and for its messages that
// of the Socket.IO packet inside.
type Type uint8

// The types of packets.
const (
	// TypeIgnored is a packet that is valid and no part of this protocol: one of
	// another namespace, a binary one or an upgrade. It cannot be sent.
	TypeIgnored Type = iota

	TypeOpen  // 0, the engine's handshake
	TypeClose // 1, the engine is closed
	TypePing  // 2
	TypePong  // 3
	TypeNoop  // 6

	TypeConnect      // 40
	TypeDisconnect   // 41
	TypeEvent        // 42
	TypeAck          // 43
	TypeConnectError // 44
)

// prefixes is what packets of each type begin with.
var prefixes = [...]string{
	TypeOpen: "0", TypeClose: "1", TypePing: "2", TypePong: "3", TypeNoop: "6",
	TypeConnect: "40", TypeDisconnect: "41", TypeEvent: "42", TypeAck: "43", TypeConnectError: "44",
}

// Packet is one packet.
type Packet struct {
	Type Type
	// ID is the number of the acknowledgement that an event wants, and that an
	// acknowledgement gives: the digits as they came. An event without one has none.
	ID string
	// Name is the name of an event.
	Name string
	// Data is JSON text: the first argument of an event or acknowledgement, or the
	// payload of an open, connect or connect error packet; nil if there is none.
	//
	// Of a parsed packet it is part of the text that was parsed, and no more is
	// known of it than where it ends. Whoever decodes it finds out whether it is
	// valid, so that one bad event does not cost the connection.
	Data []byte
}

// PacketError says where and why a packet cannot be read. It holds no part of it.
type PacketError struct {
	Offset int    // of the byte that cannot be accepted
	Reason string // one of a fixed set, or that of a [jsonscan.SyntaxError]
}

// Error implements error.
func (e *PacketError) Error() string {
	return "socketio: bad packet: byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

func bad(offset int, reason string) (Packet, error) {
	return Packet{}, &PacketError{Offset: offset, Reason: reason}
}

// Parse reads a packet from the text of a websocket message. The packet's Data is
// part of text. The error is a [*PacketError].
//
// Arguments of an event or acknowledgement after the first are dropped.
func Parse(text []byte) (Packet, error) {
	if len(text) == 0 {
		return bad(0, "it is empty")
	}
	switch text[0] {
	case '0':
		return parsePayload(TypeOpen, text, 1)
	case '1':
		return Packet{Type: TypeClose}, nil
	case '2':
		return Packet{Type: TypePing}, nil
	case '3':
		return Packet{Type: TypePong}, nil
	case '4':
		return parseMessage(text)
	case '5', 'b': // an upgrade, and what long-polling makes of binary data
		return Packet{}, nil
	case '6':
		return Packet{Type: TypeNoop}, nil
	}
	return bad(0, "unknown engine packet type")
}

// parseMessage reads the Socket.IO packet of an engine message.
func parseMessage(text []byte) (Packet, error) {
	if len(text) < 2 {
		return bad(1, "the message is empty")
	}
	kind, i := text[1], 2
	switch {
	case kind == '5' || kind == '6':
		return Packet{}, nil // a binary event or acknowledgement
	case kind < '0' || kind > '4':
		return bad(1, "unknown message type")
	case i < len(text) && text[i] == '/':
		// The root namespace may be written out, though nobody does.
		if i+1 < len(text) && text[i+1] != ',' {
			return Packet{}, nil
		}
		i = min(i+2, len(text))
	}
	switch kind {
	case '0':
		return parsePayload(TypeConnect, text, i)
	case '1':
		if i < len(text) {
			return bad(i, "a disconnect has no payload")
		}
		return Packet{Type: TypeDisconnect}, nil
	case '2':
		return parseEvent(text, i)
	case '3':
		return parseAck(text, i)
	default:
		return parsePayload(TypeConnectError, text, i)
	}
}

// parsePayload reads a packet that is a type and perhaps an object, or the text that
// an old server gives as the reason of a connect error.
func parsePayload(t Type, text []byte, i int) (Packet, error) {
	if i == len(text) {
		return Packet{Type: t}, nil
	}
	start, end, ok := value(text, i)
	if !ok || end != len(text) || text[start] != '{' && text[start] != '"' {
		return bad(i, "the payload is not one object")
	}
	return Packet{Type: t, Data: trimSpace(text[start:end])}, nil
}

func parseEvent(text []byte, i int) (Packet, error) {
	open := digits(text, i)
	quote := skipSpace(text, open+1)
	if open == len(text) || text[open] != '[' {
		return bad(open, "an event is an array")
	}
	if quote >= len(text) || text[quote] != '"' {
		return bad(min(quote, len(text)), "an event begins with its name")
	}
	end := skipText(text, quote)

	// One string for ID and name, which both outlive the text.
	s := string(text[i:end])
	p := Packet{Type: TypeEvent, ID: s[:open-i]}
	var scanner jsonscan.Scanner
	scanner.ResetLenient(s[quote-i:], text[quote:end]) // the type of an event can hold whatever a user made up
	p.Name, _ = scanner.Text()
	if err := scanner.Err(); err != nil {
		return bad(quote, "the event's name: "+err.Error())
	}

	var reason string
	if p.Data, end, reason = argument(text, end); reason != "" {
		return bad(end, reason)
	}
	return p, nil
}

func parseAck(text []byte, i int) (Packet, error) {
	open := digits(text, i)
	if open == i {
		return bad(i, "an acknowledgement has a number")
	}
	if open == len(text) || text[open] != '[' {
		return bad(open, "an acknowledgement is an array")
	}
	data, end, reason := argument(text, open)
	if reason != "" {
		return bad(end, reason)
	}
	return Packet{Type: TypeAck, ID: string(text[i:open]), Data: data}, nil
}

// argument is the next element of the array that text ends with: after the
// element that ends at i or, if there is a bracket at i, the first. It is nil when
// there is no more. A reason says what is wrong, at the offset end.
func argument(text []byte, i int) (data []byte, end int, reason string) {
	first := i < len(text) && text[i] == '['
	if first {
		i++
	}
	i = skipSpace(text, i)
	last := len(trimSpace(text)) - 1
	switch {
	case last < i || text[last] != ']':
		return nil, len(text), "the array of arguments does not end"
	case i == last:
		return nil, i, ""
	case !first && text[i] != ',':
		return nil, i, "comma or closing bracket expected"
	case !first:
		i++
	}
	start, end, ok := value(text[:last], i)
	if !ok || end < last && text[end] != ',' {
		return nil, i, "the first argument is not one JSON value"
	}
	return trimSpace(text[start:end]), end, ""
}

// value finds a JSON value at or after i, and the comma or bracket that follows or
// the end of text. It tells values apart and no more: brackets are counted, not
// matched, and what is between them is not looked at. There is no value at all if
// it is not ok.
func value(text []byte, i int) (start, end int, ok bool) {
	start = skipSpace(text, i)
	depth := 0
	for i = start; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = skipText(text, i) - 1
		case '[', '{':
			depth++
		case ']', '}':
			depth--
			if depth < 0 {
				return start, i, false
			}
		case ',':
			if depth == 0 {
				return start, i, i > start
			}
		}
	}
	return start, len(text), depth == 0 && start < len(text)
}

// skipText is the offset after the text in quotes that begins at i, or where
// everything ends if the text does not.
func skipText(text []byte, i int) int {
	for i++; i < len(text); i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		i += n
		// An odd number of backslashes before it escapes a quote.
		slash := i
		for text[slash-1] == '\\' {
			slash--
		}
		if (i-slash)%2 == 0 {
			return i + 1
		}
	}
	return len(text)
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && space(text[i]) {
		i++
	}
	return i
}

// trimSpace cuts off the whitespace at the end, and the capacity beyond it.
func trimSpace(text []byte) []byte {
	end := len(text)
	for end > 0 && space(text[end-1]) {
		end--
	}
	return text[:end:end]
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// digits is the offset after the digits at i.
func digits(text []byte, i int) int {
	for i < len(text) && text[i]-'0' <= 9 {
		i++
	}
	return i
}

// Append appends the text of a packet to dst. The packet's ID must be digits and
// its Data one JSON value, or they must be empty; fields that its type has no place
// for are left out. Of a TypeIgnored packet there is no text.
func Append(dst []byte, p Packet) []byte {
	if int(p.Type) >= len(prefixes) {
		return dst
	}
	dst = append(dst, prefixes[p.Type]...)
	switch p.Type {
	case TypeOpen, TypeConnect, TypeConnectError:
		dst = append(dst, p.Data...)
	case TypeEvent:
		dst = append(dst, p.ID...)
		dst = append(dst, '[')
		dst = appendName(dst, p.Name)
		if len(p.Data) > 0 {
			dst = append(dst, ',')
			dst = append(dst, p.Data...)
		}
		dst = append(dst, ']')
	case TypeAck:
		dst = append(dst, p.ID...)
		dst = append(dst, '[')
		dst = append(dst, p.Data...)
		dst = append(dst, ']')
	}
	return dst
}

// appendName appends text in quotes.
func appendName(dst []byte, name string) []byte {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(name) // cannot fail for a string
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"')
}
