package nexmo

import (
	"math"
	"strconv"
	"time"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// scanner is what the decoders of events and resources read from.
type scanner struct {
	jsonscan.Scanner
	parts parts // of the event that is read
}

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
	f, ok := decodeNumber(s, want)
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

// decodeNumber reads a number or its text; "" counts as absent.
func decodeNumber(s *scanner, want string) (float64, bool) {
	if s.Peek() != '"' {
		return s.Float()
	}
	start := s.Offset()
	text, _ := s.Text()
	if text == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f-f != 0 { // not a number, or not a finite one
		s.Fail(start, want)
		return 0, false
	}
	return f, true
}

// decodeTextOrNumber reads a text, or a number as it is spelt.
func decodeTextOrNumber(s *scanner) (string, bool) {
	if s.Peek() == '0' {
		return s.Number()
	}
	return s.Text()
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
