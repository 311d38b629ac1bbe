package nexmotest

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/socketio"
)

// Cut has the connection of a session cut in place of the event, which the
// session is told of when it is resumed. It is for frames alone.
func Cut() EventFault { return EventFault{kind: severed} }

// frameRule is a fault that waits for events on their way to sessions.
type frameRule struct {
	user  string // whose sessions; "" for all
	fault EventFault
	n     int // how often it happens to a session; 0 for always
	types []nexmo.EventType

	happened map[*session]int
	held     map[*session][]*frame // what is to be reordered and waits for the others
}

// waitsFor reports whether the rule is for events of a type on their way to a
// session.
func (r *frameRule) waitsFor(s *session, t nexmo.EventType) bool {
	return (r.user == "" || r.user == s.name) && (r.n == 0 || r.happened[s] < r.n) && isOneOf(t, r.types)
}

// Frames has fault happen to the next n events of any of some types, which may be
// patterns, on their way to each session of a user; of all types if none is given,
// and to those of all users if userName is empty. If n is 0, it happens from now
// on. [Unsigned] is nothing that can happen here.
func (f *Faults) Frames(userName string, fault EventFault, n int, types ...nexmo.EventType) {
	rt := f.server.realtime
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.rules = append(rt.rules, &frameRule{
		user: userName, fault: fault, n: n, types: types, happened: map[*session]int{}, held: map[*session][]*frame{},
	})
}

// disturb queues what is to be sent in place of an event.
func (rt *realtime) disturb(s *session, m *message) {
	for _, rule := range rt.rules {
		if !rule.waitsFor(s, nexmo.EventType(m.name)) {
			continue
		}
		if rule.apply(s, m) {
			rule.happened[s]++
		}
		return
	}
	s.queue(&frame{message: m})
}

// apply does what goes wrong with an event on its way to a session. It reports
// whether that was one time that it happened.
func (r *frameRule) apply(s *session, m *message) bool {
	one := &frame{message: m}
	switch r.fault.kind {
	case dropped:
		return true
	case duplicated:
		s.queue(one, &frame{message: m})
		return true
	case late:
		s.rt.background.run(func(ctx context.Context) {
			if wait(ctx, r.fault.delay) {
				s.rt.mu.Lock()
				defer s.rt.mu.Unlock()
				s.queue(one)
			}
		})
		return true
	case reordered:
		r.held[s] = append(r.held[s], one)
		if len(r.held[s]) < r.fault.size {
			return false
		}
		slices.Reverse(r.held[s])
		s.queue(r.held[s]...)
		delete(r.held, s)
		return true
	case malformed:
		one.message = m.malformed()
	case truncated:
		// A frame is JSON as a whole, or the connection ends: half of the object
		// is sent as a text.
		half := *m
		half.data = encode(string(m.data[:len(m.data)/2]))
		one.message = &half
	case severed:
		one.cut = true
	}
	s.queue(one)
	return true
}

// malformed is the message with a text for a body.
func (m *message) malformed() *message {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(m.data, &fields) // it was written by this package
	fields["body"] = encode("malformed")
	bad := *m
	bad.data = encode(fields)
	return &bad
}

// Logins has the next n logins, and attempts to resume a session, refused with an
// event, such as "session:error:max-open-sessions".
func (f *Faults) Logins(event string, n int) {
	rt := f.server.realtime
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.refusals = append(rt.refusals, slices.Repeat([]string{event}, n)...)
}

// CutMissed has the next n times that sessions of a user are resumed after they have missed
// events tell of them with a list that is cut: a text of the first half of it. The
// acknowledgement stands for all of them, so none comes again.
func (f *Faults) CutMissed(userName string, n int) {
	rt := f.server.realtime
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.cutMissed == nil {
		rt.cutMissed = map[string]int{}
	}
	rt.cutMissed[userName] += n
}

// CutSessions cuts the connections of all sessions of a user without a word. A
// client is expected to resume them.
func (f *Faults) CutSessions(userName string) {
	f.server.part("CutSessions", userName, false, func(_ context.Context, c *connection) { c.socket.CloseNow() })
}

// CloseSessions closes the connections of all sessions of a user in good order. A
// client is expected to resume them.
func (f *Faults) CloseSessions(userName string) {
	f.server.part("CloseSessions", userName, false, func(ctx context.Context, c *connection) {
		_ = c.socket.Send(ctx, socketio.Packet{Type: socketio.TypeClose}) // it is closed all the same
		c.socket.Close()
	})
}

// DisconnectSessions disconnects all sessions of a user, as the service does when
// a token has run out. A client is expected to resume them when it has a new
// token, and not before.
func (f *Faults) DisconnectSessions(userName string) {
	f.server.part("DisconnectSessions", userName, false, func(ctx context.Context, c *connection) {
		_ = c.socket.Disconnect(ctx) // whatever becomes of it, the connection is closed
	})
}

// EndSessions ends all sessions of a user, who is told so and disconnected. They
// cannot be resumed.
func (f *Faults) EndSessions(userName string) {
	f.server.part("EndSessions", userName, true, func(ctx context.Context, c *connection) {
		_ = c.send(ctx, &message{name: "session:terminated", data: encode(object{"body": object{}})}, "")
		_ = c.socket.Disconnect(ctx) // whatever becomes of it, the connection is closed
	})
}

// part takes the connections from the sessions of a user and has leave end them.
// What happens from now on waits for the sessions to be resumed, unless that is
// forGood.
func (s *Server) part(what, userName string, forGood bool, leave func(context.Context, *connection)) {
	rt := s.realtime
	parted := 0
	rt.mu.Lock()
	for _, session := range rt.sessions {
		c := session.conn
		if session.name != userName || c == nil && !forGood {
			continue
		}
		if c != nil {
			session.disconnect(c)
			rt.background.run(func(ctx context.Context) { leave(ctx, c) })
		}
		if forGood {
			rt.end(session)
		}
		parted++
	}
	rt.mu.Unlock()
	if parted == 0 {
		s.fail("nexmotest: %s: %s has no session that is connected", what, userName)
	}
}

// SendFrame sends a frame to all sessions of a user that is no event of a
// conversation, such as "echo" or "system:error:expired-token". The payload is
// what encoding/json writes as an object.
func (f *Faults) SendFrame(userName, event string, payload any) {
	data, err := json.Marshal(payload)
	if err != nil || len(data) == 0 || data[0] != '{' {
		f.server.fail("nexmotest: SendFrame: the payload of %s is no object: %v", event, err)
		return
	}
	rt := f.server.realtime
	sent := 0
	rt.mu.Lock()
	for _, s := range rt.sessions {
		if s.name == userName {
			s.queue(&frame{message: &message{name: event, data: data}})
			sent++
		}
	}
	rt.mu.Unlock()
	if sent == 0 {
		f.server.fail("nexmotest: SendFrame: %s has no session", userName)
	}
}

// clear has nothing go wrong with sessions any more. What is held back is sent.
func (rt *realtime) clear() {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, rule := range rt.rules {
		for s, held := range rule.held {
			s.queue(held...)
		}
	}
	rt.rules, rt.refusals, rt.cutMissed = nil, nil, nil
}
