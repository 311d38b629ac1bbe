package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestSessionLogout(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	s := dial(t, server, userTokens(t, server, "alice", 0))
	told := statesOf(s)
	done := running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
	id := s.ID()
	if err := s.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run returns %v", err)
	}
	if len(told.more) != 1 {
		t.Error("Run has not waited for the functions of OnState")
	}
	if err := told.because(t, nexmo.SessionStateClosed); err != nil {
		t.Errorf("%v is told", err)
	}
	_, err := nexmo.Dial(t.Context(), userTokens(t, server, "alice", 0), append(sessionAt(server), nexmo.WithResume(id))...)
	if !errors.Is(err, nexmo.ErrSessionInvalid) {
		t.Errorf("Dial returns %v for a session that was logged out", err)
	}
}

// A logout waits for the connection, and gives up with its context.
func TestSessionLogoutWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", time.Hour))
		told := statesOf(s)
		server.Faults().CutSessions("alice")
		told.expect(t, nexmo.SessionStateDisconnected)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := s.Logout(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Logout returns %v", err)
		}
		if err := s.Logout(t.Context()); err != nil {
			t.Errorf("Logout returns %v", err)
		}
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected, nexmo.SessionStateClosed)
	})
}

// What counts as the answer to a logout is told by its rid, or ends the session.
func TestSessionLogoutAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		says string // rid stands for the tid
		want error
		over bool
	}{
		"logged out":           {`425["session:logged-out",{"rid":"rid","body":{}}]`, nil, true},
		"terminated":           {`42["session:terminated",{"rid":"rid","body":{}}]`, nil, true},
		"another name":         {`42["tomorrow",{"rid":"rid"}]`, nil, true},
		"terminated, no rid":   {`42["session:terminated",{}]`, nil, true},
		"sent away":            {`41`, nil, true},
		"an error":             {`425["system:error:permission",{"rid":"rid","body":{}}]`, &nexmo.SessionError{Code: "system:error:permission"}, false},
		"an error of another":  {`42["system:error:permission",{"rid":"x","body":{}}]`, context.DeadlineExceeded, false},
		"an answer to another": {`42["tomorrow",{"rid":"x","id":1,"cid":"CON-1"}]`, context.DeadlineExceeded, false},
		"none":                 {`6`, context.DeadlineExceeded, false},
	}
	request := regexp.MustCompile(`^42\["session:logout",\{"tid":"([0-9a-f-]{36})","body":\{\}\}\]$`)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
					say(openPacket, letIn, successEvent)
					asked := request.FindStringSubmatch(read(3)[2])
					if asked == nil {
						t.Error("this is no request to log out")
						return
					}
					say(strings.Replace(tt.says, `"rid":"rid"`, `"rid":"`+asked[1]+`"`, 1))
					read(10)
				})
				s, err := nexmo.Dial(t.Context(), anyToken, opts...)
				if err != nil {
					t.Fatal(err)
				}
				told := statesOf(s)
				done := running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err = s.Logout(ctx)
				want, refused := errors.AsType[*nexmo.SessionError](tt.want)
				got, _ := errors.AsType[*nexmo.SessionError](err)
				if refused && (got == nil || got.Code != want.Code) || !refused && !errors.Is(err, tt.want) {
					t.Errorf("Logout returns %v, want %v", err, tt.want)
				}
				synctest.Wait()
				if over := len(done) > 0; over != tt.over {
					t.Errorf("is it over? %v, want %v", over, tt.over)
				}
				_ = s.Close()
				if err := <-done; err != nil {
					t.Errorf("Run returns %v", err)
				}
				var state nexmo.SessionState
				for state != nexmo.SessionStateClosed { // an error may have been told before
					state, err = told.next(t)
				}
				if err != nil {
					t.Errorf("the end is told as %v", err)
				}
			})
		})
	}
}
