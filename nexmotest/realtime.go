package nexmotest

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// realtime is the sessions of users. What happens in a conversation goes into
// the queue of every session whose user may see it, and from there over its
// websocket, if it has one at the time: nobody waits for a slow client, and what
// a client missed waits for it.
type realtime struct {
	applicationID string
	engine        *engine
	options       *options
	journal       *journal
	background    *background

	mu       sync.Mutex // taken within that of the engine, never around it
	sessions []*session // in the order of their logins
	byUser   map[string][]*session
	logins   uint64 // counts sessions
	acks     uint64 // counts what is to be acknowledged, in all sessions
	rules    []*frameRule
	refusals []string // events that the next logins are answered with

	cutMissed map[string]int // by user, how often the list of missed events is cut
}

// sessionLife is for how long a session without a connection can be resumed.
const sessionLife = 15 * time.Minute

func newRealtime(s *Server) *realtime {
	return &realtime{
		applicationID: s.options.applicationID, engine: s.engine, options: &s.options, journal: s.journal, background: s.background,
		byUser: map[string][]*session{},
	}
}

// notify queues an event for the sessions of all who may see it.
func (rt *realtime) notify(o occurrence) {
	if o.ConversationID == "" {
		return
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var m *message
	for _, user := range o.audience {
		for _, s := range rt.byUser[user] {
			if m == nil {
				m = o.message(rt.applicationID)
			}
			rt.disturb(s, m)
		}
	}
}

// create makes a session.
func (rt *realtime) create(l *login) *session {
	rt.logins++
	s := &session{
		rt: rt, seq: rt.logins, id: "SES-" + newUUID(), userID: l.user.id, name: l.who.user, acks: l.acks,
	}
	rt.sessions = append(rt.sessions, s)
	rt.byUser[s.userID] = append(rt.byUser[s.userID], s)
	return s
}

// session returns the session with an ID, or nil.
func (rt *realtime) session(id string) *session {
	return find(rt.sessions, func(s *session) bool { return s.id == id })
}

// connected counts the sessions of a user that have a connection.
func (rt *realtime) connected(userID string) int {
	n := 0
	for _, s := range rt.byUser[userID] {
		if s.conn != nil {
			n++
		}
	}
	return n
}

// forget ends the sessions that can no longer be resumed.
func (rt *realtime) forget() {
	for _, s := range rt.sessions {
		if s.conn == nil && time.Since(s.left) > sessionLife {
			rt.end(s)
		}
	}
}

// end makes the ID of a session void. The lists of sessions are replaced and not
// changed, since somebody may be going through them.
func (rt *realtime) end(s *session) {
	is := func(other *session) bool { return other == s }
	rt.sessions = slices.DeleteFunc(slices.Clone(rt.sessions), is)
	if rest := slices.DeleteFunc(slices.Clone(rt.byUser[s.userID]), is); len(rest) > 0 {
		rt.byUser[s.userID] = rest
	} else {
		delete(rt.byUser, s.userID)
	}
	s.over = true
	s.pending, s.next = nil, 0
}

// changeToken has a session live as long as another token.
func (rt *realtime) changeToken(id string, u *user, expires time.Time) *apiError {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	s := rt.session(id)
	if s == nil || s.userID != u.id {
		return errNoSession
	}
	s.expires = expires
	s.wake()
	return nil
}

// list returns the sessions of a user that can be resumed, or are connected.
func (rt *realtime) list(userID string) []*session {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.forget()
	return slices.SortedFunc(slices.Values(rt.byUser[userID]), func(a, b *session) int { return cmp.Compare(a.seq, b.seq) })
}
