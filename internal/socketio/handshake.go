package socketio

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// handshake is what the engine's open packet says of the connection.
type handshake struct {
	pingInterval time.Duration
	pingTimeout  time.Duration
	maxPayload   int64 // bytes that the server takes in one packet; 0 for no limit
}

// appendOpen appends the JSON text of an open packet.
func (h handshake) appendOpen(dst []byte, sid string) []byte {
	return fmt.Appendf(dst, `{"sid":%q,"upgrades":[],"pingInterval":%d,"pingTimeout":%d,"maxPayload":%d}`,
		sid, h.pingInterval.Milliseconds(), h.pingTimeout.Milliseconds(), h.maxPayload)
}

// parseHandshake reads the payload of an open packet.
func parseHandshake(data []byte) (handshake, error) {
	names := []string{"pingInterval", "pingTimeout", "maxPayload"}
	values := make([]int64, len(names))
	var s jsonscan.Scanner
	s.Reset(string(data), data)
	o, _ := s.Object()
	for s.Next(&o) {
		if i := slices.Index(names, s.Name(&o)); i < 0 {
			s.Unknown(&o)
		} else if s.Once(&o, uint(i)) {
			values[i], _ = s.Int()
		}
	}
	s.End()
	if err := errors.Join(s.Err(), s.Shape()); err != nil {
		return handshake{}, fmt.Errorf("socketio: open packet: %w", err)
	}
	for i, v := range values[:2] {
		if v <= 0 || v > math.MaxInt32 { // as much as a timer of JavaScript
			return handshake{}, fmt.Errorf("socketio: open packet: %s is %d; want milliseconds from 1 to %d",
				names[i], v, math.MaxInt32)
		}
	}
	return handshake{
		pingInterval: time.Duration(values[0]) * time.Millisecond,
		pingTimeout:  time.Duration(values[1]) * time.Millisecond,
		maxPayload:   max(values[2], 0),
	}, nil
}

// RefusedError says that the server has not let the client into the namespace.
type RefusedError struct {
	Message string // the server's words; may be empty
}

// Error implements error.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("socketio: refused by the server: %.200q", e.Message)
}

// newRefusedError reads the payload of a connect error, an object or text.
func newRefusedError(data []byte) *RefusedError {
	var e RefusedError
	var s jsonscan.Scanner
	s.Reset(string(data), data)
	if s.Peek() == '"' {
		e.Message, _ = s.Text()
		return &e
	}
	o, _ := s.Object()
	for s.Next(&o) {
		if s.Name(&o) == "message" && s.Once(&o, 0) {
			e.Message, _ = s.Text()
		} else {
			s.Unknown(&o)
		}
	}
	return &e
}
