package nexmo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/conversation-events/nexmo/internal/socketio"
)

// live holds the session until it is over.
func (s *Session) live(ctx context.Context) {
	err := s.connections(ctx)
	if ctx.Err() != nil {
		err = ErrClosed
	}
	s.end(err)
}

// connections makes one connection after the other, and returns why there is not
// another one.
func (s *Session) connections(ctx context.Context) error {
	b := s.cfg.backoff
	for failed, first := 0, true; ; first = false {
		in, err := s.connection(ctx)
		if in {
			failed = 0
		} else {
			failed++
		}
		switch {
		case final(err) || ctx.Err() != nil || !in && first:
			return err
		case failed == b.attempts:
			return &reconnectError{failed, err}
		}
		s.log(ctx, slog.LevelInfo, "nexmo: the session is not connected", slog.Any("error", err))
		s.tell(SessionStateDisconnected, err)
		if !sleep(ctx, b.random(failed)) {
			return ctx.Err()
		}
		if errors.Is(err, errQueueFull) {
			s.inbox.wait(ctx.Done())
		}
		s.tell(SessionStateReconnecting, nil)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// final reports whether there is no use in another connection.
func final(err error) bool {
	_, refused := errors.AsType[*SessionError](err)
	return refused || errors.Is(err, ErrSessionDisconnected) || errors.Is(err, errLoggedOut)
}

// connection makes one connection and returns when it has ended, whether it was
// logged in, and why it has ended; never nil. If the service takes the token for
// expired, because its clock is ahead, and there is another one, that is tried.
func (s *Session) connection(ctx context.Context) (in bool, err error) {
	refused := ""
	for {
		token, terr := s.client.token()
		switch {
		case terr != nil:
			return false, fmt.Errorf("nexmo: session: no token: %w", terr)
		case token == refused:
			return false, err
		}
		in, err = s.connect(ctx, token)
		if e, ok := errors.AsType[*SessionError](err); in || !ok || e.Code != ErrorCodeExpiredToken || refused != "" {
			return in, err
		}
		refused = token
		s.tokens.discard(token)
	}
}

// maxFrame bounds what is received at once, in bytes: all events that a session missed
// come in one piece.
const maxFrame = 64 << 20

// connect is connection with a token. A panic of what the program gave to Dial, such as the
// transport of its HTTP client, ends the connection like any other error.
func (s *Session) connect(ctx context.Context, token string) (in bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = connectionError(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(s.cfg.loginTimeout, func() { cancel(errLoginTime) })
	defer patience.Stop()
	conn, err := socketio.Dial(ctx, s.cfg.websocketURL, &socketio.DialOptions{
		HTTPClient: s.cfg.client.http, Query: s.query(token), Timeout: s.cfg.loginTimeout, ReadLimit: maxFrame,
	})
	if err != nil {
		return false, connectionError(err)
	}
	var reason error // of ours, which comes before that of the connection
	err = conn.Run(ctx, func(p socketio.Packet) error {
		switch {
		case p.Type != socketio.TypeEvent || p.Name == "echo":
		case in || s.ID() != "" && !aboutSession(p.Name): // it may overtake the answer when a session goes on
			reason = s.receive(ctx, conn, p)
		default:
			s.acknowledge(ctx, conn, p)
			if reason = s.login(ctx, conn, token, p); reason == nil {
				patience.Stop()
				in = true
			}
		}
		return reason
	})
	if reason != nil {
		err = reason
	}
	s.mu.Lock()
	s.conn = nil
	if s.renewal != nil {
		s.renewal.Stop()
	}
	s.mu.Unlock()
	return in, connectionError(err)
}

// connectionError is why a connection has ended, in the words of this package.
func connectionError(err error) error {
	if refused, ok := errors.AsType[*socketio.RefusedError](err); ok {
		return &SessionError{Code: ErrorCodeConnectError, Description: refused.Message}
	}
	if errors.Is(err, socketio.ErrDisconnected) {
		return ErrSessionDisconnected
	}
	if _, ok := errors.AsType[*SessionError](err); ok || errors.Is(err, errLoggedOut) || errors.Is(err, errQueueFull) || errors.Is(err, errLoginTime) {
		return err
	}
	return fmt.Errorf("nexmo: session: %w", err)
}

// query is what a connection asks for. To go on with a session takes nothing but
// its ID and the token: the service keeps what was said first.
func (s *Session) query(token string) url.Values {
	if id := s.ID(); id != "" {
		return url.Values{"token": {token}, "session_id": {id}}
	}
	return url.Values{
		"token":              {token},
		"session_version":    {s.cfg.version},
		"acknowledge_events": {"true"},
		"SDK_name":           {"nexmo-go"},
		"SDK_version":        {strings.TrimPrefix(ownUserAgent, "nexmo-go/")},
		"OS_family":          {"go"},
		"OS_revision":        {runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
	}
}

// acknowledge says that an event was received. If that fails the connection has
// ended, and the event comes again.
func (s *Session) acknowledge(ctx context.Context, conn *socketio.Conn, p socketio.Packet) {
	if p.ID != "" {
		_ = conn.Ack(ctx, p.ID) // what is read next tells why
	}
}

// login reads the answer to a login: the first event, whatever its name.
func (s *Session) login(ctx context.Context, conn *socketio.Conn, token string, p socketio.Packet) error {
	if p.Name != "session:success" {
		return newSessionError(p.Name, p.Data)
	}
	if err := s.adopt(ctx, p.Data); err != nil {
		return err
	}
	s.mu.Lock()
	s.conn = conn
	s.mu.Unlock()
	s.useToken(token)
	s.tell(SessionStateConnected, nil)
	select {
	case <-s.ready:
	default:
		close(s.ready) // Dial returns: a function of OnState is told what comes next
	}
	s.askLogout(ctx)
	return nil
}

// adopt takes over what session:success says: who we are, and the events that the
// session missed. The acknowledgement of the frame stands for them, so they are
// taken however many they are; one that is broken costs neither the others nor the session.
func (s *Session) adopt(ctx context.Context, data []byte) error {
	var id, userID, name string
	var missed []byte
	for f := walkFields(data); f.next(); {
		if f.key() != "body" {
			continue
		}
		for f := walkFields(f.value); f.next(); {
			switch f.key() {
			case "id":
				id = textOf(f.value)
			case "user_id":
				userID = textOf(f.value)
			case "name":
				name = textOf(f.value)
			case "pending_events":
				missed = f.value
			}
		}
	}
	if id == "" {
		return errors.New("nexmo: session: session:success does not name the session")
	}
	s.mu.Lock()
	s.id = id
	if userID != "" {
		s.me = User{ID: userID, Name: name}
	}
	s.mu.Unlock()
	s.acceptMissed(ctx, missed)
	return nil
}

// textOf returns a JSON text, or "" for anything else.
func textOf(value []byte) (text string) {
	_ = json.Unmarshal(value, &text)
	return text
}

// aboutSession reports whether an event with that name is no event of a conversation.
func aboutSession(name string) bool {
	return strings.HasPrefix(name, "session:") || strings.HasPrefix(name, "system:error:") || strings.HasPrefix(name, "user:error:")
}

// receive handles an event of a connection that is no answer to its login.
func (s *Session) receive(ctx context.Context, conn *socketio.Conn, p socketio.Packet) error {
	about := aboutSession(p.Name)
	if !about && s.inbox.full() {
		return errQueueFull // it is not acknowledged, and comes again
	}
	s.acknowledge(ctx, conn, p)
	if done, err := s.answered(ctx, conn, p); done {
		return err
	}
	if about {
		return s.notice(ctx, p)
	}
	s.accept(ctx, p.Name, p.Data)
	return nil
}

// notice handles an event that is about the session. The error ends it.
func (s *Session) notice(ctx context.Context, p socketio.Packet) error {
	e := newSessionError(p.Name, p.Data)
	switch {
	case p.Name == "session:success":
		if err := s.adopt(ctx, p.Data); err != nil {
			s.report(err)
		}
	case errors.Is(e, ErrSessionInvalid), errors.Is(e, ErrSessionTerminated):
		return e
	case e.Code == ErrorCodeExpiredToken:
		s.report(e)
		s.spawn(func(ctx context.Context) { s.renewNow(ctx) })
	case strings.Contains(p.Name, "error"):
		s.report(e)
	default:
		s.log(ctx, slog.LevelDebug, "nexmo: the service says something about the session", slog.String("event_type", p.Name))
	}
	return nil
}
