package nexmo

import "github.com/conversation-events/nexmo/internal/jsonscan"

// room is memory that came with an event, for the parts that most events have. It
// is handed out once; whatever else is needed is made.
type room struct {
	user    *User
	channel *Channel
	ends    []Endpoint
	legs    []Leg
}

// noRoom has none: its reader reads no event.
var noRoom room

func roomOf(s *jsonscan.Scanner) *room {
	if r, ok := s.Room.(*room); ok {
		return r
	}
	return &noRoom
}

func newUser(s *jsonscan.Scanner) *User { return take(&roomOf(s).user) }

func newChannel(s *jsonscan.Scanner) *Channel { return take(&roomOf(s).channel) }

func take[T any](room **T) *T {
	v := *room
	if v == nil {
		return new(T)
	}
	*room = nil
	return v
}

func newEndpoint(s *jsonscan.Scanner) *Endpoint {
	r := roomOf(s)
	if len(r.ends) == 0 {
		return new(Endpoint)
	}
	e := &r.ends[0]
	r.ends = r.ends[1:]
	return e
}

// newLegs returns an empty list, which is not nil.
func newLegs(s *jsonscan.Scanner) Legs {
	r := roomOf(s)
	if r.legs == nil {
		return Legs{}
	}
	l := r.legs[:0]
	r.legs = nil
	return l
}
