package nexmo

import "github.com/conversation-events/nexmo/internal/jsonscan"

// scanner is what the decoders of events and resources read from.
type scanner struct {
	jsonscan.Scanner
	room room // of the event that is read
}

// room is memory that came with an event, for the parts that most events have. It
// is handed out once; whatever else is needed is made.
type room struct {
	user    *User
	channel *Channel
	ends    []Endpoint
	legs    []Leg
}

func newUser(s *scanner) *User { return take(&s.room.user) }

func newChannel(s *scanner) *Channel { return take(&s.room.channel) }

func take[T any](room **T) *T {
	v := *room
	if v == nil {
		return new(T)
	}
	*room = nil
	return v
}

func newEndpoint(s *scanner) *Endpoint {
	r := &s.room
	if len(r.ends) == 0 {
		return new(Endpoint)
	}
	e := &r.ends[0]
	r.ends = r.ends[1:]
	return e
}

// newLegs returns an empty list, which is not nil.
func newLegs(s *scanner) Legs {
	l := s.room.legs[:0]
	s.room.legs = nil
	if l == nil {
		l = Legs{}
	}
	return l
}
