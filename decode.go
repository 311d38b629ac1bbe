package nexmo

import (
	"math"
	"time"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// scanner is what the decoders of events and resources read from. It reads leniently:
// what it reads is authentic.
type scanner struct {
	jsonscan.Scanner
	parts parts // of the event that is read
}

// Reset makes the scanner read another text; see [jsonscan.Scanner.ResetLenient].
func (s *scanner) Reset(src string, raw []byte) { s.ResetLenient(src, raw) }

// opens reports whether an object comes next. A null is consumed; for anything else a
// mismatch is recorded.
func (s *scanner) opens() bool {
	if s.Peek() == '{' {
		return true
	}
	s.Object()
	return false
}

// reset forgets what was read of a member that is there once more.
func reset[T any](v *T) { *v = *new(T) }

// parts is memory that came with an event, for the parts that most events have. Each
// is used once; more are allocated.
type parts struct {
	user    *User
	channel *Channel
	ends    []Endpoint
	legs    []Leg
}

func newUser(s *scanner) *User { return take(&s.parts.user) }

func newChannel(s *scanner) *Channel { return take(&s.parts.channel) }

func take[T any](part **T) *T {
	v := *part
	if v == nil {
		return new(T)
	}
	*part = nil
	return v
}

func newEndpoint(s *scanner) *Endpoint {
	r := &s.parts
	if len(r.ends) == 0 {
		return new(Endpoint)
	}
	e := &r.ends[0]
	r.ends = r.ends[1:]
	return e
}

// newLegs returns an empty list, which is not nil.
func newLegs(s *scanner) Legs {
	l := s.parts.legs[:0]
	s.parts.legs = nil
	if l == nil {
		l = Legs{}
	}
	return l
}

// decodeDuration reads a number, or its text, of units.
func decodeDuration(s *scanner, unit time.Duration, want string) (time.Duration, bool) {
	start := s.Offset()
	f, ok := s.FloatOf(want)
	// A duration beyond what time.Duration holds (292 years) is no duration.
	const limit = float64(1 << 62)
	if v := math.Round(f * float64(unit)); ok && v > -limit && v < limit {
		return time.Duration(v), true
	}
	if ok {
		s.Fail(start, want)
	}
	return 0, false
}

func decodeStrings(s *scanner) []string {
	a, ok := s.Array()
	if !ok {
		return nil
	}
	list := []string{}
	for s.More(&a) {
		v, _ := s.Text() // null counts: it keeps the place of the others
		list = append(list, v)
	}
	return list
}

// decoder is a value that reads itself from JSON. What is null or missing
// leaves it as it was; what has another shape is reported to the scanner.
type decoder interface {
	decode(s *scanner)
}

func decodeInt(s *scanner) (int, bool) {
	start := s.Offset()
	v, ok := s.Int()
	if ok && int64(int(v)) != v {
		s.Fail(start, "whole number")
		return 0, false
	}
	return int(v), ok
}

// decodeJSON lets encoding/json read what the scanner reads.
func decodeJSON(data []byte, v decoder) error {
	var s scanner
	s.Reset(string(data), data)
	v.decode(&s)
	s.End()
	if err := s.Err(); err != nil {
		return err
	}
	return s.ShapeFrom(0, "value")
}
