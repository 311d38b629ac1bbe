package nexmotest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/conversation-events/nexmo"
)

// message is what is written in a frame. It is shared between sessions.
type message struct {
	name           string
	data           json.RawMessage // an object, or a text if it was truncated
	conversationID string          // "" unless it is an event of a conversation
	eventID        int64
}

// pending is the message as one of the events that a session missed: with its
// type inside, since there is no name beside it.
func (m *message) pending() json.RawMessage {
	if m.data[0] != '{' {
		return m.data // it was truncated
	}
	inside := append([]byte(`{"type":`), encode(m.name)...)
	if len(m.data) > len("{}") {
		inside = append(inside, ',')
	}
	return append(inside, m.data[1:]...)
}

// message is the event as frames carry it.
func (o *occurrence) message(applicationID string) *message {
	return &message{name: o.Type, conversationID: o.ConversationID, eventID: o.ID, data: encode(struct {
		ID             int64           `json:"id,omitempty"`
		ConversationID string          `json:"cid"`
		From           string          `json:"from,omitempty"`
		To             string          `json:"to,omitempty"`
		Timestamp      string          `json:"timestamp"`
		ApplicationID  string          `json:"application_id"`
		Body           json.RawMessage `json:"body"`
		Embedded       object          `json:"_embedded,omitempty"`
	}{o.ID, o.ConversationID, o.From, o.To, stamp(o.Timestamp), applicationID, o.Body, o.embedded()})}
}

// frame is a message on its way in a session.
type frame struct {
	*message
	covers []*frame // the events inside, which it acknowledges too
	cut    bool     // the connection is cut in its place
	done   bool     // it was acknowledged, or need not be
}

// session is a session of a user. It lasts while connections come and go. Its
// fields are guarded by those who hold rt.mu.
type session struct {
	rt      *realtime
	seq     uint64
	id      string
	userID  string
	name    string
	acks    bool // whether events are acknowledged; the first connection says so
	expires time.Time
	over    bool

	conn    *connection // nil while there is none
	left    time.Time   // when there was one last
	pending []*frame    // what is not acknowledged yet, in order
	next    int         // in pending, what is sent next
}

// connect gives the session a connection in place of the one it has. What was not
// acknowledged goes into the answer to the login.
func (s *session) connect(conn *connection) {
	if s.conn != nil {
		s.conn.drop()
	}
	missed := s.missed()
	success := s.success(missed)
	s.conn, s.pending, s.next = conn, []*frame{success}, 0
}

// missed returns the events that are not acknowledged.
func (s *session) missed() []*frame {
	var missed []*frame
	for _, f := range s.pending {
		for _, f := range append(slices.Clip(f.covers), f) {
			if !f.done && f.conversationID != "" {
				f.cut = false
				missed = append(missed, f)
			}
		}
	}
	return missed
}

// success is the answer to a login.
func (s *session) success(missed []*frame) *frame {
	events := make([]json.RawMessage, len(missed))
	for i, f := range missed {
		events[i] = f.message.pending()
	}
	body := object{"id": s.id, "user_id": s.userID, "name": s.name, "api_key": apiKey}
	if len(events) > 0 {
		body["pending_events"] = events
		if s.rt.cutMissed[s.name] > 0 {
			s.rt.cutMissed[s.name]--
			list := encode(events)
			body["pending_events"] = string(list[:len(list)/2])
		}
	}
	return &frame{message: &message{name: "session:success", data: encode(object{"body": body})}, covers: missed}
}

// disconnect takes its connection from the session, if it still is conn.
func (s *session) disconnect(conn *connection) {
	if s.conn == conn {
		s.conn, s.left = nil, time.Now()
	}
}

// queue has frames sent after what waits already. A session without a connection
// keeps them for the next. If too much waits, the session is over.
func (s *session) queue(frames ...*frame) {
	if s.over || len(frames) == 0 {
		return
	}
	s.pending = append(s.pending, frames...)
	if len(s.pending)+len(s.pending[0].covers) > s.rt.options.maxPending {
		if s.conn != nil {
			s.conn.drop()
		}
		s.rt.end(s)
		return
	}
	s.wake()
}

func (s *session) wake() {
	if s.conn == nil {
		return
	}
	select {
	case s.conn.wake <- struct{}{}:
	default: // it is awake
	}
}

// acknowledge takes note that the client got the frame with a number.
func (rt *realtime) acknowledge(s *session, conn *connection, number string) {
	rt.mu.Lock()
	f := conn.sent[number]
	delete(conn.sent, number)
	if f != nil {
		f.finish()
		s.prune()
	}
	rt.mu.Unlock()
	if f != nil {
		rt.journal.ack(Ack{
			User: s.name, SessionID: s.id, Type: nexmo.EventType(f.name), ConversationID: f.conversationID,
			EventID: nexmo.EventID(f.eventID), At: time.Now(),
		})
	}
}

func (f *frame) finish() {
	f.done = true
	for _, inside := range f.covers {
		inside.done = true
	}
	f.covers = nil
}

// prune forgets what was acknowledged and has nothing before it.
func (s *session) prune() {
	n := 0
	for n < s.next && s.pending[n].done {
		s.pending[n] = nil
		n++
	}
	s.pending, s.next = s.pending[n:], s.next-n
}

// parcel is what a connection is to write next.
type parcel struct {
	frames  []numbered
	cut     bool      // the connection is to be cut afterwards
	gone    bool      // it is no longer that of the session
	expires time.Time // when the token runs out
}

// numbered is a frame and the number of its acknowledgement, "" if it wants none.
type numbered struct {
	*message
	number string
}

// take returns what a connection is to write next.
func (rt *realtime) take(s *session, conn *connection) parcel {
	const most = 64
	rt.mu.Lock()
	defer rt.mu.Unlock()
	p := parcel{gone: s.conn != conn, expires: s.expires}
	for !p.gone && s.next < len(s.pending) && len(p.frames) < most {
		f := s.pending[s.next]
		if f.cut {
			f.cut, p.cut = false, true
			s.disconnect(conn)
			break
		}
		s.next++
		n := numbered{message: f.message}
		if s.acks {
			n.number = strconv.FormatUint(rt.acks, 10)
			rt.acks++
			conn.sent[n.number] = f
		} else {
			f.finish()
		}
		p.frames = append(p.frames, n)
	}
	s.prune()
	return p
}
