package nexmo_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A token that the service takes for expired is made anew, once.
func TestDialRenewsToken(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	token := server.UserToken("alice")
	for name, tt := range map[string]struct {
		tokens   nexmo.TokenSource
		refusals int
		want     error
		logins   int
	}{
		"once":                {userTokens(t, server, "alice", 0), 1, nil, 2},
		"twice":               {userTokens(t, server, "alice", 0), 2, nexmo.ErrUnauthorized, 2},
		"a new one each time": {nexmo.TokenFunc(func() (string, error) { return server.UserToken("alice"), nil }), 1, nil, 2},
		"always the same":     {nexmo.TokenFunc(func() (string, error) { return token, nil }), 1, nexmo.ErrUnauthorized, 1},
	} {
		before := len(server.Logins())
		server.Faults().Logins("system:error:expired-token", tt.refusals)
		s, err := nexmo.Dial(t.Context(), tt.tokens, sessionAt(server)...)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Dial returns %v", name, err)
		}
		if err == nil {
			_ = s.Close()
		}
		if n := len(server.Logins()) - before; n != tt.logins {
			t.Errorf("%s: there are %d logins", name, n)
		}
	}
}

// The token is renewed before it has expired, as often as need be, and the session
// goes on with the one it is given.
func TestSessionToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", 30*time.Second))
		told := statesOf(s)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins", n)
		}
		puts := requestsTo(server, http.MethodPut, "/v0.2/sessions/"+s.ID())
		if puts < 20 || puts > 40 {
			t.Errorf("the token was renewed %d times in ten minutes", puts)
		}
		if err := s.UpdateToken(t.Context(), server.UserToken("alice")); err != nil { // good for 15 minutes
			t.Fatal(err)
		}
		time.Sleep(12 * time.Minute)
		if n := requestsTo(server, http.MethodPut, "/v0.2/sessions/"+s.ID()); n != puts+1 {
			t.Errorf("the token that was given was renewed %d times", n-puts-1)
		}
		time.Sleep(time.Hour)
		server.Faults().SendFrame("alice", "system:error:expired-token", map[string]any{"body": map[string]any{}})
		if err := told.because(t, nexmo.SessionStateConnected); !errors.Is(err, nexmo.ErrUnauthorized) {
			t.Errorf("%v is told", err)
		}
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins", n)
		}
		if err := s.UpdateToken(t.Context(), server.UserToken("bob")); !errors.Is(err, nexmo.ErrNotFound) {
			t.Errorf("the token of somebody else: %v", err)
		}
		if err := s.UpdateToken(t.Context(), " "); !errors.Is(err, nexmo.ErrInvalid) {
			t.Errorf("no token: %v", err)
		}
	})
}

// A token that cannot be renewed is told, and 41 is the end; a new token resumes.
func TestSessionTokenExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		token := server.UserToken("alice")
		s := dial(t, server, nexmo.TokenFunc(func() (string, error) { return token, nil }))
		told := statesOf(s)
		done := running(t, s, nexmo.SinkFunc(nil))
		if err := told.because(t, nexmo.SessionStateConnected); err == nil {
			t.Error("nothing is said of a token that cannot be renewed")
		}
		if err := <-done; !errors.Is(err, nexmo.ErrSessionDisconnected) {
			t.Errorf("Run returns %v", err)
		}
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins", n)
		}
		_ = s.Close()
		token = server.UserToken("alice")
		dial(t, server, nexmo.TokenFunc(func() (string, error) { return token, nil }), nexmo.WithResume(s.ID()))
	})
}

// Without a connection a token is kept for the next one.
func TestSessionTokenDisconnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tokens []string
		begin := make(chan struct{})
		opts := scriptedService(t, func(n int, r *http.Request, say func(...string), read func(n int) []string) {
			tokens = append(tokens, r.URL.Query().Get("token"))
			say(openPacket, letIn, successEvent)
			read(2)
			if <-begin; n > 1 {
				read(1)
			}
		})
		s, err := nexmo.Dial(t.Context(), anyToken, opts...)
		if err != nil {
			t.Fatal(err)
		}
		told := statesOf(s)
		close(begin)
		told.expect(t, nexmo.SessionStateDisconnected)
		if err := s.UpdateToken(t.Context(), "another"); err != nil {
			t.Fatal(err)
		}
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		_ = s.Close()
		if diff := cmp.Diff([]string{"token", "another"}, tokens); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestSessionPrintsNoToken: neither printing nor logging a session, or a client,
// shows a token.
func TestSessionPrintsNoToken(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	token := server.UserToken("alice")
	s := dial(t, server, nexmo.TokenFunc(func() (string, error) { return token, nil }))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("session", "session", s, "client", server.Client())
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x"}
	for _, verb := range verbs {
		fmt.Fprintf(&log, verb, s)
	}
	// Here fmt looks at the fields themselves, without regard to who writes to them.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	within := struct{ s *nexmo.Session }{s}
	for _, verb := range verbs {
		fmt.Fprintf(&log, verb, within)
	}
	if strings.Contains(log.String(), token) {
		t.Errorf("the token is in %s", &log)
	}
	if !strings.Contains(log.String(), s.ID()) {
		t.Errorf("the ID is not in %s", &log)
	}
}
