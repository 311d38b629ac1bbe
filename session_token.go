package nexmo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// sessionTokens are the tokens of a session: one that [Session.UpdateToken] was
// given, while it is good, and else those of the source.
type sessionTokens struct {
	source TokenSource

	mu    sync.Mutex
	given hidden
	until time.Time // when given is to be replaced; zero if that is not known
}

// Token returns the token to use now.
func (t *sessionTokens) Token() (string, error) {
	t.mu.Lock()
	if !t.until.IsZero() && !time.Now().Before(t.until) {
		t.given = nil
	}
	given := t.given.text()
	t.mu.Unlock()
	if given != "" {
		return given, nil
	}
	return t.ask()
}

// ask returns a token of the source, whose panics are errors: it is asked in a goroutine of
// the session.
func (t *sessionTokens) ask() (token string, err error) {
	defer func() {
		if v := recover(); v != nil {
			token, err = "", &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return t.source.Token()
}

// give has a token used in place of those of the source.
func (t *sessionTokens) give(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.given, t.until = hide(token), renewalOf(token)
}

// discard has the next token be another one, if there is another one.
func (t *sessionTokens) discard(token string) {
	t.mu.Lock()
	if t.given.text() == token {
		t.given = nil
	}
	t.mu.Unlock()
	if d, ok := t.source.(discarder); ok {
		d.discard(token)
	}
}

// lifeClaims are the claims of a token that say how long it is good. Those of other issuers
// may have any type: they are not looked at.
type lifeClaims struct {
	jwt.Claims `json:"-"`

	IssuedAt  claimedTime `json:"iat"`
	ExpiresAt claimedTime `json:"exp"`
}

// claimedTime is a time in a token: a number of seconds, which may have a fraction or be
// text. It is zero if it is anything else.
type claimedTime struct{ time.Time }

// UnmarshalJSON reads what can be read, and never fails.
func (c *claimedTime) UnmarshalJSON(data []byte) error {
	seconds, err := strconv.ParseFloat(strings.Trim(string(data), `"`), 64)
	if err == nil && seconds > 0 && seconds < 1<<40 {
		c.Time = time.UnixMicro(int64(seconds * 1e6))
	}
	return nil
}

// lifeOf returns since when and until when a token is good, if it says so.
func lifeOf(token string) (from, until time.Time, ok bool) {
	var claims lifeClaims
	// The service verifies it. We only want to know how long it is good.
	if _, _, err := jwt.NewParser().ParseUnverified(token, &claims); err != nil || claims.ExpiresAt.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	from = time.Now()
	if !claims.IssuedAt.IsZero() && claims.IssuedAt.Before(from) {
		from = claims.IssuedAt.Time
	}
	return from, claims.ExpiresAt.Time, true
}

// renewalOf returns when a token is to be replaced, when a sixth of its life is
// left: [Credentials] have a new one by then. It is zero if the token does not say.
func renewalOf(token string) time.Time {
	from, until, ok := lifeOf(token)
	if !ok {
		return time.Time{}
	}
	return until.Add(-until.Sub(from) / 6)
}

// useToken notes the token that the connection has, and renews it in time.
func (s *Session) useToken(token string) {
	s.mu.Lock()
	s.token = hide(token)
	s.mu.Unlock()
	if at := renewalOf(token); !at.IsZero() {
		s.renewAt(at)
	} else {
		s.log(context.Background(), slog.LevelWarn, "nexmo: the token of the session does not say until when it is good (exp): it is not renewed before the service refuses it")
	}
}

// minRenewal is the shortest time between two attempts to renew a token.
const minRenewal = time.Second

func (s *Session) renewAt(at time.Time) {
	wait := max(time.Until(at), minRenewal)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.conn == nil {
		return
	}
	if s.renewal != nil {
		s.renewal.Stop()
	}
	s.renewal = time.AfterFunc(wait, func() { s.spawn(s.renew) })
}

// renew replaces the token of the connection by a new one of the source. If that
// fails it is tried again, until the token has expired.
func (s *Session) renew(ctx context.Context) {
	s.mu.Lock()
	old, connected := s.token.text(), s.conn != nil
	s.mu.Unlock()
	if !connected {
		return // the next connection has a new one anyway
	}
	token, err := s.client.token()
	if err == nil && token == old {
		err = errStaleToken
	}
	if err == nil {
		err = s.putToken(ctx, token)
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	s.log(ctx, slog.LevelWarn, "nexmo: the token of the session could not be renewed", reasonOf(err))
	s.report(err)
	if _, until, ok := lifeOf(old); ok && time.Now().Before(until) {
		s.renewAt(time.Now().Add(time.Until(until) / 2))
	}
}

var errStaleToken = errors.New("nexmo: session: the TokenSource still returns the token that is about to expire")

func (s *Session) renewNow(ctx context.Context) {
	s.mu.Lock()
	old := s.token.text()
	s.mu.Unlock()
	s.tokens.discard(old)
	s.renew(ctx)
}

// UpdateToken has the session go on with a new token of its user, such as one that
// allows more. It is used until it is about to expire: then the [TokenSource] is
// asked again, which a session does by itself whenever its token is about to expire.
// Without a connection the token is kept for the next one.
func (s *Session) UpdateToken(ctx context.Context, token string) error {
	token = strings.TrimSpace(token)
	if token == "" {
		return invalid("update token", "token", "it is empty")
	}
	s.mu.Lock()
	closed, connected := s.closed, s.conn != nil
	s.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if connected {
		if err := s.putToken(ctx, token); err != nil {
			return err
		}
	}
	s.tokens.give(token)
	return nil
}

// putToken tells the service of a new token.
func (s *Session) putToken(ctx context.Context, token string) error {
	c := *s.client
	c.tokens = TokenFunc(func() (string, error) { return token, nil })
	if _, err := c.send(ctx, newRequest(http.MethodPut, "update token", "/v0.2/sessions/{session ID}", nil, s.ID())); err != nil {
		return err
	}
	s.useToken(token)
	return nil
}
