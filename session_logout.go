package nexmo

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/conversation-events/nexmo/internal/socketio"
)

// logout is a request of [Session.Logout].
type logout struct {
	id   string // by which the answer is known
	sent bool
	done chan error // takes one
}

// Logout ends the session at the service, after which it cannot be resumed, and
// closes it. Without a connection it waits for the next one. If ctx ends first, its
// error is returned and the session goes on.
func (s *Session) Logout(ctx context.Context) error {
	l := &logout{id: newUUID(), done: make(chan error, 1)}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case s.logout != nil:
		s.mu.Unlock()
		return errors.New("nexmo: session: Logout is running already")
	}
	s.logout = l
	s.mu.Unlock()
	s.askLogout(ctx)
	select {
	case err := <-l.done:
		if err == nil {
			return s.Close()
		}
		return err
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.logout == l {
			s.logout = nil
		}
		return ctx.Err()
	}
}

// loggedOut reports whether the reason why a session is over says, after a request to
// log out, as much as the answer to it.
func loggedOut(err error) bool {
	return errors.Is(err, ErrSessionInvalid) || errors.Is(err, ErrSessionTerminated) || errors.Is(err, ErrSessionDisconnected)
}

// askLogout sends the request to log out, if there is one and a connection.
func (s *Session) askLogout(ctx context.Context) {
	s.mu.Lock()
	l, conn := s.logout, s.conn
	if l == nil || conn == nil {
		s.mu.Unlock()
		return
	}
	l.sent = true
	s.mu.Unlock()
	// If it cannot be sent, the connection has ended, and the next one sends it.
	_ = conn.Send(ctx, socketio.Packet{Type: socketio.TypeEvent, Name: "session:logout", Data: []byte(`{"tid":"` + l.id + `","body":{}}`)})
}

// answered reports whether an event is the answer to a request of ours. The error
// ends the connection.
func (s *Session) answered(ctx context.Context, conn *socketio.Conn, p socketio.Packet) (bool, error) {
	s.mu.Lock()
	l := s.logout
	s.mu.Unlock()
	var answer struct {
		ID string `json:"rid"`
	}
	if l == nil || json.Unmarshal(p.Data, &answer) != nil || answer.ID != l.id {
		return false, nil
	}
	if strings.Contains(p.Name, "error") {
		e := newSessionError(p.Name, p.Data)
		s.mu.Lock()
		mine := s.logout == l
		s.logout = nil
		s.mu.Unlock()
		if mine {
			l.done <- e
		}
		s.report(e)
		return true, nil
	}
	_ = conn.Disconnect(ctx) // it is over, whatever becomes of it
	return true, errLoggedOut
}
