package nexmotest

import (
	"fmt"
	"slices"
	"time"

	"github.com/conversation-events/nexmo"
)

// Login is a connection that wanted a session.
type Login struct {
	User      string    // the name of the user whose token it had
	SessionID string    // "" if it was refused
	Resumed   bool      // whether it named the session
	Refusal   string    // the event that it was refused with
	At        time.Time // when it was made
}

// String says who it was, and what became of it.
func (l Login) String() string {
	what := "logged in"
	switch {
	case l.Refusal != "":
		what = "was refused: " + l.Refusal
	case l.Resumed:
		what = "resumed " + l.SessionID
	}
	return fmt.Sprintf("%s %s", l.User, what)
}

// Ack is a frame that a client acknowledged.
type Ack struct {
	User      string // the name of the user whose session it is
	SessionID string // of the session

	Type           nexmo.EventType // the name of the frame
	ConversationID string          // "" if it was no event of a conversation
	EventID        nexmo.EventID   // 0 for an event that is not stored
	At             time.Time       // when it came
}

// String says who acknowledged what.
func (a Ack) String() string {
	what := fmt.Sprintf("%s: %s", a.User, a.Type)
	if a.ConversationID != "" {
		what += " " + a.ConversationID
	}
	if a.EventID != 0 {
		what += fmt.Sprint(" ", a.EventID)
	}
	return what
}

func (j *journal) login(v Login) {
	add(j, &j.logins, v)
	j.logger.Info("nexmotest: login", "user", v.User, "session_id", v.SessionID, "resumed", v.Resumed, "refusal", v.Refusal)
}

func (j *journal) ack(v Ack) {
	add(j, &j.acks, v)
	j.logger.Info("nexmotest: acknowledgement", "user", v.User, "event_type", v.Type, "conversation_id", v.ConversationID, "event_id", v.EventID)
}

// Logins returns the logins so far, in their order.
func (s *Server) Logins() []Login {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.logins.all)
}

// Acks returns the acknowledgements of clients so far, in their order.
func (s *Server) Acks() []Ack {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	return slices.Clone(s.journal.acks.all)
}

// ExpectLogin waits for the user with a name to log in, or to resume a session,
// which was not expected before, and returns how. The test fails if that does not
// happen in time; see [WithPatience].
func (s *Server) ExpectLogin(userName string) Login {
	if s.tb != nil {
		s.tb.Helper()
	}
	return expect(s, &s.journal.logins, "ExpectLogin("+userName+")", "succeeded", "came", func(l Login) bool { return l.User == userName && l.Refusal == "" })
}

// ExpectAck waits for the user with a name to acknowledge an event of a type, or
// one that the pattern t matches, that was not expected before, and returns the
// acknowledgement. The test fails if there is none in time; see [WithPatience].
func (s *Server) ExpectAck(userName string, t nexmo.EventType) Ack {
	if s.tb != nil {
		s.tb.Helper()
	}
	return expect(s, &s.journal.acks, "ExpectAck("+userName+", "+string(t)+")", "came", "came", func(a Ack) bool { return a.User == userName && t.Matches(a.Type) })
}
