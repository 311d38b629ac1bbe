package nexmo

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// SessionState is how a session stands to the service.
type SessionState string

// The states of a session.
const (
	SessionStateConnected    SessionState = "connected"    // logged in
	SessionStateDisconnected SessionState = "disconnected" // the connection was lost, or an attempt to connect failed; another follows
	SessionStateReconnecting SessionState = "reconnecting" // an attempt to connect has begun
	SessionStateClosed       SessionState = "closed"       // over
)

// OnState has fn called with every state from now on, in order and one after the
// other, in a goroutine of its own. The error says why the session is not
// connected, or is over; it is nil after Close and Logout. fn is called with
// [SessionStateConnected] and an error, too, when the service reports one that the session
// survives, or the token could not be renewed. OnState panics if fn is nil.
func (s *Session) OnState(fn func(SessionState, error)) {
	if fn == nil {
		panic("nexmo: Session.OnState: the function is nil")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told.fns = append(slices.Clip(s.told.fns), fn)
}

// notices are states that functions of OnState are yet to be told.
type notices struct {
	fns     []func(SessionState, error)
	waiting []notice
	idle    chan struct{} // closed when nothing waits; nil when nothing does
}

// wait returns when nothing waits to be told, or done is closed. The notices are
// guarded by mu.
func (n *notices) wait(mu *sync.Mutex, done <-chan struct{}) {
	mu.Lock()
	idle := n.idle
	mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-done:
	}
}

type notice struct {
	state SessionState
	err   error
}

// maxNotices bounds what waits for slow functions of OnState, but for a change of
// the state, of which there are few.
const maxNotices = 64

// tell notes a state, and has it told.
func (s *Session) tell(state SessionState, err error) {
	changed := s.note(state, err)
	if changed && state == SessionStateReconnecting {
		s.counters.reconnects.Add(1)
	}
	if changed && s.cfg.client.trace != nil {
		traceStep(context.Background(), s.cfg.client.log, s.cfg.client.trace.SessionState, SessionTrace{s.ID(), state, err})
	}
}

// note has the functions of OnState called, and reports whether the state has changed.
func (s *Session) note(state SessionState, err error) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed = s.state != state
	s.state = state
	n := &s.told
	if len(n.fns) == 0 || !changed && len(n.waiting) >= maxNotices {
		return changed
	}
	n.waiting = append(n.waiting, notice{state, err})
	if n.idle == nil {
		n.idle = make(chan struct{})
		go s.tellAll()
	}
	return changed
}

// report tells of an error that the session survives.
func (s *Session) report(err error) {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	s.tell(state, err)
}

// tellAll calls the functions of OnState until there is nothing to tell.
func (s *Session) tellAll() {
	for {
		s.mu.Lock()
		n := &s.told
		if len(n.waiting) == 0 {
			close(n.idle)
			n.idle = nil
			s.mu.Unlock()
			return
		}
		next, fns := n.waiting[0], n.fns
		n.waiting = n.waiting[1:]
		s.mu.Unlock()
		for _, fn := range fns {
			s.callState(fn, next)
		}
	}
}

func (s *Session) callState(fn func(SessionState, error), n notice) {
	defer func() {
		if v := recover(); v != nil {
			s.log(context.Background(), slog.LevelError, "nexmo: a function given to OnState panicked")
		}
	}()
	fn(n.state, n.err)
}
